import { K_BLOCK } from '../backends/sizes.ts'
import { elementsOf } from '../program/axes.ts'
import type { Backend, HostArray, Loaded } from '../program/device.ts'
import { accessesOf } from '../program/kernels.ts'
import { describe } from '../program/listing.ts'
import type { Kernel, KernelOf, Plan, Port } from '../program/plan.ts'
import { addressesOf, isolate, type Memory, type Unrolled } from './instructions.ts'
import { fusedIntervals, type Interval, LINK, rounded, sumBudget } from './intervals.ts'
import { scanInterval } from './recurrences.ts'

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
  let operands: Memory = []
  for (let done = 0; done <= plan.instructions.length; done++) {
    reset()
    await loaded.runTo(inputs, done)
    if (done > 0) {
      const [at, call] = [done - 1, plan.instructions[done - 1]]
      const found: HostArray[] = []
      for (const { view, dtype } of accessesOf(call).writes) found.push(await loaded.peek(view, dtype))
      const { accuracy, wrong } = await check(reference, isolate(call).call, operands, found)
      yield { at, call, accuracy, wrong: wrong && `kernel ${at}, ${describe(call)}: ${wrong}` }
    }
    if (done < plan.instructions.length) operands = await operandsOf(plan.instructions[done], loaded)
  }
}

/** The buffers of a call that is isolated, NaN where it reads nothing. */
async function operandsOf(call: Kernel, loaded: Loaded): Promise<Memory> {
  const { call: alone, sizes } = isolate(call)
  const memory = sizes.map((elements) => new Float64Array(elements).fill(Number.NaN))
  const { reads } = accessesOf(alone)
  for (const [i, { view, dtype }] of accessesOf(call).reads.entries()) {
    const held = await loaded.peek(view, dtype)
    let lane = 0
    for (const address of addressesOf(reads[i])) memory[reads[i].view.buffer][address] = held[lane++]
  }
  return memory
}

async function check(
  reference: Backend,
  call: Kernel,
  memory: Memory,
  found: readonly HostArray[],
): Promise<Pick<KernelResult, 'accuracy' | 'wrong'>> {
  const exact = await evaluate(reference, call.kind === 'fused' ? rounded(call) : call, memory)
  const expected =
    call.kind === 'fused'
      ? fusedIntervals(call, memory)
      : call.kind === 'scan'
        ? [scanInterval(call, memory, exact[0])]
        : await bounds(reference, call, memory, exact)
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
      const fits = within(actual, bottom, top)
      const error = fits && !Number.isFinite(actual) ? 0 : Math.abs(actual - value)
      const unit = dtype === 'f32' ? unitInLastPlace(value) : 1
      accuracy.ulp = Math.max(accuracy.ulp, orInfinite(error / unit))
      accuracy.relative = Math.max(accuracy.relative, error === 0 ? 0 : orInfinite(error / largest))
      accuracy.budget = Math.max(accuracy.budget, partOf(actual, bottom, top, fits))
      // the reference's own result must lie within the bounds, too
      const outside = fits ? (within(value, bottom, top) ? undefined : `${value} on the reference`) : `${actual}`
      wrong ??= outside && `element ${lane} of result ${output} is ${outside}, expected ${bottom} to ${top}`
    }
  }
  return { accuracy, wrong }
}

const within = (x: number, low: number, high: number): boolean =>
  (x >= low && x <= high) || (Number.isNaN(x) && Number.isNaN(low))

const orInfinite = (x: number): number => (Number.isNaN(x) ? Infinity : x)

/** How far from the middle of its interval a number lies, 1 being the ends. */
function partOf(x: number, low: number, high: number, fits: boolean): number {
  const part = Math.abs(x - (low + high) / 2) / ((high - low) / 2)
  return fits ? Math.min(1, part || 0) : orInfinite(Math.max(part, 1))
}

/** The distance of two neighbouring float32 numbers at x. */
const unitInLastPlace = (x: number): number =>
  2 ** (Math.max(-126, Math.floor(Math.log2(Math.abs(Math.fround(x))))) - 23)

/** What the reference makes of an isolated call, each result in the order of its lanes. */
async function evaluate(reference: Backend, call: Kernel, memory: Memory): Promise<Float64Array[]> {
  const [, ...operands] = memory
  const inputs = operands.map(({ length }, i): Port => {
    const view = { buffer: i + 1, offset: 0, loopStrides: [], axes: [{ size: length, stride: 1 }] }
    return { name: `${i}`, dtype: 'f32', shape: [length], view }
  })
  const elements = operands.reduce((sum, { length }) => sum + length, 0)
  const loaded = reference.load({
    buffers: [
      { kind: 'arena', elements: 0 },
      ...operands.map(({ length }, i) => ({ kind: 'input' as const, name: `${i}`, elements: length })),
    ],
    instructions: [call],
    inputs,
    outputs: [],
    memory: { arena: 0, replay: 0, inputs: elements, variables: 0 },
  })
  try {
    await loaded.runTo(operands, 1)
    const { writes } = accessesOf(call)
    const results = await Promise.all(writes.map(({ view, dtype }) => loaded.peek(view, dtype)))
    return results.map((values) => Float64Array.from(values))
  } finally {
    loaded.close()
  }
}

/** How many terms of a sum its budget counts, if the result is not exact; `by index`: as many as the indices say. */
type Terms = number | 'exact' | 'by index'
const terms: { readonly [Kind in Exclude<Kernel['kind'], 'fused' | 'scan'>]: (call: KernelOf<Kind>) => Terms } = {
  reduce: ({ op, dtype, reduced }) =>
    op === 'max' || dtype === 'i32' ? 'exact' : Math.min(K_BLOCK, elementsOf(reduced)),
  matmul: ({ k }) => Math.min(K_BLOCK, elementsOf(k)) + elementsOf(k) / LINK,
  gather: () => 'exact',
  scatterAdd: () => 'by index',
}

/** The bounds of a kernel that sums, or that only moves. */
async function bounds(
  reference: Backend,
  call: Exclude<Kernel, { kind: 'fused' | 'scan' }>,
  memory: Memory,
  exact: readonly Float64Array[],
): Promise<Interval[]> {
  const counted = (terms[call.kind] as (call: Kernel) => Terms)(call)
  if (counted === 'exact') return exact.map((values) => ({ low: values, high: values }))
  // of its terms' magnitudes the kernel makes the sum of magnitudes, of ones how many they are
  const evaluateOn = (term: (x: number) => number): Promise<Float64Array[]> => {
    const terms = memory.map((buffer) => buffer.map(term))
    // indices stay as they are
    for (const { view, dtype } of accessesOf(call).reads)
      if (dtype === 'i32') terms[view.buffer].set(memory[view.buffer])
    return evaluate(reference, call, terms)
  }
  const magnitudes = await evaluateOn(Math.abs)
  const hits = counted === 'by index' ? await evaluateOn((x) => (Number.isNaN(x) ? x : 1)) : undefined
  const allowed = exact.map((values, output) =>
    values.map((_, lane) => sumBudget(magnitudes[output][lane], hits ? hits[output][lane] : Number(counted))),
  )
  return exact.map((values, output) => ({
    low: values.map((value, lane) => value - allowed[output][lane]),
    high: values.map((value, lane) => value + allowed[output][lane]),
  }))
}

export const inputsOf = (plan: Pick<Plan, 'inputs'>, values: Readonly<Record<string, Float64Array>>): Float64Array[] =>
  plan.inputs.map(({ name }) => values[name])
