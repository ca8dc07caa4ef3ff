// Fork and join. All threads of a team walk the same program, each in an instance of its own, over one shared memory. A
// kernel that is large enough is split by its results into one part for each thread: no sum is ever split. At a loop with
// independent iterations the team forks: each thread takes the next iteration that is left, with thread-private memory. It
// joins behind the loop, where the results are added in the order of the iterations. So they are the same bits for any
// number of threads. All of this is left out of modules without threads.

import {
  ARRIVED,
  BEATS,
  END,
  FAILED,
  INNER,
  JOB,
  LINE,
  NEXT,
  OUTER,
  PATIENCE,
  RELEASED,
  SCRATCH,
  SCRATCH_STEP,
  SLEEPING,
  START,
  TEAM,
} from '../src/backends/wasm/control'
import { iteration, setIteration, setThread } from './place'

// The spin budget: how often a thread reads a word before it sleeps, about a nanosecond each. To wake it takes 20 to 50
// microseconds; MOST_SPINS last through most of what JavaScript does between two programs. If they were in vain at a
// barrier, the other thread may need this one's core: the budget is halved, down to LEAST_SPINS, until spinning pays.
const LEAST_SPINS = 30_000
const MOST_SPINS = 3_000_000
const TRIAL = 4096 // one wait in so many gets all MOST_SPINS: cores may be free again
const SECOND: i64 = 1_000_000_000

let control: usize = 0
let thread: i32 = 0
let team: i32 = 1
let part: i32 = 0
let parts: i32 = 1
let forked = false
let spins = MOST_SPINS // the budget
let waits = 0

/** Makes this instance a thread of the team whose control block is `block`. */
export function attach(block: usize, index: i32): void {
  control = block
  thread = index
}

/** Sets the size of the team for the next program. */
export function setTeam(threads: i32): void {
  team = threads
}

/** Whether this thread has a part in an instruction that is split into at most `wanted` parts. */
// @ts-ignore: decorator
@inline
export function takesPart(wanted: i32): bool {
  if (!ASC_FEATURE_THREADS) return true
  if (forked) {
    parts = 1
    part = 0
    return true
  }
  parts = min(wanted, team)
  part = thread
  return part < parts
}

/** How many parts the instruction is split into, and which of them this is. */
// @ts-ignore: decorator
@inline
export function partCount(): i32 {
  return ASC_FEATURE_THREADS ? parts : 1
}

// @ts-ignore: decorator
@inline
export function partIndex(): i32 {
  return ASC_FEATURE_THREADS ? part : 0
}

/** Where part `index` of `count` begins among `units`. */
// @ts-ignore: decorator
@inline
export function split(units: i32, index: i32, count: i32): i32 {
  return <i32>((<i64>units * <i64>index) / <i64>count)
}

/** The first of so many units that is this thread's. */
// @ts-ignore: decorator
@inline
export function firstOf(units: i32): i32 {
  return ASC_FEATURE_THREADS ? split(units, part, parts) : 0
}

/** Behind the last of so many units that is this thread's. */
// @ts-ignore: decorator
@inline
export function endOf(units: i32): i32 {
  return ASC_FEATURE_THREADS ? split(units, part + 1, parts) : units
}

/** A heartbeat, where much time may pass until the next barrier. */
// @ts-ignore: decorator
@inline
export function beat(): void {
  if (!ASC_FEATURE_THREADS) return
  const line = control + BEATS + thread * LINE
  store<i32>(line, load<i32>(line) + 1)
}

/** Begins a parallel loop: false if a thread has failed. */
export function fork(): bool {
  if (!ASC_FEATURE_THREADS || team == 1) return true
  if (thread == 0) atomic.store<i32>(control + NEXT, 0)
  forked = barrier()
  setThread(thread)
  return forked
}

/** The iteration of a parallel loop that this thread takes after `last`, the first one after -1. */
export function nextIteration(last: i32): i32 {
  return ASC_FEATURE_THREADS && forked ? atomic.add<i32>(control + NEXT, 1) : last + 1
}

/** Ends a parallel loop. */
export function join(): bool {
  forked = false
  setThread(0)
  return barrier()
}

/** Waits for all threads of the team: false if one has failed. */
export function barrier(): bool {
  if (!ASC_FEATURE_THREADS || team == 1) return true
  const seen = atomic.load<i32>(control + RELEASED)
  if (atomic.add<i32>(control + ARRIVED, 1) < team - 1) return waitFor(control + RELEASED, seen)
  atomic.store<i32>(control + ARRIVED, 0)
  change(control + RELEASED)
  return true
}

/** Starts the other threads on a program. */
export function announce(start: usize, end: usize, scratch: usize, scratchStep: usize): void {
  if (!ASC_FEATURE_THREADS || team == 1) return
  store<usize>(control + START, start)
  store<usize>(control + END, end)
  store<usize>(control + SCRATCH, scratch)
  store<usize>(control + SCRATCH_STEP, scratchStep)
  store<i32>(control + OUTER, iteration(0))
  store<i32>(control + INNER, iteration(1))
  store<i32>(control + TEAM, team)
  change(control + JOB)
}

/** Waits for the next job of thread 0: false when there is none any more. */
export function nextJob(seen: i32): bool {
  if (!ASC_FEATURE_THREADS || !waitFor(control + JOB, seen)) return false
  team = load<i32>(control + TEAM)
  setIteration(0, load<i32>(control + OUTER))
  setIteration(1, load<i32>(control + INNER))
  return jobWord(START) != 0
}

export function jobWord(offset: usize): usize {
  return load<usize>(control + offset)
}

export function hasFailed(): bool {
  return ASC_FEATURE_THREADS && control != 0 && atomic.load<i32>(control + FAILED) != 0
}

function change(word: usize): void {
  if (!ASC_FEATURE_THREADS) return
  atomic.add<i32>(word, 1)
  if (atomic.load<i32>(control + SLEEPING) != 0) atomic.notify(word, -1)
}

/** Waits until a word differs from `seen`: spins, then sleeps. False if a thread has failed. */
function waitFor(word: usize, seen: i32): bool {
  if (!ASC_FEATURE_THREADS) return true
  const most = ++waits % TRIAL == 0 ? MOST_SPINS : spins
  for (let i = 0; i < most; ++i) {
    if (atomic.load<i32>(word) == seen) continue
    if (i > LEAST_SPINS) spins = MOST_SPINS
    return true
  }
  // only a barrier tells that cores are busy: a job may just not be there yet
  if (word == control + RELEASED) spins = max(spins / 2, LEAST_SPINS)
  atomic.add<i32>(control + SLEEPING, 1)
  let silent = 0
  let heard = heartbeats()
  while (atomic.load<i32>(word) == seen && !hasFailed()) {
    // a worker that was killed cannot report it: thread 0 watches the heartbeats
    if (atomic.wait<i32>(word, seen, thread == 0 ? SECOND : -1) != 2) continue
    const now = heartbeats()
    if (now != heard) silent = 0
    else if (++silent == load<i32>(control + PATIENCE)) atomic.store<i32>(control + FAILED, 1)
    heard = now
  }
  atomic.sub<i32>(control + SLEEPING, 1)
  return !hasFailed()
}

function heartbeats(): i32 {
  let sum = 0
  for (let i = 1; i < team; ++i) sum += load<i32>(control + BEATS + i * LINE)
  return sum
}
