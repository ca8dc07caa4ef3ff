import type { Device } from '../program/device.ts'
import { compile } from '../program/program.ts'
import type { Shape } from '../tensor/dtype.ts'
import type { Tensor } from '../tensor/tensor.ts'
import type { StepOptions } from '../train/step.ts'
import { compiledStep, type Workload } from './step.ts'

/** What is timed at growing sizes. What it computes with lies on the device already, and one number is read back. */
export interface Timing {
  readonly name: string
  /** What a size counts. */
  readonly unit: string
  readonly sizes: readonly number[]
  readonly prepare: (
    device: Device,
    size: number,
  ) => { readonly run: () => Promise<unknown>; readonly close: () => void }
}

/** from, 2 from, 4 from ... to */
const powers = (from: number, to: number, base = 2): number[] =>
  Array.from({ length: Math.round(Math.log(to / from) / Math.log(base)) + 1 }, (_, i) => from * base ** i)

const WIDTH = 256

const formula = (
  name: string,
  unit: string,
  sizes: readonly number[],
  shapes: (size: number) => readonly Shape[],
  build: (...operands: Tensor[]) => Tensor,
): Timing => ({
  name,
  unit,
  sizes,
  prepare: (device, size) =>
    device.allOrNothing(() => {
      const variables = shapes(size).map((shape) => device.variable(shape, 'f32', values(shape)))
      const program = compile(device, {}, () => {
        const y = build(...variables)
        return { first: y.slice([0, 0], [1, 1]) }
      })
      return {
        run: () => program.run({}),
        close: () => {
          program.close()
          for (const variable of variables) device.delete(variable)
        },
      }
    }),
})

function values(shape: Shape): Float32Array {
  const result = new Float32Array(shape.reduce((n, size) => n * size, 1))
  for (let i = 0; i < result.length; i++) result[i] = ((i * 31) % 97) / 97 - 0.5
  return result
}

/** A few kernels, each of its kind. */
export const kernelTimings: readonly Timing[] = [
  formula(
    'matrix product, n × n × n',
    'rows and columns',
    powers(16, 4096),
    (n) => [
      [n, n],
      [n, n],
    ],
    (a, b) => a.matmul(b),
  ),
  formula(
    'elementwise chain: tanh(a·b + a)·b',
    'elements',
    powers(2 ** 8, 2 ** 24, 4),
    (n) => [
      [n / WIDTH, WIDTH],
      [n / WIDTH, WIDTH],
    ],
    (a, b) => a.mul(b).add(a).tanh().mul(b),
  ),
  ...(
    [
      [`softmax of rows of ${WIDTH}`, (x) => x.softmax()],
      [`layer norm of rows of ${WIDTH}`, (x) => x.normalize()],
      [`column sums of rows of ${WIDTH}`, (x) => x.sum(0, true)],
    ] as [string, (x: Tensor) => Tensor][]
  ).map(([name, build]) => formula(name, 'rows', powers(1, 2 ** 16, 4), (rows) => [[rows, WIDTH]], build)),
]

/** A training step over the length of its segments. */
export const stepTiming = (workload: Workload, options: Omit<StepOptions, 'batch'>): Timing => ({
  name: `training step, ${workload.name}`,
  unit: 'tokens in a segment',
  sizes: powers(8, 2048),
  prepare: (device, length) => compiledStep(device, workload, options, length),
})

/** A run is repeated so often, or until so many milliseconds have gone by. */
const REPETITIONS = 15
const ENOUGH = 40

/** The median time of a run in milliseconds, after a first one that is not counted. */
export async function medianTime(run: () => Promise<unknown>): Promise<number> {
  await run()
  const times: number[] = []
  const begin = performance.now()
  do {
    const before = performance.now()
    await run()
    times.push(performance.now() - before)
  } while (times.length < REPETITIONS && performance.now() - begin < ENOUGH)
  return times.sort((a, b) => a - b)[times.length >> 1]
}

export interface Time {
  readonly device: string
  readonly workload: string
  readonly unit: string
  readonly size: number
  readonly milliseconds: number
}

/** From which size on one device is faster than another. */
export interface Crossing {
  readonly workload: string
  readonly unit: string
  readonly faster: string
  readonly than: string
  /** Undefined where it is faster at every size; else interpolated between the two sizes around it. */
  readonly from: number | undefined
  readonly text: string
}

/** For each two devices, which one is faster at the largest size that both have run, and from which size on it is. */
export function crossings(times: readonly Time[]): Crossing[] {
  const devices = [...new Set(times.map(({ device }) => device))]
  return devices.flatMap((one, i) => devices.slice(i + 1).flatMap((other) => crossing(times, one, other) ?? []))
}

const count = (size: number): string => size.toLocaleString('en-US')

function crossing(times: readonly Time[], one: string, other: string): Crossing | undefined {
  const at = (device: string, size: number) => times.find((time) => time.device === device && time.size === size)
  const both = times
    .filter(({ device }) => device === one)
    .flatMap(({ size, milliseconds, workload, unit }) => {
      const theirs = at(other, size)?.milliseconds
      return theirs === undefined ? [] : [{ size, workload, unit, ratio: Math.log(milliseconds / theirs) }]
    })
    .sort((a, b) => a.size - b.size)
  const last = both.at(-1)
  if (!last) return undefined
  const [faster, than] = last.ratio > 0 ? [other, one] : [one, other]
  const before = both.findLastIndex(({ ratio }) => Math.sign(ratio) !== Math.sign(last.ratio))
  const { workload, unit } = last
  const begin = `${workload}: ${faster} is faster than ${than}`
  if (before < 0) {
    const where =
      both.length === 1
        ? `at ${count(last.size)} ${unit}, the only size that both ran`
        : `at every size, ${count(both[0].size)} to ${count(last.size)} ${unit}`
    return { workload, unit, faster, than, from: undefined, text: `${begin} ${where}` }
  }
  const [left, right] = [both[before], both[before + 1]]
  const part = left.ratio / (left.ratio - right.ratio)
  const from = Math.round(left.size * (right.size / left.size) ** part)
  const text = `${begin} from about ${count(from)} ${unit} on (measured up to ${count(last.size)})`
  return { workload, unit, faster, than, from, text }
}
