// The whole of a program runs in one call: this loop walks its instructions in linear memory.

import { END, GATHER, LOOP, MATMUL, REDUCE, ROWS, SCATTER_ADD, STOP } from '../src/backends/wasm/opcodes'
import { gather, scatterAdd } from './gather'
import { matmul } from './matmul'
import { iteration, setIteration, word } from './place'
import { reduce } from './reduce'
import { rows } from './rows'

/** Runs the instructions from `start` up to a STOP or to `end`. `scratch` is the workspace of this thread. */
export function run(start: usize, end: usize, scratch: usize): void {
  let at = start
  while (at != end) {
    const code = word(at, 0)
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
      case ROWS:
        rows(at, scratch)
        break
      case REDUCE:
        reduce(at, scratch)
        break
      case MATMUL:
        matmul(at, scratch)
        break
      case GATHER:
        gather(at)
        break
      case SCATTER_ADD:
        scatterAdd(at)
        break
      default:
        unreachable()
    }
    at += (<usize>word(at, 1)) << 2
  }
}

export { setIteration }
