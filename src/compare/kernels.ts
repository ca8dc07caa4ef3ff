import type { Backend, HostArray, Loaded } from '../program/device.ts'
import { describe } from '../program/listing.ts'
import type { Plan, View } from '../program/plan.ts'
import type { DType } from '../tensor/dtype.ts'
import { accessesOf, addressesOf, type Kernel, type Memory, type Unrolled, withPlaces } from './instructions.ts'
import { type Interval, productBudget, rounded, rowsIntervals } from './intervals.ts'

/** How far results were from what the reference makes of the same operands. */
export interface Accuracy {
  /** How many numbers there were, and how many of them no budget bounds: near an overflow, after a NaN. */
  lanes: number
  free: number
  /** Largest error in units in the last place (of i32: in ones). Where terms cancel it says little. */
  ulp: number
  /** Largest error relative to the largest element of its result. */
  relative: number
  /** Largest part of its budget that an error takes: above 1 the kernel is wrong. */
  budget: number
}

export const perfect = (): Accuracy => ({ lanes: 0, free: 0, ulp: 0, relative: 0, budget: 0 })

/** Adds what another check found. */
export function join(into: Accuracy, { lanes, free, ulp, relative, budget }: Accuracy): void {
  into.lanes += lanes
  into.free += free
  into.ulp = Math.max(into.ulp, ulp)
  into.relative = Math.max(into.relative, relative)
  into.budget = Math.max(into.budget, budget)
}

export interface KernelResult {
  /** Its number in the plan. */
  readonly at: number
  readonly call: Kernel
  readonly accuracy: Accuracy
  /** The first number that is past its budget, in words. */
  readonly wrong: string | undefined
}

/** A plan without loops, loaded on the device that is to be checked. */
export interface Subject {
  readonly loaded: Loaded
  readonly plan: Unrolled
  readonly inputs: readonly ArrayLike<number>[]
  /** Gives the variables their first values again. */
  readonly reset: () => void
}

/**
 * Steps through a plan, and holds what each kernel wrote against a double-precision evaluation of that one kernel on the
 * operands that the device itself held. Errors do not add up on the way, so the first kernel that is wrong is the culprit.
 */
export async function* checkKernels(
  { loaded, plan, inputs, reset }: Subject,
  reference: Backend,
): AsyncGenerator<KernelResult, void> {
  const peek = ({ view, dtype }: { view: View; dtype: DType }): Promise<HostArray> => loaded.peek(view, dtype)
  let operands: Memory = []
  for (let done = 0; done <= plan.instructions.length; done++) {
    reset()
    await loaded.runTo(inputs, done)
    if (done > 0) {
      const [at, call] = [done - 1, plan.instructions[done - 1]]
      const found: HostArray[] = []
      for (const access of accessesOf(call).writes) found.push(await peek(access))
      const { accuracy, wrong } = await check(reference, call, operands, found)
      yield { at, call, accuracy, wrong: wrong && `kernel ${at}, ${describe(call)}: ${wrong}` }
    }
    const next = plan.instructions[done]
    if (next) operands = await operandsOf(next, plan, peek)
  }
}

/** The buffers that a call touches, NaN where it reads nothing. */
async function operandsOf(
  call: Kernel,
  { buffers }: Unrolled,
  peek: (access: { view: View; dtype: DType }) => Promise<HostArray>,
): Promise<Memory> {
  const { reads, writes } = accessesOf(call)
  const touched = new Set([...reads, ...writes].map(({ view }) => view.buffer))
  const memory = buffers.map(({ elements }, i) => new Float64Array(touched.has(i) ? elements : 0).fill(Number.NaN))
  for (const access of reads) {
    const held = await peek(access)
    addressesOf(access).forEach((address, i) => {
      memory[access.view.buffer][address] = held[i]
    })
  }
  return memory
}

