import uPlot from 'uplot'
import type { Explained } from './messages.ts'

interface Series {
  readonly label: string
  /** A custom property of the style sheet. */
  readonly colour: string
  readonly dashed?: boolean
}

interface Options {
  readonly x: string
  readonly series: readonly Series[]
  readonly log?: boolean
  readonly range?: readonly [number, number]
  readonly points?: boolean
}

type Data = readonly (readonly (number | null)[])[]

const short = (value: number): string =>
  value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e5)
    ? value.toExponential(0)
    : `${+value.toPrecision(3)}`

const whole = (_: uPlot, splits: number[]): number[] => splits

/** Powers of ten between two numbers, at most about six of them. */
function decades(low: number, high: number): number[] {
  const [first, last] = [Math.ceil(Math.log10(low) - 1e-9), Math.floor(Math.log10(high) + 1e-9)]
  const pitch = Math.max(1, Math.ceil((last - first) / 6))
  return Array.from(
    { length: Math.max(0, Math.floor((last - first) / pitch) + 1) },
    (_, i) => 10 ** (first + i * pitch),
  )
}

const charts = new Set<Chart>()

/** A line chart that follows the width of its place and the colours of the page. */
export class Chart {
  private readonly place: HTMLElement
  private readonly options: Options
  private data: Data
  private plot: uPlot | undefined
  private readonly observer: ResizeObserver

  constructor(place: HTMLElement, options: Options) {
    this.place = place
    this.options = options
    this.data = [[], ...options.series.map(() => [])]
    charts.add(this)
    this.observer = new ResizeObserver(() => {
      if (this.plot && place.clientWidth > 0) this.plot.setSize({ width: place.clientWidth, height: HEIGHT })
    })
    this.observer.observe(place)
    this.draw()
  }

  set(data: Data): void {
    this.data = data
    this.plot?.setData(data as unknown as uPlot.AlignedData)
  }

  close(): void {
    this.observer.disconnect()
    this.plot?.destroy()
    this.plot = undefined
    charts.delete(this)
  }

  draw(): void {
    this.plot?.destroy()
    const style = getComputedStyle(document.documentElement)
    const colour = (name: string): string => style.getPropertyValue(name).trim()
    const { x, series, log = false, range, points = false } = this.options
    const axis = {
      stroke: colour('--quiet'),
      grid: { stroke: colour('--line'), width: 1 },
      ticks: { show: false },
      font: '12px system-ui, sans-serif',
    }
    this.plot = new uPlot(
      {
        width: this.place.clientWidth || 320,
        height: HEIGHT,
        cursor: { drag: { x: false, y: false } },
        legend: { show: series.length > 1, live: false },
        scales: {
          x: { time: false },
          y: log ? { distr: 3 } : range ? { range: [...range] } : {},
        },
        axes: [
          {
            ...axis,
            label: x,
            size: 26,
            labelSize: 18,
            labelFont: axis.font,
            ...(points ? { incrs: [1, 2, 5, 10, 20, 50, 100] } : {}),
          },
          {
            ...axis,
            size: 56,
            values: (_, splits) => splits.map(short),
            ...(log
              ? { splits: (_: uPlot, __: number, low: number, high: number) => decades(low, high), filter: whole }
              : {}),
          },
        ],
        series: [
          { label: x },
          ...series.map(
            ({ label, colour: name, dashed }): uPlot.Series => ({
              label,
              stroke: colour(name),
              width: 1.75,
              points: { show: points, size: 6, fill: colour(name) },
              ...(dashed ? { dash: [4, 4] } : {}),
            }),
          ),
        ],
      },
      this.data as unknown as uPlot.AlignedData,
      this.place,
    )
  }
}
const HEIGHT = 210

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  for (const chart of charts) chart.draw()
})

/** Values [T, M, d] as T tiles of M rows and d columns: blue below zero, orange above, full at the largest of a tile. */
export function drawMemory(
  canvas: HTMLCanvasElement,
  values: Float32Array,
  sizes: readonly [number, number, number],
): void {
  const [segments, slots, width] = sizes
  const pitch = width + GAP
  canvas.width = segments * pitch - GAP
  canvas.height = slots
  const context = canvas.getContext('2d')!
  const image = context.createImageData(canvas.width, canvas.height)
  for (let segment = 0; segment < segments; segment++) {
    const own = values.subarray(segment * slots * width, (segment + 1) * slots * width)
    const most = own.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-30)
    own.forEach((value, i) => {
      const [row, column] = [Math.floor(i / width), segment * pitch + (i % width)]
      const colour = value > 0 ? [214, 90, 30] : [38, 110, 190]
      image.data.set([...colour, 255 * Math.sqrt(Math.abs(value) / most)], 4 * (row * canvas.width + column))
    })
  }
  context.putImageData(image, 0, 0)
}
const GAP = 3

/** The arena as a picture: kernels in their order from left to right, addresses from top to bottom. */
export function drawArena({ lifetimes, instructions, arenaBytes }: Explained): HTMLCanvasElement {
  const canvas = document.createElement('canvas')
  ;[canvas.width, canvas.height] = [900, 240]
  canvas.className = 'arena'
  const context = canvas.getContext('2d')!
  const [across, down] = [canvas.width / Math.max(1, instructions), (4 * canvas.height) / Math.max(4, arenaBytes)]
  lifetimes.forEach(({ low, high, from, to }, i) => {
    context.fillStyle = `hsl(${(i * 47) % 360} 55% 50% / 0.75)`
    context.fillRect(from * across, low * down, Math.max(1, (to - from) * across), Math.max(0.6, (high - low) * down))
  })
  canvas.role = 'img'
  canvas.ariaLabel = `${lifetimes.length} results in the arena, each from the kernel that writes it to the last that reads it`
  return canvas
}

/** Steps as they come; when there are many, two become one, so that a long training takes no more memory. */
export class History {
  readonly steps: number[] = []
  readonly loss: number[] = []
  readonly accuracy: number[] = []
  private every = 1
  private sums = [0, 0, 0]

  add(step: number, loss: number, accuracy: number): void {
    const [sum, ofLoss, ofAccuracy] = this.sums
    this.sums = [sum + 1, ofLoss + loss, ofAccuracy + accuracy]
    if (sum + 1 < this.every) return
    this.steps.push(step)
    this.loss.push(this.sums[1] / this.every)
    this.accuracy.push(this.sums[2] / this.every)
    this.sums = [0, 0, 0]
    if (this.steps.length >= MOST) this.halve()
  }

  private halve(): void {
    this.every *= 2
    const half = this.steps.length / 2
    for (let i = 0; i < half; i++) {
      this.steps[i] = this.steps[2 * i + 1]
      for (const list of [this.loss, this.accuracy]) list[i] = (list[2 * i] + list[2 * i + 1]) / 2
    }
    for (const list of [this.steps, this.loss, this.accuracy]) list.length = half
  }
}
const MOST = 600
