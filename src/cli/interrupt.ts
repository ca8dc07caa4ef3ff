import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { notice } from './terminal.ts'

/** Ctrl-C, a request to terminate, a closed terminal. */
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** The exit code of a process that a signal terminated, as shells report it. */
export const exitCodeOf = (name: NodeJS.Signals): number => 128 + constants.signals[name]

/** npm forwards a terminal's Ctrl-C to a process that has received it already; within so many milliseconds it is the same. */
const SAME = 1000
/** How often to poll whether the parent process is still there, in milliseconds. */
const LOOK = 250
/** Set in the environment of a supervised child process. */
export const SUPERVISED = 'RMAAT_SUPERVISED'

/**
 * Listens for the signals that terminate this process: `first` handles the first one, `again` the exit code of the next.
 * Where `starter` is given, a change of the parent that it names counts as a closed terminal. Returns a function that
 * stops listening.
 */
export function hear(
  starter: (() => string) | undefined,
  first: (name: NodeJS.Signals) => void,
  again: (code: number) => void,
) {
  let since: number | undefined
  const interrupt = (name: NodeJS.Signals): void => {
    if (since === undefined) {
      since = performance.now()
      first(name)
    } else if (performance.now() - since > SAME) again(exitCodeOf(name))
  }
  const handlers = signals.map((name) => [name, () => interrupt(name)] as const)
  for (const [name, handler] of handlers) process.on(name, handler)
  const before = starter?.()
  const look = (): void => {
    if (starter?.() !== before && since === undefined) interrupt('SIGHUP')
  }
  const timer = starter && setInterval(look, LOOK).unref()
  return (): void => {
    clearInterval(timer)
    for (const [name, handler] of handlers) process.off(name, handler)
  }
}

/** The parent process. */
const parent = (): string => `${process.ppid}`

/** npm, which starts a shell; it hands on no signal, and where it stays between the two it is npm that counts. */
export function npmAbove(): string {
  try {
    // pid (name) state ppid
    const [, name, above] = /\((.*)\) \S+ (\d+)/.exec(readFileSync(`/proc/${process.ppid}/stat`, 'utf8')) ?? []
    return name === 'sh' || name === 'dash' ? `${process.ppid} ${above}` : parent()
  } catch {
    return parent() // not Linux: there the shell becomes the command
  }
}

type Stop = (code: number, why: string) => void
let underWay: Stop | undefined

/**
 * A signal that the first Ctrl-C, SIGTERM or SIGHUP sets off, so that work can end cleanly; its reason is the exit code.
 * The second one ends the process. `restore` gives them their usual meaning back.
 */
export function interruptible(): { readonly signal: AbortSignal; readonly restore: () => void } {
  const controller = new AbortController()
  const supervised = SUPERVISED in process.env
  const stop: Stop = (code, why) => {
    if (controller.signal.aborted) return
    controller.abort(code)
    if (why) notice(why)
  }
  underWay = stop
  const deaf = hear(
    supervised ? parent : undefined,
    (name) => stop(exitCodeOf(name), supervised ? '' : STOPPING),
    (code) => process.exit(code),
  )
  return {
    signal: controller.signal,
    restore: () => {
      deaf()
      if (underWay === stop) underWay = undefined
    },
  }
}

export const STOPPING = '\nstopping after the step under way; Ctrl-C again stops at once'

/** Interrupts the command under way as a signal would; false where there is none. */
export function stopWork(code: number, why: string): boolean {
  underWay?.(code, why)
  return underWay !== undefined
}