async function check(
  reference: Backend,
  call: Kernel,
  memory: Memory,
  found: readonly HostArray[],
): Promise<Pick<KernelResult, 'accuracy' | 'wrong'>> {
  const exact = await evaluate(reference, call.kind === 'rows' ? rounded(call) : call, memory)
  const expected = call.kind === 'rows' ? rowsIntervals(call, memory) : await bounds(reference, call, memory, exact)
  const accuracy = perfect()
  let wrong: string | undefined
  for (const [output, { dtype }] of accessesOf(call).writes.entries()) {
    const { low, high } = expected[output]
    const largest = exact[output].reduce((max, x) => (Number.isFinite(x) ? Math.max(max, Math.abs(x)) : max), 0)
    for (const [lane, value] of exact[output].entries()) {
      accuracy.lanes++
      const [bottom, top, actual] = [low[lane], high[lane], found[output][lane]]
      if (bottom === -Infinity && top === Infinity) {
        accuracy.free++
        continue
      }
      const within = (x: number): boolean => (x >= bottom && x <= top) || (Number.isNaN(x) && Number.isNaN(bottom))
      const error = within(actual) && !Number.isFinite(actual) ? 0 : Math.abs(actual - value)
      join(accuracy, {
        lanes: 0,
        free: 0,
        ulp: orInfinite(error / (dtype === 'f32' ? unitInLastPlace(value) : 1)),
        relative: error === 0 ? 0 : orInfinite(error / largest),
        budget: partOf(actual, bottom, top, within(actual)),
      })
      // the reference's own result must lie within the bounds, too
      const outside = within(actual) ? (within(value) ? undefined : `${value} on the reference`) : `${actual}`
      wrong ??= outside && `element ${lane} of result ${output} is ${outside}, expected ${bottom} to ${top}`
    }
  }
  return { accuracy, wrong }
}

const orInfinite = (x: number): number => (Number.isNaN(x) ? Infinity : x)

/** How far from the middle of its interval a number lies, 1 being the ends. */
function partOf(x: number, low: number, high: number, within: boolean): number {
  const part = Math.abs(x - (low + high) / 2) / ((high - low) / 2)
  return within ? Math.min(1, part || 0) : orInfinite(Math.max(part, 1))
}

/** The distance of two neighbouring float32 numbers at x. */
const unitInLastPlace = (x: number): number =>
  2 ** (Math.max(-126, Math.floor(Math.log2(Math.abs(Math.fround(x))))) - 23)

/** What the reference makes of one call, each result in the order of its lanes. */
async function evaluate(reference: Backend, call: Kernel, memory: Memory): Promise<Float64Array[]> {
  const inputs = memory.map(({ length }, i) => {
    const view: View = { buffer: i + 1, offset: 0, steps: [], axes: [{ size: length, stride: 1 }] }
    return { name: `${i}`, dtype: 'f32' as const, shape: [length], view }
  })
  const behindArena = withPlaces(call, (place) => ({ ...place, buffer: place.buffer + 1 }))
  const loaded = reference.load({
    buffers: [
      { kind: 'arena', elements: 0 },
      ...inputs.map(({ name, shape: [elements] }) => ({ kind: 'input' as const, name, elements })),
    ],
    instructions: [behindArena],
    inputs,
    outputs: [],
    memory: { arena: 0, replay: 0, inputs: memory.reduce((sum, { length }) => sum + length, 0), variables: 0 },
  })
  await loaded.runTo(memory, 1)
  const { writes } = accessesOf(behindArena)
  const results = await Promise.all(writes.map(({ view, dtype }) => loaded.peek(view, dtype)))
  loaded.close()
  return results.map((values) => Float64Array.from(values))
}

/** The bounds of a kernel that sums, or that only moves. */
async function bounds(
  reference: Backend,
  call: Exclude<Kernel, { kind: 'rows' }>,
  memory: Memory,
  exact: readonly Float64Array[],
): Promise<Interval[]> {
  const moves = call.kind === 'gather' || (call.kind === 'reduce' && (call.op === 'max' || call.dtype === 'i32'))
  if (moves) return exact.map((values) => ({ low: values, high: values }))
  const magnitudes = memory.map((buffer) => buffer.map(Math.abs))
  if (call.kind === 'scatterAdd') {
    const { buffer, offset } = call.indices
    for (let i = 0; i < call.count; i++) magnitudes[buffer][offset + i] = memory[buffer][offset + i]
  }
  const allowed = (await evaluate(reference, call, magnitudes)).map((sums) => sums.map(productBudget))
  return exact.map((values, i) => ({
    low: values.map((value, lane) => value - allowed[i][lane]),
    high: values.map((value, lane) => value + allowed[i][lane]),
  }))
}

export const inputsOf = (plan: Pick<Plan, 'inputs'>, values: Readonly<Record<string, Float64Array>>): Float64Array[] =>
  plan.inputs.map(({ name }) => values[name])
