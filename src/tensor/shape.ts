import { asList, shown } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import type { Shape } from './dtype.ts'

export const sizeOf = (shape: Shape): number => shape.reduce((product, size) => product * size, 1)

export const sameShape = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((size, i) => size === b[i])

export const formatShape = (shape: Shape): string => `[${shape.join(', ')}]`

/** An error about shapes; lists in its message are written as shapes: shapeError`slice: ${size} at ${start} is too large`. */
export const shapeError = (message: TemplateStringsArray, ...values: unknown[]): RmaatError =>
  new RmaatError(
    'shape',
    String.raw(message, ...values.map((value) => (Array.isArray(value) ? formatShape(value) : value))),
  )

const isShape = (shape: unknown): boolean =>
  Array.isArray(shape) && Array.from(shape).every((size) => Number.isSafeInteger(size) && size >= 0)

export function checkShape(operation: string, shape: Shape): void {
  if (!isShape(shape)) {
    const found = `${asList(shape, isShape)}, found ${shown(shape)}`
    throw shapeError`${operation}: sizes must be a list of integers of at least 0${found}`
  }
  if (!Number.isSafeInteger(sizeOf(shape)))
    throw shapeError`${operation}: ${shape} has more elements than can be counted`
}

/** The axis counted from the front; negative ones count from the back. */
export function normalizeAxis(operation: string, axis: number, rank: number): number {
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank) {
    const range = rank === 0 ? 'there is none in a scalar' : `expected ${-rank} to ${rank - 1}`
    throw shapeError`${operation}: no axis ${shown(axis)} in a tensor of rank ${rank}, ${range}`
  }
  return axis < 0 ? axis + rank : axis
}

/** The order of axes in which one and the last change places. */
export const toBack = (axis: number, rank: number): number[] =>
  Array.from({ length: rank }, (_, i) => (i === axis ? rank - 1 : i === rank - 1 ? axis : i))

/** Axes in rising order, each once; all of them where none are named. */
export function normalizeAxes(operation: string, axes: number | readonly number[] | undefined, rank: number): number[] {
  if (axes === undefined) return Array.from({ length: rank }, (_, axis) => axis)
  const list = (typeof axes === 'number' ? [axes] : [...axes]).map((axis) => normalizeAxis(operation, axis, rank))
  if (new Set(list).size !== list.length)
    throw shapeError`${operation}: an axis is named twice in ${JSON.stringify(axes)}`
  return list.sort((a, b) => a - b)
}

/** The shape that two shapes broadcast to by NumPy's rule: aligned at the last axis, sizes of 1 are repeated. */
export function broadcastShapes(operation: string, ...shapes: Shape[]): number[] {
  const rank = Math.max(...shapes.map((shape) => shape.length))
  const result = new Array<number>(rank).fill(1)
  for (const shape of shapes) {
    shape.forEach((size, i) => {
      const axis = i + rank - shape.length
      if (size === 1 || size === result[axis]) return
      if (result[axis] !== 1) {
        const found = shapes.map(formatShape).join(' and ')
        throw shapeError`${operation}: shapes ${found} do not broadcast: sizes ${result[axis]} and ${size} meet, equal sizes or a 1 would fit`
      }
      result[axis] = size
    })
  }
  return result
}
