import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { RmaatError } from '../errors.ts'
import { notice } from './terminal.ts'

/** A process, as a lock names it. */
interface Holder {
  readonly pid: number
  readonly host: string
  /** When it began, where the system tells: its number is given to others after it. */
  readonly began?: string
}

const LOCK = /^lock\.(\d+)$/

/** Milliseconds within which a new lock file names its owner. */
const SOON = 100

/**
 * Locks a folder for this process, until it calls the function that is returned; a killed process leaves a stale lock, which
 * the next one takes over. Locks are numbered, and each number can be created once: whoever finds a stale lock creates the
 * next number, and checks for others then. So of several that find it at once only one acquires the folder.
 * @throws RmaatError 'data' where another process holds it
 */
export function takeLock(folder: string): () => void {
  for (let first = true; ; first = false) {
    const others = locksIn(folder)
    if (first && others.some(({ holder }) => !holder)) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, SOON)
      continue
    }
    for (const other of others) refuseWhereAlive(other, folder)
    const number = 1 + Math.max(0, ...others.map(({ number }) => number))
    const path = join(folder, `lock.${number}`)
    try {
      writeFileSync(path, JSON.stringify(holderNow()), { flag: 'wx' })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue
      throw error
    }
    const release = (): void => rmSync(path, { force: true })
    try {
      for (const other of locksIn(folder)) if (other.number !== number) refuseWhereAlive(other, folder)
    } catch (error) {
      release()
      throw error
    }
    for (const { number, holder } of others) {
      rmSync(join(folder, `lock.${number}`), { force: true })
      notice(
        `lock     taken over: process ${holder?.pid ?? 'without a number'} has ended without giving ${folder} back`,
      )
    }
    return release
  }
}

interface Lock {
  readonly number: number
  /** Undefined where the file says nothing of one. */
  readonly holder: Holder | undefined
}

function locksIn(folder: string): Lock[] {
  return readdirSync(folder).flatMap((name): Lock[] => {
    const number = LOCK.exec(name)?.[1]
    if (number === undefined) return []
    try {
      return [{ number: Number(number), holder: JSON.parse(readFileSync(join(folder, name), 'utf8')) as Holder }]
    } catch (error) {
      // given back meanwhile; or no lock of ours, and nobody's
      return (error as NodeJS.ErrnoException).code === 'ENOENT' ? [] : [{ number: Number(number), holder: undefined }]
    }
  })
}

function refuseWhereAlive({ number, holder }: Lock, folder: string): void {
  if (!holder) return
  const { pid, host } = holder
  if (host !== hostname())
    throw new RmaatError(
      'data',
      `${folder} is in use by process ${pid} on ${host}, of which nothing is known here; expected it to have ended: where it has, delete ${join(folder, `lock.${number}`)}`,
    )
  if (isAlive(holder)) {
    throw new RmaatError('data', `${folder} is in use by process ${pid}; expected a folder whose run has ended`)
  }
}

const holderNow = (): Holder => ({ pid: process.pid, host: hostname(), began: statusOf(process.pid)?.began })

function isAlive({ pid, began }: Holder): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' // another user's
  }
  const now = statusOf(pid)
  // elsewhere than on Linux a number is all that there is
  return now === undefined ? pid !== process.pid : now.state !== 'Z' && began === now.began
}

/** State and beginning of a process, on Linux. */
function statusOf(pid: number): { readonly state: string; readonly began: string } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return { state: fields[0], began: fields[19] }
  } catch {
    return undefined
  }
}
