// Threads walk the same program, each in an instance of its own, over one shared memory. A kernel that is worth it is
// split into parts, one a thread, by what it computes: no sum is ever split. Of a loop whose iterations need nothing of
// each other, each thread takes whole iterations as they come; what they make is added up behind the loop, in its order.
// So results are the same bits for any number of threads. Everything here vanishes from modules without threads.

import {
  ARRIVED,
  BEATS,
  CREW,
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
} from '../src/backends/wasm/control'
import { iteration, setIteration, setOwn } from './place'

// Looks at a word before a thread sleeps, about a nanosecond each. To wake a thread takes 20 to 50 microseconds; MANY looks
// last through most of what JavaScript does between two programs. Where they were in vain at a barrier, the thread that is
// waited for may need this one's core: it looks half as long from then on, down to FEW, until a long look is worth it.
const FEW = 30_000
const MANY = 3_000_000
const TRIAL = 4096 // so rarely it looks MANY times whatever was in vain before: cores may be free again
const SECOND: i64 = 1_000_000_000

let control: usize = 0
let thread: i32 = 0
let crew: i32 = 1
let part: i32 = 0
let parts: i32 = 1
let apart = false // each thread is at an iteration of its own
let looks = MANY // before it sleeps
let waits = 0

/** Makes this instance a thread of those that meet at `block`. */
export function join(block: usize, index: i32): void {
  control = block
  thread = index
}

/** Sets how many threads walk the program that comes. */
export function setCrew(threads: i32): void {
  crew = threads
}

/** Whether this thread has a part in an instruction that is worth at most `wanted`. */
// @ts-ignore: decorator
@inline
export function takesPart(wanted: i32): bool {
  if (!ASC_FEATURE_THREADS) return true
  if (apart) {
    parts = 1
    part = 0
    return true
  }
  parts = min(wanted, crew)
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

/** Shows that this thread is alive: where much time may pass until the next barrier. */
// @ts-ignore: decorator
@inline
export function beat(): void {
  if (!ASC_FEATURE_THREADS) return
  const line = control + BEATS + thread * LINE
  store<i32>(line, load<i32>(line) + 1)
}

/** Begins a loop whose iterations the threads share out among them: false where one of them has failed. */
export function disperse(): bool {
  if (!ASC_FEATURE_THREADS || crew == 1) return true
  if (thread == 0) atomic.store<i32>(control + NEXT, 0)
  apart = meet()
  setOwn(thread)
  return apart
}

/** The iteration of such a loop that this thread does after `last`, its first after -1. */
export function nextIteration(last: i32): i32 {
  return ASC_FEATURE_THREADS && apart ? atomic.add<i32>(control + NEXT, 1) : last + 1
}

/** Ends such a loop. */
export function rejoin(): bool {
  apart = false
  setOwn(0)
  return meet()
}

/** Waits for the other threads: false where one of them has failed. */
export function meet(): bool {
  if (!ASC_FEATURE_THREADS || crew == 1) return true
  const seen = atomic.load<i32>(control + RELEASED)
  if (atomic.add<i32>(control + ARRIVED, 1) < crew - 1) return waitFor(control + RELEASED, seen)
  atomic.store<i32>(control + ARRIVED, 0)
  change(control + RELEASED)
  return true
}

/** Hands the program to the other threads. */
export function announce(start: usize, end: usize, scratch: usize, scratchStep: usize): void {
  if (!ASC_FEATURE_THREADS || crew == 1) return
  store<usize>(control + START, start)
  store<usize>(control + END, end)
  store<usize>(control + SCRATCH, scratch)
  store<usize>(control + SCRATCH_STEP, scratchStep)
  store<i32>(control + OUTER, iteration(0))
  store<i32>(control + INNER, iteration(1))
  store<i32>(control + CREW, crew)
  change(control + JOB)
}

/** Waits for job after job that thread 0 announces, for as long as there are any. */
export function nextJob(seen: i32): bool {
  if (!ASC_FEATURE_THREADS || !waitFor(control + JOB, seen)) return false
  crew = load<i32>(control + CREW)
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

/** Waits until a word is no longer as it was `seen`: false where a thread has failed. */
function waitFor(word: usize, seen: i32): bool {
  if (!ASC_FEATURE_THREADS) return true
  const most = ++waits % TRIAL == 0 ? MANY : looks
  for (let i = 0; i < most; ++i) {
    if (atomic.load<i32>(word) == seen) continue
    if (i > FEW) looks = MANY
    return true
  }
  // a job that does not come says nothing of the cores
  if (word == control + RELEASED) looks = max(looks / 2, FEW)
  atomic.add<i32>(control + SLEEPING, 1)
  let silent = 0
  let heard = beats()
  while (atomic.load<i32>(word) == seen && !hasFailed()) {
    // the end of a worker that could not say so is noticed by thread 0 alone
    if (atomic.wait<i32>(word, seen, thread == 0 ? SECOND : -1) != 2) continue
    const now = beats()
    if (now != heard) silent = 0
    else if (++silent == load<i32>(control + PATIENCE)) atomic.store<i32>(control + FAILED, 1)
    heard = now
  }
  atomic.sub<i32>(control + SLEEPING, 1)
  return !hasFailed()
}

function beats(): i32 {
  let sum = 0
  for (let i = 1; i < crew; ++i) sum += load<i32>(control + BEATS + i * LINE)
  return sum
}
