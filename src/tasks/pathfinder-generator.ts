import { circle, DRAWINGS, type Drawing, type Side } from './pathfinder-drawings.ts'
import { disk, diskOf, type Stamp, stampOf, stepped } from './pathfinder-stamps.ts'
import type { Random } from './random.ts'

/** Paddles of a path, and of a snake that distracts. */
const PATH = 14
const DISTRACTOR = 4
const SEED_TRIES = 3
const PADDLE_TRIES = 3
const DISTRACTOR_TRIES = 5
/** Masks overlap where their sum is this or more. */
const OVERLAP = 1.8 * 255

/** Up to here a pixel counts as free. */
const FREE = 0.3 * 255

type Point = readonly [y: number, x: number]

/** A snake under way: how it goes on, its last paddle, and all of them. */
interface Snake {
  readonly tail: Point
  head: Point
  pivot: Point
  angle: number
  last: Paddle
  readonly paddles: Paddle[]
}
interface Paddle {
  readonly at: Point
  readonly stamp: Stamp
}

/** A picture as bytes, and what it took to draw it. */
export interface Drawn {
  readonly pixels: Uint8Array
  /** How often the two paths were begun anew. */
  readonly restarts: number
  readonly distractors: number
}

/**
 * Draws pictures of Pathfinder: two dots, two dashed paths of equal length, and shorter ones between them; the question is
 * whether the dots lie on one path (Linsley and others 2018; as in Long Range Arena, by the code of 2019).
 *
 * `rim` is what that code does by accident: where a first paddle is put, its shape is tried at every pixel of the picture, and
 * if at one of them the whole of it falls beyond the rim, no pixel counts as free. At a side of 32 that leaves 30 of 360
 * directions in which a snake can begin, and of five that distract about one. Without it a pixel of that kind is free, and
 * pictures are fuller and harder.
 */
export class Painter {
  private readonly drawing: Drawing
  /** By margin and angle. */
  private readonly stamps = new Map<number, Map<number, Stamp>>()
  /** Free pixels for the first paddle of a path, by margin and direction. */
  private readonly starts = new Map<string, Point[]>()
  private readonly mask: Uint8Array
  private readonly side: number
  private readonly rim: boolean

  constructor(side: Side, rim: boolean) {
    this.side = side
    this.rim = rim
    this.drawing = DRAWINGS[side]
    this.mask = new Uint8Array(side * side)
  }

  /** A picture of class `label`: 1 where the dots lie on one path. */
  draw(random: Random, label: number): Drawn {
    const { margins, distractors, contrast, pathContrast, radius } = this.drawing
    const margin = margins[random.integer(margins.length)]
    let restarts = 0
    let pair: readonly [Snake, Snake] | undefined
    for (;;) {
      pair = this.pair(random, margin)
      if (pair) break
      restarts++
    }
    const light = new Float64Array(this.side ** 2)
    for (const snake of pair) this.paint(light, snake, pathContrast)
    this.cover(pair[1].last)
    let found = 0
    for (let i = 0; i < distractors; i++) {
      const snake = this.distractor(random, margin)
      if (!snake) continue
      this.paint(light, snake, contrast)
      found++
    }
    const origin = random.integer(2)
    for (const [y, x] of [pair[origin].tail, pair[label ? origin : 1 - origin].head])
      diskOf(this.side, y, x, radius).pixels.forEach((value, at) => {
        light[at] = Math.max(light[at], value / 255)
      })
    return { pixels: toBytes(light), restarts, distractors: found }
  }

  /** The two paths, or nothing where one of them finds no way. The mask is then to be made anew. */
  private pair(random: Random, margin: number): readonly [Snake, Snake] | undefined {
    this.clearMask()
    const { apart } = this.drawing
    const first = this.seed(random, margin, (degrees) => this.startsOf(degrees, margin))
    if (!first) return undefined
    const second = this.seed(random, margin, () => {
      const angle = toRadians(random.integer(360))
      const [y, x] = first.tail
      return [[Math.round(y + apart * Math.sin(angle)), Math.round(x + apart * Math.cos(angle))]]
    })
    if (!second) return undefined
    for (let i = 1; i < PATH; i++)
      for (const snake of [first, second]) if (!this.extend(random, snake, margin)) return undefined
    return [first, second]
  }

