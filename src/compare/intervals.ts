import { randomWord, type ScalarName } from '../ops/rounded.ts'
import { anything, type Ends, isExact, type ScalarEntry, type ScalarsThat, scalars } from '../ops/scalar.ts'
import type { Fused, ScalarStep, Step } from '../program/plan.ts'
import { addressesOf, type Memory } from './instructions.ts'

/**
 * Every number that a device may find in a fused program: each scalar operation may be off by its entry's budget, and what was
 * off before carries through. A step's interval is the image of its operands' intervals, widened by the budget; it holds
 * for every device that keeps to the budgets, and is a few units in the last place wide.
 *
 * From -Infinity to Infinity means "anything, NaN too".
 */
export interface Interval {
  readonly low: Float64Array
  readonly high: Float64Array
}

/** What sums may be off by: c * 2^-24 * sum |a_i|, and c is at least this. */
export const SUM = 8
/** Products add up their blocks in one chain, of one link for at least so many terms. */
export const LINK = 256
/** But the lanes of a row go into so many running sums, however long it is. */
export const RUNNING = 4
/** c of a sum of so many terms in one chain: where terms are alike, up to half of their rounding errors add up. */
export const chain = (terms: number): number => SUM + terms / 2
export const UNIT = 2 ** -24
export const TINY = 2 ** -126
export const LARGEST = 3.4028234663852886e38

/** The intervals of all that a call stores. Memory holds what the device holds. */
export function fusedIntervals(call: Fused, memory: Memory): Interval[] {
  const { rows, width } = call
  const values = new Map<number, Interval>()
  const stored: Interval[] = []
  const get = (value: number): Interval => values.get(value)!
  // a value is forgotten when it was read for the last time
  const last = new Map(call.steps.flatMap((step) => step.args.map((value) => [value, step] as const)))
  for (const [prologue, steps] of [
    [true, call.prologue],
    [false, call.steps],
  ] as const) {
    for (const step of steps) {
      const lanes = step.level === 'inner' ? rows * width : rows
      if (step.op === 'store') stored.push(get(step.args[0]))
      else values.set(step.to, result(step, lanes, prologue))
      for (const value of step.args) if (last.get(value) === step) values.delete(value)
    }
  }
  return stored

  function result(step: Exclude<Step, { op: 'store' }>, lanes: number, prologue: boolean): Interval {
    switch (step.op) {
      case 'load': {
        const { kind, view, dtype } = call.operands[step.operand]
        const addresses = addressesOf({ view })
        const held = addresses.map((address) => (kind === 'index' ? address : memory[view.buffer][address]))
        // what a prologue loads is the same for every row: one block holds a whole number of its periods
        const values = Float64Array.from({ length: lanes }, (_, i) => held[prologue ? i % held.length : i])
        return dtype === 'f32' && kind === 'memory' ? spreadLoaded(values) : { low: values, high: values }
      }
      case 'constant': {
        const value = step.dtype === 'f32' ? Math.fround(step.value) : step.value
        const values = new Float64Array(lanes).fill(value)
        return { low: values, high: values }
      }
      case 'broadcast': {
        const { low, high } = get(step.args[0])
        const spread = (from: Float64Array) =>
          Float64Array.from({ length: lanes }, (_, i) => from[Math.floor(i / width)])
        return { low: spread(low), high: spread(high) }
      }
      case 'sum':
      case 'max':
        return reduce(step.op, step.dtype === 'f32', get(step.args[0]), lanes)
      default:
        return scalar(step, step.args.map(get), lanes)
    }
  }

  function reduce(op: 'sum' | 'max', float: boolean, { low, high }: Interval, lanes: number): Interval {
    const result = { low: new Float64Array(lanes), high: new Float64Array(lanes) }
    for (let row = 0; row < lanes; row++) {
      let [bottom, top, magnitude] = op === 'sum' ? [0, 0, 0] : [-Infinity, -Infinity, 0]
      let unknown = false
      for (let i = row * width; i < (row + 1) * width; i++) {
        unknown ||= !known(low[i], high[i])
        bottom = op === 'sum' ? bottom + low[i] : Math.max(bottom, low[i])
        top = op === 'sum' ? top + high[i] : Math.max(top, high[i])
        magnitude += Math.max(Math.abs(low[i]), Math.abs(high[i]))
      }
      if (!float && op === 'sum') {
        const exact = bottom === top
        set(result, row, exact ? bottom | 0 : -(2 ** 31), exact ? bottom | 0 : 2 ** 31)
      } else if (unknown) set(result, row, -Infinity, Infinity)
      else {
        const error = float && op === 'sum' ? chain(width / RUNNING) * UNIT * magnitude : 0
        set(result, row, bottom - error, top + error)
      }
    }
    return result
  }
}

const known = (low: number, high: number): boolean => low > -Infinity && high < Infinity

