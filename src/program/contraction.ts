import { type Contraction, sizesOf } from '../ops/contraction.ts'
import { elementsOf, merged, rowMajor, shapeOf } from './axes.ts'
import { WIDEST_ROW } from './fuse.ts'
import type { Ref, Task } from './graph.ts'
import type { ProductAxis } from './plan.ts'

/** Shorter rows do not fill a vector. */
const LANES = 4

/**
 * Whether a contraction is better computed element by element: it sums nothing, every element of one operand meets but one of the
 * other, or it sums short rows that are contiguous in one operand, each with one row of the other operand.
 */
export function isRowByRow(x: Ref, y: Ref, { a, b, out }: Contraction): boolean {
  const inner = [...a].filter((letter) => !out.includes(letter)).join('')
  const isContiguousIn = (ref: Ref, letters: string, other: string): boolean => {
    const length = elementsOf(ref.axes.slice(letters.length - inner.length))
    const rows = letters.endsWith(inner) && ref.axes.at(-1)?.stride === 1 && length >= LANES && length <= WIDEST_ROW
    return rows && [...other].every((letter) => letters.includes(letter))
  }
  const isPaired = [...a].every((letter) => b.includes(letter)) && [...b].every((letter) => a.includes(letter))
  return inner === '' || isPaired || isContiguousIn(x, a, b) || isContiguousIn(y, b, a)
}

/** A contraction as a matrix product. Its axes become batch, m, n and k; n holds the last axis of the result. */
export function matmulOf(x: Ref, y: Ref, { a, b, out }: Contraction): Task {
  const last = out.at(-1) ?? ' '
  if (a.includes(last) && !b.includes(last)) return matmulOf(y, x, { a: b, b: a, out })
  const sizes = sizesOf({ a, b, out }, shapeOf(x.axes), shapeOf(y.axes))
  const product = rowMajor([...out].map((letter) => sizes.get(letter)!))
  const axes = (letters: string, where: (letter: string) => boolean): ProductAxis[] =>
    merged(
      [...letters].filter(where).map((letter) => ({
        size: sizes.get(letter)!,
        a: x.axes[a.indexOf(letter)]?.stride ?? 0,
        b: y.axes[b.indexOf(letter)]?.stride ?? 0,
        out: product[out.indexOf(letter)]?.stride ?? 0,
      })),
    )
  return {
    kind: 'matmul',
    accumulate: false,
    a: x,
    b: y,
    batch: axes(out, (letter) => a.includes(letter) && b.includes(letter)),
    m: axes(out, (letter) => !b.includes(letter)),
    n: axes(out, (letter) => !a.includes(letter)),
    k: axes(a, (letter) => !out.includes(letter)),
  }
}
