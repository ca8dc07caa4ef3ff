import { RmaatError } from '../errors.ts'
import { withPlaces } from '../program/accesses.ts'
import type { Loaded } from '../program/device.ts'
import type { Instruction, Plan } from '../program/plan.ts'
import { addressOf, endOf, walk } from './cursor.ts'
import { LOOP_DEPTH } from './sizes.ts'

/** Instructions of a program in which loops are written out. */
const MOST = 2 ** 16

/**
 * Loads a plan whose loops may nest to any depth on a device whose programs count LOOP_DEPTH of them: what is deeper is
 * written out, iteration after iteration.
 * @throws RmaatError 'program' where that is too long
 */
export function loadNested(plan: Plan, load: (plan: Plan) => Loaded): Loaded {
  const { instructions, origins } = writtenOut(plan.instructions)
  // a loop that is written out leaves its own place to its body
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
    // promised of plans without loops alone
    runTo: (inputs, count) => loaded.runTo(inputs, count),
    peek: (view, dtype) => loaded.peek(view, dtype),
    close: () => loaded.close(),
  }
}

/** The instructions without the deeper loops, and for each the number of the one that it stands for. */
function writtenOut(all: readonly Instruction[]): { instructions: Instruction[]; origins: number[] } {
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
          offset: addressOf({ ...place, steps: place.steps.slice(LOOP_DEPTH) }, iterations),
          steps: place.steps.slice(0, LOOP_DEPTH),
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
