import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'

export const root = fileURLToPath(new URL('../../', import.meta.url))
/** How long a run may say nothing before it counts as hung. */
export const SILENCE_MS = 300_000
/** What a host writes after each file. */
export const END = '\u0004'

/** What uvu's last lines say: its totals, or undefined where it did not come to its end. */
export function totalsOf(output) {
  const plain = stripVTControlCharacters(output)
  const last = (name) => [...plain.matchAll(new RegExp(`^ *${name}: *(\\d+)`, 'gm'))].at(-1)?.[1]
  const [total, passed, skipped] = ['Total', 'Passed', 'Skipped'].map(last)
  if (skipped === undefined) return undefined
  return { passed: Number(passed), failed: total - passed, skipped: Number(skipped) }
}

/** Calls `hung` when nothing was said for too long. */
export function watchdog(hung) {
  let timer
  const heard = () => {
    clearTimeout(timer)
    timer = setTimeout(hung, SILENCE_MS)
  }
  heard()
  return { heard, stop: () => clearTimeout(timer) }
}

/** Runs a program in the repository's root; what it says goes to `write` and comes back with how it ended. */
export function runChild(command, args, { env = {}, write = () => {}, stderr = write } = {}) {
  let output = ''
  const child = startChild(command, args, env, (text, isError) => {
    if (isError) return stderr(text)
    output += text
    write(text)
  })
  child.stdin.end()
  return child.ended.then((end) => ({ output, end }))
}

/** Starts it; `ended` says how it ended, undefined where that was well. */
export function startChild(command, args, env, hear) {
  const child = spawn(command, args, { cwd: root, env: { ...process.env, ...env } })
  child.stdin.on('error', () => {}) // it has ended, which `ended` tells
  const ended = new Promise((resolve) => {
    let end
    const dog = watchdog(() => {
      end = `said nothing for ${SILENCE_MS / 1000} s and was ended`
      child.kill('SIGKILL')
    })
    for (const stream of ['stdout', 'stderr'])
      child[stream].setEncoding('utf8').on('data', (text) => {
        dog.heard()
        hear(text, stream === 'stderr')
      })
    child.on('error', (error) => {
      dog.stop()
      resolve(`did not start: ${error.message}`)
    })
    child.on('close', (code, signal) => {
      dog.stop()
      resolve(end ?? (signal ? `ended by ${signal}` : code === 0 ? undefined : `ended with code ${code}`))
    })
  })
  return { stdin: child.stdin, ended }
}
