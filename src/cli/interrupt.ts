import { notice } from './terminal.ts'

/** The exit code of a run that was interrupted: 128 and the number of SIGINT, as shells have it. */
export const INTERRUPTED = 130

/** npm passes a terminal's Ctrl-C on to a program that has had it already; within so many milliseconds it is the same. */
const SAME = 1000

/**
 * A signal that the first Ctrl-C (or SIGTERM) sets off, so that work can end cleanly; the second one ends the process.
 * `restore` gives Ctrl-C its usual meaning back.
 */
export function interruptible(): { readonly signal: AbortSignal; readonly restore: () => void } {
  const controller = new AbortController()
  let first: number | undefined
  const interrupt = (): void => {
    if (first === undefined) {
      first = performance.now()
      notice('\nstopping after the step under way; Ctrl-C again stops at once')
      controller.abort()
    } else if (performance.now() - first > SAME) process.exit(INTERRUPTED)
  }
  const names = ['SIGINT', 'SIGTERM'] as const
  for (const name of names) process.on(name, interrupt)
  return {
    signal: controller.signal,
    restore: () => {
      for (const name of names) process.off(name, interrupt)
    },
  }
}
