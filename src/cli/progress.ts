import { Presets, SingleBar } from 'cli-progress'
import type { Told } from '../program/lower.ts'
import type { StepEvent } from '../train/events.ts'
import { count, duration, notice, percent, terminal } from './terminal.ts'

export interface Progress {
  /** `done` of the total, and a message beside it. */
  update(done: number, told?: string): void
  /** Removes the bar, so that lines may follow. */
  stop(): void
}

/** Where stderr is no terminal, a line every so many milliseconds. */
const QUIET = 5000

/** Shows on stderr how far a piece of work is, of which `before` was done earlier: a bar in a terminal, else a line every few seconds. */
export function progress(what: string, total: number, before = 0): Progress {
  // the first step takes longer, and is not counted
  let first: { readonly done: number; readonly at: number } | undefined
  const left = (done: number): string => {
    first ??= { done, at: performance.now() }
    const milliseconds = ((performance.now() - first.at) / (done - first.done)) * (total - done)
    return done <= first.done || done === total
      ? ''
      : `${duration(Math.max(1000, Math.round(milliseconds / 1000) * 1000))} left`
  }
  if (terminal.watched()) {
    const bar = new SingleBar(
      {
        format: `${what} {bar} {value}/{total}  {told}{left}`,
        barsize: 20,
        hideCursor: true,
        gracefulExit: false,
        fps: 8,
      },
      Presets.shades_classic,
    )
    bar.start(total, before, { told: '', left: '' })
    return {
      update: (done, told) => bar.update(done, { told: told ? `${told}  ` : '', left: left(done) }),
      stop: () => bar.stop(),
    }
  }
  let last = performance.now()
  return {
    update: (done, told) => {
      const rest = left(done)
      if (performance.now() - last < QUIET) return
      last = performance.now()
      notice([`${what} ${done}/${total}`, ...(told ? [told] : []), rest].join('  '))
    },
    stop: () => {},
  }
}

/** Milliseconds of compiling without a message. */
const SOON = 2000

/**
 * Says on stderr which stage of compiling begins, where it takes long: a loop of hundreds of segments written out, or the
 * pipelines of a GPU that is software, of which a line comes every few seconds.
 */
export function compiling(): Told {
  const begin = performance.now()
  let last = begin
  return (stage, done, of) => {
    const now = performance.now()
    const often = done !== undefined && now - last < QUIET
    if (now - begin <= SOON || often) return
    last = now
    const what = done === undefined ? stage : `${stage} of the GPU, ${done} of ${of}`
    notice(`compiling: ${what}, ${duration(now - begin)} so far`)
  }
}

/** Says on stderr how far the examples are drawn that a run has seen already, where that takes long. */
export function skipping(): (done: number, examples: number) => void {
  let last = performance.now()
  return (done, examples) => {
    if (performance.now() - last < QUIET) return
    last = performance.now()
    notice(`drawing the examples of the steps before: ${done}/${examples}`)
  }
}

/** What the progress bar tells: means over the last steps, as single batches scatter. */
export class Recent {
  private readonly steps: StepEvent[] = []

  add(step: StepEvent): void {
    this.steps.push(step)
    if (this.steps.length > 20) this.steps.shift()
  }

  private mean(value: (step: StepEvent) => number): number {
    return this.steps.reduce((sum, step) => sum + value(step), 0) / this.steps.length
  }

  get tokensPerSecond(): number {
    return (1000 * this.mean((step) => step.validTokens)) / this.mean((step) => step.milliseconds)
  }

  toString(): string {
    const [loss, accuracy] = [this.mean((step) => step.loss), this.mean(({ accuracy = Number.NaN }) => accuracy)]
    return `loss ${loss.toFixed(3)}  accuracy ${percent(accuracy)}  ${count(this.tokensPerSecond)} tokens/s`
  }
}
