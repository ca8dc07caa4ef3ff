import { Presets, SingleBar } from 'cli-progress'
import type { Stage } from '../program/lower.ts'
import { duration, notice, terminal } from './terminal.ts'

export interface Progress {
  /** `done` of the total, and what else is to be told. */
  update(done: number, told?: string): void
  /** Ends the drawing, so that lines may follow. */
  stop(): void
}

/** Where nobody watches, a line after so many milliseconds. */
const QUIET = 5000

/** Shows on stderr how far a piece of work is: a bar in a terminal, else a line every few seconds. */
export function progress(what: string, total: number): Progress {
  const begin = performance.now()
  const left = (done: number): string => {
    const milliseconds = ((performance.now() - begin) / done) * (total - done)
    return done === 0 || done === total
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
    bar.start(total, 0, { told: '', left: '' })
    return {
      update: (done, told) => bar.update(done, { told: told ? `${told}  ` : '', left: left(done) }),
      stop: () => bar.stop(),
    }
  }
  let last = begin
  return {
    update: (done, told) => {
      if (performance.now() - last < QUIET) return
      last = performance.now()
      notice([`${what} ${done}/${total}`, ...(told ? [told] : []), left(done)].join('  '))
    },
    stop: () => {},
  }
}

/** Compiling says nothing as long as nobody waits for it. */
const SOON = 2000

/** Says on stderr which stage of compiling begins, where it takes long: a loop of hundreds of segments written out. */
export function compiling(): (stage: Stage) => void {
  const begin = performance.now()
  return (stage) => {
    const passed = performance.now() - begin
    if (passed > SOON) notice(`compiling: ${stage}, ${duration(passed)} so far`)
  }
}
