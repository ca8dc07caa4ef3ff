/** A square picture of bytes, row after row. */
export interface Picture {
  readonly side: number
  readonly pixels: Uint8Array
}

/** A paddle in one direction: a square of (2 reach + 1)² values 0..255 around the point that it begins at. */
export interface Stamp {
  readonly reach: number
  /** How much of the paddle's line there is. */
  readonly line: Uint8Array
  /** The same with a margin around it, which no other paddle may touch. */
  readonly mask: Uint8Array
}

/** The size of a paddle, in pixels of the picture. */
export interface PaddleSize {
  readonly length: number
  readonly thickness: number
  readonly margin: number
}

/** Paddles are drawn at twice their size and made smaller. */
const OVERSAMPLING = 2

/** A coordinate that a step of this length in this direction leads to; always rounded up. */
export const stepped = (from: number, share: number, length: number): number => Math.ceil(from + length * share)

/** A paddle in the direction `angle` (radians; y grows downwards, so the step is sin, cos in y, x). */
export function stampOf(angle: number, { length, thickness, margin }: PaddleSize): Stamp {
  const reach = length + Math.ceil(thickness) + margin
  const centre = reach * OVERSAMPLING
  const canvas = { side: 2 * centre + 1, pixels: new Uint8Array(square(2 * centre + 1)) }
  const [dy, dx] = [Math.sin(angle), Math.cos(angle)].map(
    (share) => stepped(centre, share, length * OVERSAMPLING) - centre,
  )
  const width = Math.round(thickness * OVERSAMPLING)
  if (width === 1) drawThin(canvas, centre, dy, dx)
  else drawWide(canvas, centre, dy, dx, width)
  return {
    reach,
    line: resized(canvas, 2 * reach + 1).pixels,
    mask: resized(dilated(canvas, margin * OVERSAMPLING), 2 * reach + 1).pixels,
  }
}

/** A disk as a marker is drawn: at twice its size on a canvas of the whole picture, then made smaller. */
export function diskOf(side: number, y: number, x: number, radius: number): Picture {
  const canvas = { side: side * OVERSAMPLING, pixels: new Uint8Array(square(side * OVERSAMPLING)) }
  for (let row = 0; row < canvas.side; row++)
    for (let column = 0; column < canvas.side; column++)
      if (square(row - y * OVERSAMPLING) + square(column - x * OVERSAMPLING) <= square(radius * OVERSAMPLING))
        canvas.pixels[row * canvas.side + column] = 255
  return resized(canvas, side)
}

const square = (x: number): number => x * x

/** A line of one pixel, both its ends included (Bresenham). */
function drawThin({ side, pixels }: Picture, centre: number, dy: number, dx: number): void {
  const [down, right] = [Math.sign(dy), Math.sign(dx)]
  const [long, short] = [Math.max(Math.abs(dy), Math.abs(dx)), Math.min(Math.abs(dy), Math.abs(dx))]
  const steep = Math.abs(dy) >= Math.abs(dx)
  let [y, x, error] = [centre, centre, 2 * short - long]
  for (let i = 0; i <= long; i++) {
    pixels[y * side + x] = 255
    if (error >= 0 && short > 0) {
      if (steep) x += right
      else y += down
      error -= 2 * long
    }
    error += 2 * short
    if (steep) y += down
    else x += right
  }
}

/** To the nearest whole number, halves away from zero, or towards it. */
const outwards = (x: number): number => Math.sign(x) * Math.floor(Math.abs(x) + 0.5)
const inwards = (x: number): number => Math.sign(x) * Math.ceil(Math.abs(x) - 0.5)

