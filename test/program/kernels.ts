import type { Loaded } from '../../src/program/device.ts'
import { describe } from '../../src/program/listing.ts'
import type { Plan } from '../../src/program/plan.ts'
import { accessesOf, addressesOf, evaluate, type Kernel, type Memory, type Unrolled } from './instructions.ts'
import { productBudget, rounded, rowsIntervals } from './intervals.ts'

/** How one kernel did: the largest error as a part of what its budget allows, and how many lanes were free. */
export interface Tally {
  lanes: number
  free: number
  worst: number
}

/**
 * Steps through a plan without loops on a device, and holds what each kernel wrote against a double-precision evaluation
 * of that one kernel on the operands that the device itself held. Names the first kernel that differs, or undefined.
 */
export async function compareKernels(
  loaded: Loaded,
  plan: Unrolled,
  inputs: readonly ArrayLike<number>[],
  reset: () => void,
  tally: Tally = { lanes: 0, free: 0, worst: 0 },
): Promise<string | undefined> {
  const memory = plan.buffers.map(({ elements }) => new Float64Array(elements).fill(Number.NaN))
  const copy = async (call: Kernel, which: 'reads' | 'writes'): Promise<number[][]> => {
    const values: number[][] = []
    for (const { view, dtype } of accessesOf(call)[which]) {
      const held = await loaded.peek(view, dtype)
      values.push([...held])
      if (which === 'reads')
        addressesOf({ view }).forEach((address, i) => {
          memory[view.buffer][address] = held[i]
        })
    }
    return values
  }
  for (const [at, call] of plan.instructions.entries()) {
    reset()
    await loaded.runTo(inputs, at)
    for (const buffer of memory) buffer.fill(Number.NaN)
    await copy(call, 'reads')
    reset()
    await loaded.runTo(inputs, at + 1)
    const found = await copy(call, 'writes')
    const wrong = compare(call, memory, found, tally)
    if (wrong) return `kernel ${at}, ${describe(call)}: ${wrong}`
  }
  return undefined
}

function compare(call: Kernel, memory: Memory, found: readonly number[][], tally: Tally): string | undefined {
  const expected = call.kind === 'rows' ? rowsIntervals(call, memory) : bounds(call, memory)
  // the reference's own kernel must lie within the bounds, too
  const reference = memory.map((buffer) => buffer.slice())
  evaluate(call.kind === 'rows' ? rounded(call) : call, reference)
  for (const [output, { view, low, high }] of expected.entries()) {
    for (const [lane, address] of addressesOf({ view }).entries()) {
      const values = [found[output][lane], reference[view.buffer][address]]
      tally.lanes++
      if (low[lane] === -Infinity && high[lane] === Infinity) {
        tally.free++
        continue
      }
      for (const [i, value] of values.entries()) {
        const middle = (low[lane] + high[lane]) / 2
        const allowed = (high[lane] - low[lane]) / 2
        if (allowed > 0 && i === 0) tally.worst = Math.max(tally.worst, Math.abs(value - middle) / allowed)
        if (value >= low[lane] && value <= high[lane]) continue
        if (Number.isNaN(value) && Number.isNaN(low[lane])) continue
        return (
          `element ${lane} of result ${output} is ${value}${i ? ' on the reference' : ''}, ` +
          `expected ${low[lane]} to ${high[lane]}`
        )
      }
    }
  }
  return undefined
}

/** Of a kernel that sums, or that only moves. */
function bounds(
  call: Exclude<Kernel, { kind: 'rows' }>,
  memory: Memory,
): { view: ReturnType<typeof accessesOf>['writes'][number]['view']; low: Float64Array; high: Float64Array }[] {
  const exact = memory.map((buffer) => buffer.slice())
  const magnitude = memory.map((buffer) => buffer.map(Math.abs))
  const moves = call.kind === 'gather' || (call.kind === 'reduce' && (call.op === 'max' || call.dtype === 'i32'))
  if (call.kind === 'scatterAdd') {
    const { buffer, offset } = call.indices
    for (let i = 0; i < call.count; i++) magnitude[buffer][offset + i] = memory[buffer][offset + i]
  }
  evaluate(call, exact)
  if (!moves) evaluate(call, magnitude)
  return accessesOf(call).writes.map(({ view }) => {
    const addresses = addressesOf({ view })
    const at = (sign: number): Float64Array =>
      Float64Array.from(addresses, (address) => {
        const value = exact[view.buffer][address]
        return moves ? value : value + sign * productBudget(magnitude[view.buffer][address])
      })
    return { view, low: at(-1), high: at(1) }
  })
}

export const inputsOf = (plan: Pick<Plan, 'inputs'>, values: Readonly<Record<string, Float64Array>>): Float64Array[] =>
  plan.inputs.map(({ name }) => values[name])
