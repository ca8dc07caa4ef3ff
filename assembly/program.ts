// The program's interpreter: one call walks all instructions in linear memory.

import { END as JOB_END, SCRATCH, SCRATCH_STEP, START } from '../src/backends/wasm/control'
import { BARRIER, PARALLEL, PARALLEL_END, END, GATHER, LOOP, MATMUL, REDUCE, FUSED, SCAN, SCATTER_ADD, STOP } from '../src/backends/wasm/opcodes'
import { gather, scatterAdd } from './gather'
import { matmul } from './matmul'
import { iteration, setIteration, word } from './place'
import { reduce } from './reduce'
import { fused } from './fused'
import { scan } from './scan'
import * as threads from './threads'

/**
 * Runs the instructions from `start` up to a STOP or to `end` with a team of so many threads. `scratch` is the workspace of
 * this thread; that of the next one begins `scratchStep` bytes on. False if a thread has failed.
 */
export function run(start: usize, end: usize, scratch: usize, scratchStep: usize, team: i32): bool {
  threads.setTeam(team)
  threads.announce(start, end, scratch, scratchStep)
  walk(start, end, scratch)
  threads.barrier()
  return !threads.hasFailed()
}

/** What all threads but the first do: run programs as they are announced, until there are no more. */
export function serve(control: usize, index: i32): void {
  threads.attach(control, index)
  for (let job = 0; threads.nextJob(job); ++job) {
    const scratch = threads.jobWord(SCRATCH) + index * threads.jobWord(SCRATCH_STEP)
    walk(threads.jobWord(START), threads.jobWord(JOB_END), scratch)
    if (!threads.barrier()) return
  }
}

function walk(start: usize, end: usize, scratch: usize): void {
  let at = start
  while (at != end) {
    const head = word(at, 0)
    const code = head & 0xff
    switch (code) {
      case STOP:
        return
      case LOOP:
        setIteration(word(at, 2), 0)
        break
      case END: {
        const level = word(at, 2)
        const next = iteration(level) + 1
        if (next < word(at, 3)) {
          setIteration(level, next)
          at = <usize>word(at, 4)
          continue
        }
        setIteration(level, 0)
        break
      }
      case BARRIER:
        if (!threads.barrier()) return
        break
      case PARALLEL:
        if (!threads.fork()) return
        if (advance(at, -1)) break
        at = <usize>word(at, 4)
        if (!threads.join()) return
        continue
      case PARALLEL_END:
        if (advance(at, iteration(word(at, 2)))) {
          at = <usize>word(at, 4)
          continue
        }
        if (!threads.join()) return
        break
      default:
        if (threads.takesPart(head >> 8)) kernel(code, at, scratch)
    }
    at += (<usize>word(at, 1)) << 2
  }
}

/** Goes on to the next iteration of a parallel loop that is left: false if there is none. */
function advance(at: usize, last: i32): bool {
  const level = word(at, 2)
  const next = threads.nextIteration(last)
  const some = next < word(at, 3)
  setIteration(level, some ? next : 0)
  return some
}

function kernel(code: i32, at: usize, scratch: usize): void {
  threads.beat()
  switch (code) {
    case FUSED:
      return fused(at, scratch)
    case REDUCE:
      return reduce(at, scratch)
    case MATMUL:
      return matmul(at, scratch)
    case SCAN:
      return scan(at)
    case GATHER:
      return gather(at)
    case SCATTER_ADD:
      return scatterAdd(at)
    default:
      unreachable()
  }
}

export { setIteration }
export { attach } from './threads'
