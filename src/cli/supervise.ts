import { spawn } from 'node:child_process'
import { exitCodeOf, hear, npmAbove, STOPPING, SUPERVISED } from './interrupt.ts'
import { notice } from './terminal.ts'

/**
 * Runs this same command line in a child process. Node handles signals on the thread that computes, and only between steps,
 * which may take a minute: the parent is idle, so it reports a signal at once, forwards it, and kills the child at the second.
 */
export function supervise(): void {
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    stdio: 'inherit',
    env: { ...process.env, [SUPERVISED]: '1' },
  })
  let ended: number | undefined
  hear(
    process.env.npm_lifecycle_event ? npmAbove : undefined,
    (name) => {
      notice(STOPPING)
      // Windows hands it to every process of the console, and knows nothing but an end at once otherwise
      if (process.platform !== 'win32') child.kill(name)
    },
    (code) => {
      ended = code
      child.kill('SIGKILL')
    },
  )
  child.on('error', ({ message }) => {
    notice(`error: a process for the computation does not start: ${message}`)
    process.exit(1)
  })
  child.on('exit', (code, name) => process.exit(ended ?? code ?? exitCodeOf(name!)))
}
