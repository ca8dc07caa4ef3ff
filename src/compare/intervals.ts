import { randomWord, type ScalarName, scalars } from '../ops/scalar.ts'
import type { Rows, ScalarStep, Step } from '../program/plan.ts'
import { addressesOf, type Memory } from './instructions.ts'

/**
 * Every number that a device may find in a fused program: each scalar step may be off by its row's budget, and what was
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
/** Sums go by blocks of at most so many terms. */
export const BLOCK = 288
/** Products add up their blocks in one chain, of one link for at least so many terms. */
export const LINK = 256
/** But the lanes of a row go into so many running sums, however long it is. */
export const RUNNING = 4
/** c of a sum of so many terms in one chain: where terms are alike, up to half of their rounding errors add up. */
export const chain = (terms: number): number => SUM + terms / 2
const UNIT = 2 ** -24
const TINY = 2 ** -126
const LARGEST = 3.4028234663852886e38

/** The intervals of all that a call stores. Memory holds what the device holds. */
export function rowsIntervals(call: Rows, memory: Memory): Interval[] {
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
      const lanes = step.level === 'full' ? rows * width : rows
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
        return dtype === 'f32' && kind === 'memory' ? spreadNaN(values) : { low: values, high: values }
      }
      case 'constant': {
        const value = step.dtype === 'f32' ? Math.fround(step.value) : step.value
        const values = new Float64Array(lanes).fill(value)
        return { low: values, high: values }
      }
      case 'spread': {
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

/** A NaN or an infinity that was loaded. */
function spreadNaN(values: Float64Array): Interval {
  if (values.every(Number.isFinite)) return { low: values, high: values }
  return {
    low: values.map((x) => (Number.isFinite(x) ? x : -Infinity)),
    high: values.map((x) => (Number.isFinite(x) ? x : Infinity)),
  }
}

function set({ low, high }: Interval, i: number, bottom: number, top: number): void {
  const overflows = !(bottom >= -LARGEST && top <= LARGEST)
  low[i] = overflows ? -Infinity : bottom
  high[i] = overflows ? Infinity : top
}

/** Functions that may be evaluated at the ends of their operands alone. */
const monotone: ReadonlySet<ScalarName> = new Set([
  'exp',
  'log',
  'log1p',
  'sqrt',
  'rsqrt',
  'tanh',
  'erf',
  'elu',
  'eluPlusOne',
  'neg',
  'sign',
  'toFloat',
  'toInt',
  'minimum',
  'maximum',
  'minimumI',
  'maximumI',
  'add',
  'sub',
  'mul',
  'addI',
  'subI',
  'mulI',
  'negI',
  'signI',
])
/** Where functions that fall and rise have their extremes. */
const extremes: Partial<Record<ScalarName, readonly number[]>> = {
  gelu: [-0.7517915246935645],
  geluSlope: [-Math.SQRT2, Math.SQRT2],
}
const domains: Partial<Record<ScalarName, number>> = { log: 0, log1p: -1, rsqrt: 0 }

function scalar(step: ScalarStep, args: readonly Interval[], lanes: number): Interval {
  const { op } = step
  const { evaluate, budget } = scalars[op]
  const result = { low: new Float64Array(lanes), high: new Float64Array(lanes) }
  const [a, b, c] = args
  for (let i = 0; i < lanes; i++) {
    const [al, ah] = [a.low[i], a.high[i]]
    const [bl, bh] = b ? [b.low[i], b.high[i]] : [0, 0]
    if (op === 'where') {
      const [cl, ch] = [c.low[i], c.high[i]]
      if (al === 0 && ah === 0) set(result, i, cl, ch)
      else if (al > 0 || ah < 0) set(result, i, bl, bh)
      else set(result, i, Math.min(bl, cl), Math.max(bh, ch))
    } else if (op === 'philox') {
      const exact = al === ah && bl === bh && c.low[i] === c.high[i]
      if (exact) {
        const word = randomWord(al, bl, c.low[i], step.seed!, step.site!)
        set(result, i, word, word)
      } else set(result, i, -(2 ** 31), 2 ** 31)
    } else if (op === 'isFinite') set(result, i, known(al, ah) ? 1 : 0, 1)
    else if (op === 'less' || op === 'lessI') set(result, i, Number(ah < bl), Number(al < bh))
    else if (op === 'lessEqual' || op === 'lessEqualI') set(result, i, Number(ah <= bl), Number(al <= bh))
    else if (op === 'equal' || op === 'equalI')
      set(result, i, Number(al === ah && bl === bh && al === bl), Number(al <= bh && bl <= ah))
    else if (!known(al, ah) || !known(bl, bh)) set(result, i, -Infinity, Infinity)
    else if (op === 'uniform') set(result, i, al === ah ? evaluate(al, 0, 0) : 0, al === ah ? evaluate(al, 0, 0) : 1)
    else if (op === 'abs' || op === 'absI') {
      const across = al < 0 && ah > 0
      set(result, i, across ? 0 : Math.min(Math.abs(al), Math.abs(ah)), Math.max(Math.abs(al), Math.abs(ah)))
    } else if (op === 'div') {
      if (bl <= 0 && bh >= 0) set(result, i, -Infinity, Infinity)
      else corners(i, al, ah, bl, bh)
    } else if (op === 'pow') {
      if ((al <= 0 && ah >= 0) || bl !== bh) set(result, i, -Infinity, Infinity)
      else corners(i, al, ah, bl, bh)
    } else if (extremes[op]) {
      const between = extremes[op].filter((x) => al < x && x < ah)
      for (const [low, high] of [[al, ah], ...between.map((x) => [x, x])]) corners(i, low, high, 0, 0)
    } else if (monotone.has(op)) {
      if (op === 'sqrt' ? al < 0 : al <= (domains[op] ?? -Infinity)) set(result, i, -Infinity, Infinity)
      else corners(i, al, ah, bl, bh)
    } else throw new Error(`no interval for ${op}`)
  }
  return result

  // a function that is monotone in each operand has its extremes at the corners of the box; so has its budget
  function corners(i: number, al: number, ah: number, bl: number, bh: number): void {
    let [bottom, top] = [Infinity, -Infinity]
    for (const x of al === ah ? [al] : [al, ah]) {
      for (const y of bl === bh ? [bl] : [bl, bh]) {
        const exact = evaluate(x, y, 0)
        const error = budget(exact, [x, y])
        bottom = Math.min(bottom, exact - error)
        top = Math.max(top, exact + error)
      }
    }
    if (Number.isNaN(bottom + top)) set(result, i, -Infinity, Infinity)
    // integers that are not known exactly may wrap around
    else if (op.endsWith('I') && (al !== ah || bl !== bh) && Math.max(-bottom, top) > 2 ** 30)
      set(result, i, -(2 ** 31), 2 ** 31)
    else set(result, i, bottom, top)
  }
}

/** The call as a device holds it: its f32 literals are rounded. */
export function rounded(call: Rows): Rows {
  const round = <S extends Step>(step: S): S =>
    step.op === 'constant' && step.dtype === 'f32' ? { ...step, value: Math.fround(step.value) } : step
  return { ...call, prologue: call.prologue.map(round), steps: call.steps.map(round) }
}

/** How far the sum of a chain may be off, by the sum of its terms' magnitudes. */
export const sumBudget = (magnitude: number, terms: number): number => chain(terms) * UNIT * magnitude + TINY
