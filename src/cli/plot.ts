import asciichart from 'asciichart'
import { RmaatError } from '../errors.ts'

export interface CurveOptions {
  /** Stands above the vertical axis: what is drawn, and its unit. */
  readonly title: string
  /** The horizontal axis: the x of the first and the last value, and the number of intervals between ticks. */
  readonly x: { readonly label: string; readonly from: number; readonly to: number; readonly ticks: number }
}

/** The drawing area in characters, without labels. */
const WIDTH = 61
const HEIGHT = 12

/** `values` resampled at `count` evenly spaced points by linear interpolation. */
function resample(values: readonly number[], count: number): number[] {
  return Array.from({ length: count }, (_, column) => {
    const at = (column * (values.length - 1)) / (count - 1)
    const left = Math.floor(at)
    const right = Math.min(left + 1, values.length - 1)
    return values[left] + (at - left) * (values[right] - values[left])
  })
}

/** Writes `text` into a row of characters with its middle at `center`. */
function place(row: string[], text: string, center: number): void {
  const from = Math.max(0, center - Math.floor(text.length / 2))
  for (let k = 0; k < text.length; k++) row[from + k] = text[k]
}

/** A line chart of evenly spaced `values` for the terminal. Values that are missing or not finite: code `data`. */
export function curve(values: readonly number[], { title, x }: CurveOptions): string {
  const wrong = values.findIndex((value) => !Number.isFinite(value))
  if (values.length < 2 || wrong >= 0) {
    const found = wrong < 0 ? `${values.length} values` : `${values[wrong]} at ${wrong}`
    throw new RmaatError('data', `chart "${title}": found ${found}: expected at least two finite numbers`)
  }
  const points = resample(values, WIDTH)
  let [min, max] = [Math.min(...points), Math.max(...points)]
  if (min === max) [min, max] = [min - 0.5, max + 0.5] // asciichart's labels are wrong for a range of 0
  const decimals = Math.min(100, Math.max(0, 2 - Math.floor(Math.log10(max - min))))
  const format = (value: number) => (Number(value.toFixed(decimals)) || 0).toFixed(decimals) // no -0.00
  const gutter = Math.max(format(min).length, format(max).length)
  const chart = asciichart.plot(points, {
    min,
    max,
    height: HEIGHT - 1,
    format: (value) => format(value).padStart(gutter),
  })
  const axis = gutter + 1 // the column of the vertical axis, where asciichart draws the first value
  const line = [...' '.repeat(axis), '└', ...'─'.repeat(WIDTH - 1)]
  const numbers = [...' '.repeat(axis + WIDTH)]
  for (let tick = 0; tick <= x.ticks; tick++) {
    const column = axis + Math.round((tick * (WIDTH - 1)) / x.ticks)
    if (tick > 0) line[column] = '┴'
    place(numbers, String(Number((x.from + (tick * (x.to - x.from)) / x.ticks).toPrecision(4))), column)
  }
  const label = ' '.repeat(axis + Math.floor((WIDTH - x.label.length) / 2)) + x.label
  return [title, ...chart.split('\n'), line.join(''), numbers.join(''), label].map((part) => part.trimEnd()).join('\n')
}

/** A table as text; the first row holds the headings. The first column is aligned left, the others right. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)))
  const lines = rows.map((row) =>
    row.map((text, column) => (column === 0 ? text.padEnd(widths[0]) : text.padStart(widths[column]))).join('  '),
  )
  return [lines[0], widths.map((width) => '─'.repeat(width)).join('  '), ...lines.slice(1)]
    .map((line) => line.trimEnd())
    .join('\n')
}