  private distractor(random: Random, margin: number): Snake | undefined {
    const before = this.mask.slice()
    const least = this.side ** 2 / 100
    for (let attempt = 0; attempt < DISTRACTOR_TRIES; attempt++) {
      const snake = this.seed(random, margin, (degrees) => {
        const open = this.mask.reduce((sum, value) => sum + (value <= FREE ? 1 : 0), 0)
        return open < least ? [] : this.freeFor(degrees, margin, 1)
      })
      let whole = snake !== undefined
      for (let i = 1; snake && whole && i < DISTRACTOR; i++) whole = this.extend(random, snake, margin)
      if (snake && whole) {
        this.cover(snake.last)
        return snake
      }
      this.mask.set(before)
    }
    return undefined
  }

  /** The first paddle of a snake, at one of the places that there are for its direction. */
  private seed(random: Random, margin: number, placesFor: (degrees: number) => readonly Point[]): Snake | undefined {
    const { length } = this.drawing
    for (let attempt = 0; attempt < SEED_TRIES; attempt++) {
      const degrees = random.integer(360) - 180
      const places = placesFor(degrees)
      if (places.length === 0) return undefined
      const tail = places[random.integer(places.length)]
      const angle = toRadians(degrees)
      const head = step(tail, angle, length)
      const pivot = step(head, angle + Math.PI, length + margin)
      if (!this.contains(...head) || !this.contains(...pivot)) continue
      const last = { at: tail, stamp: this.stamp(angle, margin) }
      return { tail, head, pivot, angle, last, paddles: [last] }
    }
    return undefined
  }

  /** One paddle more: around the point beyond the head, back to it, rather straight on, where there is room. */
  private extend(random: Random, snake: Snake, margin: number): boolean {
    const { length, continuity } = this.drawing
    const pivot = step(snake.pivot, snake.angle, length + 2 * margin)
    const near = disk(margin)
    let sum = 0
    const weights = circle(length + margin).map(({ dy, dx, angle }) => {
      const [y, x] = [pivot[0] + dy, pivot[1] + dx]
      if (!this.contains(y, x)) return 0
      const turned = Math.abs(angle - snake.angle)
      const bend = Math.min(continuity * Math.min(turned, 2 * Math.PI - turned), Math.PI / 2)
      const weight = Math.cos(bend) ** 2 * (1 - this.greatest(y, x, near) / 255)
      sum += weight
      return weight
    })
    if (sum < 1e-4) return false
    for (let attempt = 0; attempt < PADDLE_TRIES; attempt++) {
      const drawn = random.uniform() * sum
      let place = 0
      for (let below = weights[0]; below <= drawn && place < weights.length - 1; below += weights[place]) place++
      const { dy, dx, angle } = circle(length + margin)[place]
      const head: Point = [pivot[0] + dy, pivot[1] + dx]
      const paddle = { at: head, stamp: this.stamp(angle + Math.PI, margin) }
      if (!this.fits(paddle)) continue
      this.cover(snake.last)
      snake.last = paddle
      snake.paddles.push(paddle)
      snake.pivot = pivot
      snake.angle = angle
      snake.head = head
      return true
    }
    return false
  }

  /** Where the first paddle of a path may begin: in the middle, so that there is room for the other one. */
  private startsOf(degrees: number, margin: number): readonly Point[] {
    const key = `${margin} ${degrees}`
    const known = this.starts.get(key)
    if (known) return known
    const free = this.freeFor(degrees, margin, 2 * this.drawing.apart)
    this.starts.set(key, free)
    return free
  }

