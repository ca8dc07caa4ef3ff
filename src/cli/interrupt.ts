import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { notice } from './terminal.ts'

/** Ctrl-C, a request to end, a terminal that was closed. */
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** The exit code of what a signal has ended, as shells have it. */
export const exitCodeOf = (name: NodeJS.Signals): number => 128 + constants.signals[name]

/** npm passes a terminal's Ctrl-C on to a program that has had it already; within so many milliseconds it is the same. */
const SAME = 1000
/** How often to look whether the process that waits for this one is still there, in milliseconds. */
const LOOK = 250
/** Set in the environment of a process that another one watches over. */
export const SUPERVISED = 'RMAAT_SUPERVISED'

/**
 * Hears what asks this process to end: `first`, and `again` where it is asked once more, each with the exit code. Where
 * `starter` is given, and what it tells of who waits for this process changes, that counts as a closed terminal. Returns
 * what stops listening.
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

/** The process that started this one. */
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

/** Ends what is under way as a signal would; false where nothing is. */
export function stopWork(code: number, why: string): boolean {
  underWay?.(code, why)
  return underWay !== undefined
}
