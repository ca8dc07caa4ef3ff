import type { Shape } from '../tensor/dtype.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { zeros } from './entry.ts'
import './methods.ts'
import { concat } from './views.ts'

/** A slice that a cotangent has reached. */
export interface Sliced {
  readonly start: readonly number[]
  readonly steps: readonly number[]
  readonly cotangent: Tensor
}

/** What is added to the cotangent of the sliced tensor, in its shape. */
export interface Unsliced {
  readonly term: Tensor
  /** The cotangents in it. */
  readonly of: readonly Tensor[]
  /** Whether there are zeros beside them. */
  readonly gaps: boolean
}

/**
 * The adjoint of all slices of a tensor. Those that lie behind each other along an axis are one term: a tensor that is read part
 * by part has not as many terms of its whole size.
 */
export function unslice(shape: Shape, slices: readonly Sliced[]): Unsliced[] {
  const groups = new Map<string, Sliced[]>()
  for (const one of slices) {
    const key = `${one.start}|${one.steps}|${one.cotangent.shape}`
    const group = groups.get(key) ?? []
    group.push(one)
    groups.set(key, group)
  }
  const terms: Unsliced[] = []
  const parts: Part[] = []
  for (const group of groups.values()) {
    const [{ start, steps }] = group
    const of = group.map(({ cotangent }) => cotangent)
    const sum = of.reduce((a, b) => a.add(b))
    const axes = shape.flatMap((size, axis) => (sum.shape[axis] === size ? [] : [axis]))
    const [axis] = axes
    if (axes.length === 1 && steps.every((step) => step === 1))
      parts.push({ axis, from: start[axis], to: start[axis] + sum.shape[axis], sum, of })
    else {
      const term = shape.reduce((wide, size, axis) => widen(wide, axis, size, start[axis], steps[axis]), sum)
      terms.push({ term, of, gaps: true })
    }
  }
  const chains: Part[][] = []
  for (const part of parts.sort((a, b) => a.axis - b.axis || a.from - b.from)) {
    const chain = chains.find((one) => one[0].axis === part.axis && one[one.length - 1].to <= part.from)
    if (chain) chain.push(part)
    else chains.push([part])
  }
  return [...terms, ...chains.map((chain) => joined(shape, chain))]
}

/** A slice of `from` up to `to` of one axis. */
interface Part extends Pick<Unsliced, 'of'> {
  readonly axis: number
  readonly from: number
  readonly to: number
  readonly sum: Tensor
}

/** Parts in their order, and zeros between them. */
function joined(shape: Shape, chain: readonly Part[]): Unsliced {
  const [{ axis }] = chain
  const pieces: Tensor[] = []
  let at = 0
  const fill = (to: number): void => {
    if (to > at) pieces.push(zeros(shape.with(axis, to - at)))
  }
  for (const { from, to, sum } of chain) {
    fill(from)
    pieces.push(sum)
    at = to
  }
  fill(shape[axis])
  return { term: concat(pieces, axis), of: chain.flatMap(({ of }) => of), gaps: pieces.length > chain.length }
}

/** Along one axis: the elements of a slice where they were, zeros elsewhere. */
function widen(part: Tensor, axis: number, size: number, start: number, step: number): Tensor {
  const [count, gap] = [part.shape[axis], Math.abs(step)]
  const widths = (at: number, pair: number[]): number[][] => part.shape.map(() => [0, 0]).toSpliced(at, 1, pair)
  const rising = step > 0 ? part : part.flip(axis)
  const apart = gap === 1 ? rising : rising.unsqueeze(axis + 1).pad([[0, 0], ...widths(axis, [0, gap - 1])])
  const before = step > 0 ? start : start + (count - 1) * step
  const after = Math.max(0, size - before - count * gap)
  return apart
    .reshape(part.shape.with(axis, count * gap))
    .pad(widths(axis, [before, after]))
    .narrow(axis, 0, size)
}