/** A line of several pixels: the quadrangle around it whose corners are pixels, as the image library of 2019 chose them. */
function drawWide({ side, pixels }: Picture, centre: number, dy: number, dx: number, width: number): void {
  const half = (width - 1) / 2
  const [less, more] = [inwards(half), outwards(half)].map((across) => across / Math.hypot(dy, dx))
  const above = [outwards(more * dx), -inwards(less * dy)]
  const below = [-outwards(less * dx), inwards(more * dy)]
  const corners = [above, [dy + above[0], dx + above[1]], [dy + below[0], dx + below[1]], below]
  for (let y = -centre; y <= centre; y++) {
    let [left, right] = [Infinity, -Infinity]
    corners.forEach(([y0, x0], i) => {
      const [y1, x1] = corners[(i + 1) % 4]
      if (y < Math.min(y0, y1) || y > Math.max(y0, y1)) return
      const ends = y0 === y1 ? [x0, x1] : [x0 + ((y - y0) * (x1 - x0)) / (y1 - y0)]
      left = Math.min(left, ...ends)
      right = Math.max(right, ...ends)
    })
    for (let x = outwards(left); x <= inwards(right); x++) pixels[(y + centre) * side + x + centre] = 255
  }
}

/** The places of a disk around its centre. */
export function disk(radius: number): [dy: number, dx: number][] {
  const places: [number, number][] = []
  for (let dy = -radius; dy <= radius; dy++)
    for (let dx = -radius; dx <= radius; dx++) if (dy * dy + dx * dx <= radius * radius) places.push([dy, dx])
  return places
}

/** The greatest value within a radius. */
function dilated({ side, pixels }: Picture, radius: number): Picture {
  const result = new Uint8Array(pixels.length)
  for (const [dy, dx] of disk(radius))
    for (let y = Math.max(0, -dy); y < Math.min(side, side - dy); y++)
      for (let x = Math.max(0, -dx); x < Math.min(side, side - dx); x++) {
        const value = pixels[(y + dy) * side + x + dx]
        if (value > result[y * side + x]) result[y * side + x] = value
      }
  return { side, pixels: result }
}

/** Windowed sinc of three lobes (Lanczos). */
function lanczos(x: number): number {
  if (x === 0) return 1
  if (Math.abs(x) >= 3) return 0
  const angle = Math.PI * x
  return (3 * Math.sin(angle) * Math.sin(angle / 3)) / (angle * angle)
}

/** Weights are whole multiples of 2^-22, as in the image library that drew the published pictures. */
const WEIGHT_ONE = 2 ** 22

interface Weights {
  readonly first: number
  readonly weights: readonly number[]
}

/** For each pixel of the smaller row the pixels that it is made of, with weights that add up to one. */
function weightsOf(from: number, to: number): Weights[] {
  const scale = from / to
  const stretch = Math.max(1, scale)
  return Array.from({ length: to }, (_, place) => {
    const centre = (place + 0.5) * scale
    const first = Math.max(0, Math.trunc(centre - 3 * stretch + 0.5))
    const end = Math.min(from, Math.trunc(centre + 3 * stretch + 0.5))
    const raw = Array.from({ length: end - first }, (_, i) => lanczos((i + first - centre + 0.5) / stretch))
    const sum = raw.reduce((a, b) => a + b)
    return { first, weights: raw.map((weight) => Math.round((weight / sum) * WEIGHT_ONE)) }
  })
}

/** A picture of another size: along the rows, then along the columns, in bytes after each. */
export function resized({ side, pixels }: Picture, to: number): Picture {
  const weights = weightsOf(side, to)
  const along = (source: Uint8Array, rows: number, rowStep: number, step: number): Uint8Array => {
    const result = new Uint8Array(rows * to) // transposed: the second pass turns it back
    for (let row = 0; row < rows; row++)
      weights.forEach(({ first, weights }, place) => {
        let sum = WEIGHT_ONE / 2
        for (let i = 0; i < weights.length; i++) sum += source[row * rowStep + (first + i) * step] * weights[i]
        result[place * rows + row] = Math.min(255, Math.max(0, Math.floor(sum / WEIGHT_ONE)))
      })
    return result
  }
  return { side: to, pixels: along(along(pixels, side, side, 1), to, side, 1) }
}