/** What was loaded: a NaN or an infinity may be anything, a number below the normal ones 0. */
function spreadLoaded(values: Float64Array): Interval {
  const isUsual = (x: number): boolean => x === 0 || (Math.abs(x) >= TINY && Math.abs(x) < Infinity)
  if (values.every(isUsual)) return { low: values, high: values }
  const spread = (end: -1 | 1) => (x: number) => (Number.isFinite(x) ? end * Math.max(0, end * x) : end * Infinity)
  return {
    low: values.map((x) => (isUsual(x) ? x : spread(-1)(x))),
    high: values.map((x) => (isUsual(x) ? x : spread(1)(x))),
  }
}

function set({ low, high }: Interval, i: number, bottom: number, top: number): void {
  const overflows = !(bottom >= -LARGEST && top <= LARGEST)
  low[i] = overflows ? -Infinity : bottom
  high[i] = overflows ? Infinity : top
}

/** What a function makes of operands that lie so. */
type Image = (operands: readonly Ends[], step: ScalarStep) => Ends

const anyInteger: Ends = [-(2 ** 31), 2 ** 31]
const truth = (surely: boolean, possibly: boolean): Ends => [Number(surely), Number(possibly)]

/** Of a function that is monotone there but where it turns: its extremes are there and at the corners of the box; so are its budget's. */
const corners: Image = (operands, { op }) => {
  // integers that are not known exactly may wrap around: sums and products of smaller ones do not
  const mayWrap = op.endsWith('I') && operands.some(([low, high]) => Math.max(-low, high) > 2 ** 15)
  if (mayWrap && !operands.every(isExact)) return anyInteger
  const { evaluate, budget, turns, monotone, bounds }: ScalarEntry = scalars[op]
  if (typeof monotone === 'function' && !monotone(operands)) return bounds?.(operands) ?? anything
  let [bottom, top] = [Infinity, -Infinity]
  const [a, b = [0, 0]] = operands
  for (const x of isExact(a) ? [a[0]] : turns ? [...a, ...turns(...a)] : a) {
    for (const y of isExact(b) ? [b[0]] : b) {
      const exact = evaluate(x, y, 0)
      const error = budget(exact, [x, y])
      bottom = Math.min(bottom, exact - error)
      top = Math.max(top, exact + error)
    }
  }
  return Number.isNaN(bottom + top) ? anything : [bottom, top]
}
const holdsZero = ([low, high]: Ends): boolean => low <= 0 && high >= 0
const less: Image = ([[al, ah], [bl, bh]]) => truth(ah < bl, al < bh)
const lessEqual: Image = ([[al, ah], [bl, bh]]) => truth(ah <= bl, al <= bh)
const equal: Image = ([a, b]) => truth(isExact(a) && isExact(b) && a[0] === b[0], a[0] <= b[1] && b[0] <= a[1])

/** What makes something of operands that may be anything: each operation whose entry says nothing of intervals stands here. */
const ofAnything: Readonly<Record<Exclude<ScalarName, ScalarsThat<'monotone'> | ScalarsThat<'turns'>>, Image>> = {
  equal,
  equalI: equal,
  isFinite: ([a]) => truth(known(...a), true),
  less,
  lessEqual,
  lessEqualI: lessEqual,
  lessI: less,
  philox: ([a, b, c], { seed, site }) => {
    if (![a, b, c].every(isExact)) return anyInteger
    const word = randomWord(a[0], b[0], c[0], seed!, site!)
    return [word, word]
  },
  where: ([a, b, c]) => {
    if (!holdsZero(a)) return b
    return isExact(a) ? c : [Math.min(b[0], c[0]), Math.max(b[1], c[1])]
  },
}

/** What a step makes of operands that lie between two numbers each: all that a device may find there. */
export function imageOf(step: ScalarStep): (operands: readonly Ends[]) => Ends {
  const free: Image | undefined = (ofAnything as Partial<Record<ScalarName, Image>>)[step.op]
  return (operands) => {
    if (free) return free(operands, step)
    return operands.every((ends) => known(...ends)) ? corners(operands, step) : anything
  }
}

function scalar(step: ScalarStep, args: readonly Interval[], lanes: number): Interval {
  const result = { low: new Float64Array(lanes), high: new Float64Array(lanes) }
  const image = imageOf(step)
  for (let i = 0; i < lanes; i++) set(result, i, ...image(args.map(({ low, high }): Ends => [low[i], high[i]])))
  return result
}

/** The call as a device holds it: its f32 literals are rounded. */
export function rounded(call: Fused): Fused {
  const round = <S extends Step>(step: S): S =>
    step.op === 'constant' && step.dtype === 'f32' ? { ...step, value: Math.fround(step.value) } : step
  return { ...call, prologue: call.prologue.map(round), steps: call.steps.map(round) }
}

/** How far the sum of a chain may be off, by the sum of its terms' magnitudes. */
export const sumBudget = (magnitude: number, terms: number): number => chain(terms) * UNIT * magnitude + TINY
