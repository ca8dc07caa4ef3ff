import { along } from '../../program/axes.ts'
import type { Gather, Matmul, Place, ProductAxis, Reduce, Scan, ScatterAdd } from '../../program/plan.ts'
import { addresses, addressOf, type Iterations } from '../cursor.ts'

type Memory = readonly Float64Array[]

export function reduce(
  { op, dtype, accumulate, out, x, kept, reduced }: Reduce,
  memory: Memory,
  iterations: Iterations,
): void {
  const from = memory[x.buffer]
  const to = memory[out.buffer]
  let at = addressOf(out, iterations)
  for (const row of addresses(addressOf(x, iterations), kept)) {
    let result = op === 'sum' ? 0 : -Infinity
    for (const address of addresses(row, reduced))
      result = op === 'sum' ? result + from[address] : Math.max(result, from[address])
    if (accumulate) result = op === 'sum' ? to[at] + result : Math.max(to[at], result)
    to[at++] = dtype === 'i32' ? result | 0 : result
  }
}

export function matmul(instruction: Matmul, memory: Memory, iterations: Iterations): void {
  const { a, b, out, batch, m, n, k, accumulate } = instruction
  const [left, right, result] = [memory[a.buffer], memory[b.buffer], memory[out.buffer]]
  const offsets = (axes: readonly ProductAxis[], operand: 'a' | 'b' | 'out'): number[] => [
    ...addresses(0, along(axes, operand)),
  ]
  const [batchA, batchB, batchOut] = [offsets(batch, 'a'), offsets(batch, 'b'), offsets(batch, 'out')]
  const [rowA, rowOut] = [offsets(m, 'a'), offsets(m, 'out')]
  const [columnB, columnOut] = [offsets(n, 'b'), offsets(n, 'out')]
  const [innerA, innerB] = [offsets(k, 'a'), offsets(k, 'b')]
  const [startA, startB, startOut] = [addressOf(a, iterations), addressOf(b, iterations), addressOf(out, iterations)]
  for (let batchIndex = 0; batchIndex < batchA.length; batchIndex++) {
    for (let i = 0; i < rowA.length; i++) {
      const from = startA + batchA[batchIndex] + rowA[i]
      for (let j = 0; j < columnB.length; j++) {
        const other = startB + batchB[batchIndex] + columnB[j]
        let sum = 0
        for (let p = 0; p < innerA.length; p++) sum += left[from + innerA[p]] * right[other + innerB[p]]
        const to = startOut + batchOut[batchIndex] + rowOut[i] + columnOut[j]
        result[to] = accumulate ? result[to] + sum : sum
      }
    }
  }
}

export function scan(
  { a, b, out, reverse, conjugate, steps, parts, lanes }: Scan,
  memory: Memory,
  at: Iterations,
): void {
  const [factors, terms, states] = [memory[a.buffer], memory[b.buffer], memory[out.buffer]]
  const starts = (place: Place, operand: 'a' | 'b' | 'out') => [
    ...addresses(addressOf(place, at), along(lanes, operand)),
  ]
  const [startsA, startsB, startsOut] = [starts(a, 'a'), starts(b, 'b'), starts(out, 'out')]
  const back = reverse ? steps.out : -steps.out
  for (let lane = 0; lane < startsOut.length; lane++) {
    for (let step = 0; step < steps.size; step++) {
      const t = reverse ? steps.size - 1 - step : step
      const [from, to] = [startsB[lane] + t * steps.b, startsOut[lane] + t * steps.out]
      let [real, imaginary] = [terms[from], parts.size === 2 ? terms[from + parts.b] : 0]
      if (step > 0) {
        const factor = startsA[lane] + (reverse ? t : t - 1) * steps.a
        const before = to + back
        real += factors[factor] * states[before]
        if (parts.size === 2) {
          const turn = conjugate ? -factors[factor + parts.a] : factors[factor + parts.a]
          real -= turn * states[before + parts.out]
          imaginary += factors[factor] * states[before + parts.out] + turn * states[before]
        }
      }
      states[to] = real
      if (parts.size === 2) states[to + parts.out] = imaginary
    }
  }
}

export function gather(
  { table, indices, out, count, width, tableRows, dtype }: Gather,
  memory: Memory,
  iterations: Iterations,
): void {
  const [from, by, to] = [addressOf(table, iterations), addressOf(indices, iterations), addressOf(out, iterations)]
  for (let i = 0; i < count; i++) {
    const row = memory[indices.buffer][by + i]
    const known = row >= 0 && row < tableRows
    for (let j = 0; j < width; j++) {
      memory[out.buffer][to + i * width + j] = known
        ? memory[table.buffer][from + row * width + j]
        : dtype === 'f32'
          ? Number.NaN
          : -2147483648
    }
  }
}

export function scatterAdd(
  { accumulate, x, indices, out, count, width, tableRows }: ScatterAdd,
  memory: Memory,
  iterations: Iterations,
): void {
  const [from, by, to] = [addressOf(x, iterations), addressOf(indices, iterations), addressOf(out, iterations)]
  if (!accumulate) memory[out.buffer].fill(0, to, to + tableRows * width)
  for (let i = 0; i < count; i++) {
    const row = memory[indices.buffer][by + i]
    if (row < 0 || row >= tableRows) continue
    for (let j = 0; j < width; j++) memory[out.buffer][to + row * width + j] += memory[x.buffer][from + i * width + j]
  }
}
