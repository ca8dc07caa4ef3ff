import type { Rmaat } from 'rmaat'

/** The matrices [inputs, outputs] of a part; the inputs of the last one can be removed, as heads or as neurons. */
const parts = { attention: ['wq', 'wk', 'wv', 'wo'], 'feed-forward': ['up.w', 'down.w'] } as const
export type Part = keyof typeof parts
export const weightParts = Object.keys(parts) as Part[]
export const ways = ['magnitude', 'Wanda', 'structured', 'bits'] as const

/** The least number that stays where a share of them goes. */
const least = (sizes: ArrayLike<number>, share: number): number =>
  Float64Array.from(sizes).sort()[Math.ceil(share * sizes.length)]

/**
 * Weights with one part damaged. Of each matrix the share `strength` becomes 0: weights with the smallest |W_ij|, or in each
 * column those with the smallest |W_ij| times the norm of input i (Wanda, Sun et al. 2023), or the heads or inner neurons whose
 * weights on their way out are smallest; or weights are rounded to `strength` bits, one scale a matrix.
 */
export function damaged(
  { parameters, config }: Rmaat,
  weights: Float64Array,
  norms: ReadonlyMap<string, Float64Array>,
  { part, way, strength }: { readonly part: Part; readonly way: (typeof ways)[number]; readonly strength: number },
): Float64Array {
  const result = weights.slice()
  for (const { name, spec, offset } of parameters.named) {
    const end = parts[part].findIndex((end) => name.startsWith('blocks.') && name.endsWith(`.${end}`))
    if (end < 0 || (way === 'structured' && end < parts[part].length - 1)) continue
    const [inputs, outputs] = spec.shape
    const w = result.subarray(offset, offset + inputs * outputs) // a row for each input
    const step = Math.max(...w.map(Math.abs)) / (2 ** (strength - 1) - 1)
    const group = outputs * (part === 'attention' ? inputs / config.heads : 1)
    const scores = w.map((x, k) => {
      if (way === 'structured') return Math.hypot(...w.subarray(k - (k % group), k - (k % group) + group))
      return Math.abs(x) * (way === 'Wanda' ? norms.get(name)![Math.floor(k / outputs)] : 1)
    })
    const column = (j: number) => (way === 'Wanda' ? scores.filter((_, k) => k % outputs === j) : scores)
    const bounds = Array.from({ length: outputs }, (_, j) => (j && way !== 'Wanda' ? 0 : least(column(j), strength)))
    result.set(
      w.map((x, k) => {
        if (way === 'bits') return step * Math.round(x / step)
        return scores[k] < bounds[way === 'Wanda' ? k % outputs : 0] ? 0 : x
      }),
      offset,
    )
  }
  return result
}
