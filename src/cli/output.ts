import { RmaatError } from '../errors.ts'
import { whyRefused } from '../runtime/files.ts'
import { stopWork } from './interrupt.ts'
import { notice } from './terminal.ts'

/** The exit code of a broken pipe: 128 + SIGPIPE. */
const BROKEN_PIPE = 141
/** A wrong call, setting or file, or a device that is not here. */
export const USAGE = 2

/** Ends this process where nobody reads what it prints, or it cannot be written; a training under way saves what it has. */
export function endUnread(): void {
  process.stderr.on('error', () => {}) // nowhere to report it
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    const unread = error.code === 'EPIPE'
    const why = unread ? 'nobody reads standard output any more' : `standard output: ${whyRefused(error)}`
    if (stopWork(unread ? BROKEN_PIPE : USAGE, `${why}: stopping after the step under way`)) return
    // `| head` ends a command without a word
    if (unread) process.exit()
    notice(`error (data): ${why}`)
    process.exit(USAGE)
  })
}

/** Says in one line why a device is not here; what else went wrong goes on. */
export function notHere(error: unknown): undefined {
  if (!(error instanceof RmaatError) || error.code !== 'device') throw error
  notice(`error (device): ${error.message}`)
  process.exitCode = USAGE
}
