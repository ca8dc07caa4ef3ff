/** How pictures of one side are drawn; lengths in pixels. */
export interface Drawing {
  /** Rows and columns at the rim where nothing is drawn. */
  readonly padding: number
  /** Of a paddle. */
  readonly length: number
  readonly thickness: number
  /** Around a paddle; one of these for each picture. */
  readonly margins: readonly number[]
  /** Between the two paths' first paddles. */
  readonly apart: number
  /** Of the two dots. */
  readonly radius: number
  /** Snakes that only distract. */
  readonly distractors: number
  /** How sharply a snake may bend: angles count so many times. */
  readonly continuity: number
  /** Brightness of distractors, and of the two paths. */
  readonly contrast: number
  readonly pathContrast: number
}

/** The hard level of Long Range Arena (paths of 14 paddles), by the side of the picture. */
export const DRAWINGS = {
  32: {
    padding: 1,
    length: 2,
    thickness: 0.5,
    margins: [1],
    apart: 7,
    radius: 1.5,
    distractors: 5,
    continuity: 1,
    contrast: 2,
    pathContrast: 1.5,
  },
  64: {
    padding: 1,
    length: 5,
    thickness: 1,
    margins: [1],
    apart: 12,
    radius: 2.5,
    distractors: 5,
    continuity: 1.8,
    contrast: 0.8,
    pathContrast: 0.8,
  },
  128: {
    padding: 1,
    length: 5,
    thickness: 1.5,
    margins: [2, 3],
    apart: 20,
    radius: 3,
    distractors: 8,
    continuity: 1.8,
    contrast: 0.9,
    pathContrast: 0.9,
  },
} as const satisfies Record<number, Drawing>

export type Side = keyof typeof DRAWINGS

interface OnCircle {
  readonly dy: number
  readonly dx: number
  readonly angle: number
}
const circles = new Map<number, readonly OnCircle[]>()

/** The pixels of a circle around one, by rows and then by columns, and the directions to them. */
export function circle(radius: number): readonly OnCircle[] {
  const known = circles.get(radius)
  if (known) return known
  const side = 4 * radius // any middle that is far enough from 0
  const found = new Set<number>()
  for (let i = 0; i < 2 * Math.PI * radius; i++) {
    const angle = i / radius // a pixel further on
    found.add(Math.floor(side / 2 + radius * Math.sin(angle)) * side + Math.floor(side / 2 + radius * Math.cos(angle)))
  }
  const places = [...found]
    .sort((a, b) => a - b)
    .map((at) => [Math.floor(at / side) - side / 2, (at % side) - side / 2])
    .map(([dy, dx]) => ({ dy, dx, angle: Math.atan2(dy, dx) }))
  circles.set(radius, places)
  return places
}
