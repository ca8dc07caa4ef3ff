import { takes, wholeFrom } from '../checks.ts'

/**
 * Advances four words of state by one step of xoshiro128** 1.1 and gives 32 random bits as a number 0..2^32-1.
 * Formula: Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2018 (period 2^128 - 1).
 */
export function xoshiro128(state: Uint32Array): number {
  const result = Math.imul(rotate(Math.imul(state[1], 5), 7), 9) >>> 0
  const shifted = state[1] << 9
  state[2] ^= state[0]
  state[3] ^= state[1]
  state[1] ^= state[2]
  state[0] ^= state[3]
  state[2] ^= shifted
  state[3] = rotate(state[3], 11)
  return result
}

const rotate = (word: number, bits: number): number => (word << bits) | (word >>> (32 - bits))

/** The last step of MurmurHash3 (Appleby): a bijection of 32 bits in which every bit of the input moves every bit. */
function mix(word: number): number {
  const first = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  const second = Math.imul(first ^ (first >>> 13), 0xc2b2ae35)
  return (second ^ (second >>> 16)) >>> 0
}

/** The streams of one seed: what is drawn from one is never drawn from another. */
export const STREAM = { test: 0, validation: 1, train: 2, shuffle: 3 } as const

/**
 * A seeded generator for data. Equal (seed, stream) give equal draws on every machine; different ones start from
 * different states. (The random numbers of the model are counted instead and have nothing to do with these.)
 */
export class Random {
  private readonly state: Uint32Array

  /** @param seed any safe integer; all its bits count. */
  constructor(seed: number, stream: number) {
    takes('random numbers', { seed }, { seed: wholeFrom(Number.MIN_SAFE_INTEGER) }, 'config')
    // Mixing and stepping are bijections: different (seed, stream) stay different states.
    this.state = Uint32Array.of(seed, Math.floor(seed / 2 ** 32), stream, 0x9e3779b9).map(mix)
    for (let step = 0; step < 32; step++) xoshiro128(this.state)
  }

  /** A number in [0, 1), a multiple of 2^-32. */
  uniform(): number {
    return xoshiro128(this.state) * 2 ** -32
  }

  /** A whole number 0..count-1; no probability is further than 2^-32 from 1/count. */
  integer(count: number): number {
    return Math.floor(this.uniform() * count)
  }

  /** Puts the items in a random order, in place (Fisher and Yates). */
  shuffle<Items extends number[] | Uint32Array>(items: Items): Items {
    for (let last = items.length - 1; last > 0; last--) {
      const other = this.integer(last + 1)
      const item = items[last]
      items[last] = items[other]
      items[other] = item
    }
    return items
  }
}
