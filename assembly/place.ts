// Where an operand is now: address + the sum over enclosing loops of iteration x loop stride, and for thread-private memory
// + number of the thread x size of its part. A place is these four words.

import { LOOP_DEPTH } from '../src/backends/sizes'

export const PLACE_WORDS: usize = 2 + LOOP_DEPTH

// globals are thread-private; memory is shared
let outer: i32 = 0
let inner: i32 = 0
let thread: i32 = 0
if (LOOP_DEPTH != 2) ERROR('an iteration is kept for each of LOOP_DEPTH loops')

export function setIteration(level: i32, value: i32): void {
  if (level == 0) outer = value
  else inner = value
}

export function iteration(level: i32): i32 {
  return level == 0 ? outer : inner
}

/** Chooses the thread-private parts of memory. */
export function setThread(index: i32): void {
  thread = index
}

// @ts-ignore: decorator
@inline
export function word(at: usize, index: usize): i32 {
  return load<i32>(at + (index << 2))
}

// @ts-ignore: decorator
@inline
export function place(at: usize): usize {
  return <usize>(word(at, 0) + outer * word(at, 1) + inner * word(at, 2) + thread * word(at, 3))
}
