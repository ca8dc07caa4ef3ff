/** The distance between floats of the magnitude of x. */
const unitOf = (x: number): number => 2 ** Math.max(Math.floor(Math.log2(Math.abs(x))) - 23, -149)

/** The largest error in units in the last place of the exact number, or of another that its error is measured by. */
export function worstUlp(
  found: ArrayLike<number>,
  exact: (index: number) => number,
  measure: (index: number) => number = exact,
): number {
  let worst = 0
  for (let i = 0; i < found.length; i++) worst = Math.max(worst, Math.abs(found[i] - exact(i)) / unitOf(measure(i)))
  return worst
}
