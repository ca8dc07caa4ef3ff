// Where an operand lives now: address + iteration of each enclosing loop x its step, and, within a loop whose iterations
// run at the same time, + number of the thread x the size of what a thread has for itself. A place is four words.

import { LOOP_DEPTH } from '../src/backends/sizes'

export const PLACE_WORDS: usize = 2 + LOOP_DEPTH

// globals belong to a thread, and memory to the programs
let outer: i32 = 0
let inner: i32 = 0
let own: i32 = 0
if (LOOP_DEPTH != 2) ERROR('an iteration is kept for each of LOOP_DEPTH loops')

export function setIteration(level: i32, value: i32): void {
  if (level == 0) outer = value
  else inner = value
}

export function iteration(level: i32): i32 {
  return level == 0 ? outer : inner
}

/** Chooses among what threads have for themselves. */
export function setOwn(thread: i32): void {
  own = thread
}

// @ts-ignore: decorator
@inline
export function word(at: usize, index: usize): i32 {
  return load<i32>(at + (index << 2))
}

// @ts-ignore: decorator
@inline
export function place(at: usize): usize {
  return <usize>(word(at, 0) + outer * word(at, 1) + inner * word(at, 2) + own * word(at, 3))
}
