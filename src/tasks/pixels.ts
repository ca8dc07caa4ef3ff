import type { Example } from './task.ts'
import { tokensOf } from './text-files.ts'

/** A picture of bytes and its class. A pixel's id is its value and one, so that black is no padding. */
export class PixelExample implements Example {
  readonly label: number
  private readonly pixels: Uint8Array

  constructor(pixels: Uint8Array, label: number) {
    this.pixels = pixels
    this.label = label
  }

  /** Made when they are asked for: kept, they would take twice what the pixels take. */
  get tokens(): Uint16Array {
    return tokensOf(this.pixels)
  }
}

/** Pixels as rows of `side` shades, from dark to light. */
export function showPixels(side: number): (tokens: ArrayLike<number>) => string {
  const SHADES = ' .:-=+*#%@'
  const shade = (token: number): string => SHADES[Math.min(9, Math.floor(((token - 1) * SHADES.length) / 256))] ?? '_'
  return (tokens) => {
    const shades = Array.from(tokens, shade)
    const rows = Array.from({ length: Math.ceil(shades.length / side) }, (_, row) =>
      shades.slice(row * side, (row + 1) * side).join(''),
    )
    return rows.join('\n')
  }
}
