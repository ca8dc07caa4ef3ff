import { RmaatError } from '../errors.ts'
import type { Loaded } from '../program/device.ts'
import { withPlaces } from '../program/kernels.ts'
import type { Instruction, Plan } from '../program/plan.ts'
import { addressOf, endOf, walk } from './cursor.ts'
import { LOOP_DEPTH } from './sizes.ts'

/** The most instructions of a program with unrolled loops. */
const MOST = 2 ** 16

/**
 * Loads a plan with loops of any depth on a device that counts LOOP_DEPTH of them: deeper loops are unrolled.
 * @throws RmaatError 'program' where that is too long
 */
export function loadNested(plan: Plan, load: (plan: Plan) => Loaded): Loaded {
  const { instructions, origins } = unrolled(plan.instructions)
  // an unrolled loop leaves its number to its body
  if (instructions.every((_, at) => origins[at] === at)) return load(plan)
  const loaded = load({ ...plan, instructions })
  return {
    get workspace() {
      return loaded.workspace
    },
    run: (inputs, timed) => loaded.run(inputs, timed),
    profile: async (inputs) => {
      const times = new Float64Array(plan.instructions.length)
      for (const [at, time] of (await loaded.profile(inputs)).entries()) times[origins[at]] += time
      return times
    },
    // only promised for plans without loops
    runTo: (inputs, count) => loaded.runTo(inputs, count),
    peek: (view, dtype) => loaded.peek(view, dtype),
    close: () => loaded.close(),
  }
}

/** The instructions with deeper loops unrolled, and for each the number of its original. */
function unrolled(all: readonly Instruction[]): { instructions: Instruction[]; origins: number[] } {
  const instructions: Instruction[] = []
  const origins: number[] = []
  const add = (instruction: Instruction, at: number): void => {
    instructions.push(instruction)
    origins.push(at)
  }
  let depth = 0
  for (let at = 0; at < all.length; at++) {
    const { kind } = all[at]
    if (kind === 'loop' && depth === LOOP_DEPTH) {
      const end = endOf(all, at)
      const body = all.slice(at, end + 1)
      walk(body, body.length, (call, within, iterations) => {
        if (instructions.length === MOST)
          throw new RmaatError(
            'program',
            `loops nest deeper than ${LOOP_DEPTH}: what stands in the others is written out, here to more than ${MOST} kernel ` +
              'calls; let the long loops be the outer ones',
          )
        const now = withPlaces(call, (place) => ({
          ...place,
          offset: addressOf({ ...place, loopStrides: place.loopStrides.slice(LOOP_DEPTH) }, iterations),
          loopStrides: place.loopStrides.slice(0, LOOP_DEPTH),
        }))
        add(now, at + within)
      })
      at = end
      continue
    }
    if (kind === 'loop') depth++
    if (kind === 'end') depth--
    add(all[at], at)
  }
  return { instructions, origins }
}
