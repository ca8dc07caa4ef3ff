#!/usr/bin/env node
import { whyRefused } from '../runtime/files.ts'
import { SUPERVISED, stopWork } from './interrupt.ts'
import { supervise } from './supervise.ts'
import { notice } from './terminal.ts'

/** Commands with long steps, which shut down cleanly on a signal. */
const LONG = ['train', 'compare', 'start', 'ablate']
/** The exit code of a broken pipe: 128 + SIGPIPE. */
const BROKEN_PIPE = 141
const UNWRITTEN = 2

const args = process.argv.slice(2)
process.stderr.on('error', () => {}) // nowhere to report it
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  const unread = error.code === 'EPIPE'
  const why = unread ? 'nobody reads standard output any more' : `standard output: ${whyRefused(error)}`
  if (stopWork(unread ? BROKEN_PIPE : UNWRITTEN, `${why}: stopping after the step under way`)) return
  // `| head` ends a command without a word
  if (unread) process.exit()
  notice(`error (data): ${why}`)
  process.exit(UNWRITTEN)
})
const helps = args.some((arg) => arg === '--help' || arg === '-h')
if (LONG.includes(args[0]) && !helps && !(SUPERVISED in process.env)) supervise()
else await (await import('./rmaat.ts')).rmaat(args)