  /** The pixels at which the core of a paddle's mask touches nothing that is taken, nor the rim. */
  private freeFor(degrees: number, margin: number, rim: number): Point[] {
    const core = this.coreOf(degrees, margin)
    const { side } = this
    const inside = (at: number): boolean => at >= 0 && at < side
    const free: Point[] = []
    for (let y = 0; y < side; y++)
      for (let x = 0; x < side; x++) {
        let [taken, pixels] = [0, 0]
        for (const [dy, dx] of core) {
          const [row, column] = [y + dy, x + dx]
          if (!inside(row) || !inside(column)) continue
          pixels++
          const outer = row < rim || column < rim || row >= side - rim || column >= side - rim
          taken = outer ? 255 : this.mask[row * side + column]
          if (taken > FREE) break
        }
        if (pixels === 0 && this.rim) return []
        if (taken <= FREE) free.push([y, x])
      }
    return free
  }

  /** The places, from a paddle's beginning, at which its mask is whole. */
  private coreOf(degrees: number, margin: number): Point[] {
    const { reach, mask } = this.stamp(toRadians(degrees), margin)
    const half = this.drawing.length + margin
    const core: Point[] = []
    // the paddle begins one pixel off the middle of a window of (2 half + 1)²
    for (let y = -half; y <= half; y++)
      for (let x = -half; x <= half; x++)
        if (mask[(y - 1 + reach) * (2 * reach + 1) + x - 1 + reach] === 255) core.push([y, x])
    return core
  }

  private stamp(angle: number, margin: number): Stamp {
    const known = this.stamps.get(margin) ?? new Map<number, Stamp>()
    this.stamps.set(margin, known)
    const stamp = known.get(angle) ?? stampOf(angle, { ...this.drawing, margin })
    known.set(angle, stamp)
    return stamp
  }

  private clearMask(): void {
    const { side } = this
    const { padding } = this.drawing
    this.mask.fill(255)
    for (let y = padding; y < side - padding; y++) this.mask.fill(0, y * side + padding, (y + 1) * side - padding)
  }

  private contains(y: number, x: number): boolean {
    return y >= 0 && x >= 0 && y < this.side && x < this.side
  }

  private greatest(y: number, x: number, places: readonly Point[]): number {
    let most = 0
    for (const [dy, dx] of places)
      if (this.contains(y + dy, x + dx)) most = Math.max(most, this.mask[(y + dy) * this.side + x + dx])
    return most
  }

  /** Goes over the pixels of a paddle that are in the picture, as places of its stamp and of the picture, while all hold. */
  private over(
    { at: [y, x], stamp: { reach } }: Paddle,
    holds: (inStamp: number, inPicture: number) => boolean,
  ): boolean {
    const { side } = this
    const width = 2 * reach + 1
    for (let row = Math.max(0, y - reach); row <= Math.min(side - 1, y + reach); row++)
      for (let column = Math.max(0, x - reach); column <= Math.min(side - 1, x + reach); column++)
        if (!holds((row - y + reach) * width + column - x + reach, row * side + column)) return false
    return true
  }

  private fits(paddle: Paddle): boolean {
    return this.over(paddle, (inStamp, at) => this.mask[at] + paddle.stamp.mask[inStamp] < OVERLAP)
  }

  private cover(paddle: Paddle): void {
    this.over(paddle, (inStamp, at) => {
      this.mask[at] = Math.max(this.mask[at], paddle.stamp.mask[inStamp])
      return true
    })
  }

  private paint(light: Float64Array, { paddles }: Snake, contrast: number): void {
    for (const paddle of paddles)
      this.over(paddle, (inStamp, at) => {
        light[at] = Math.max(light[at], (contrast * paddle.stamp.line[inStamp]) / 255)
        return true
      })
  }
}

const toRadians = (degrees: number): number => (degrees * Math.PI) / 180
const step = ([y, x]: Point, angle: number, length: number): Point => [
  stepped(y, Math.sin(angle), length),
  stepped(x, Math.cos(angle), length),
]

/** The least value as 0, the greatest as 255. */
function toBytes(light: Float64Array): Uint8Array {
  const least = light.reduce((a, b) => Math.min(a, b))
  const most = light.reduce((a, b) => Math.max(a, b))
  return Uint8Array.from(light, (value) => Math.floor(((value - least) * 255) / (most - least) + 0.5))
}
