import { planningDevice } from '../backends/planning.ts'
import { usualThreads } from '../backends/wasm/open.ts'
import { RmaatError } from '../errors.ts'
import type { Backward } from '../nn/model.ts'
import type { Plan } from '../program/plan.ts'
import { Dial, type memoryOn, type Place, type Planned, type Point, plannedMemory, planStep } from '../train/planner.ts'
import { makeModel, type modelFor, namesIn } from './prepare.ts'
import { compiling } from './progress.ts'
import type { Given, withDefaults } from './settings.ts'
import { bytes, notice, plural } from './terminal.ts'

/** Plans the programs of a model for a device, without that device. */
export class Planner {
  readonly device: 'wasm' | 'reference'
  readonly model: ReturnType<typeof makeModel>

  constructor(device: 'wasm' | 'reference', chosen: ReturnType<typeof modelFor>, threads: number) {
    this.device = device
    this.model = makeModel(planningDevice(device, threads), chosen)
  }

  static async of({ device, threads }: Given, chosen: ReturnType<typeof modelFor>): Promise<Planner> {
    return new Planner(device === 'reference' ? 'reference' : 'wasm', chosen, threads ?? (await usualThreads()))
  }

  step(options: Planned): Plan {
    return planStep(this.model, options, compiling())
  }

  memory(found: Plan): ReturnType<typeof memoryOn> {
    return plannedMemory(this.model.device, found)
  }

  dial(segments: number, options: Planned): Dial {
    return new Dial(this.model, options, segments, compiling())
  }
}

/** The last point of a dial that fits into so many bytes. */
export function fitting(dial: Dial, budget: number): Point {
  const found = dial.fitting(budget)
  if (found) return found
  throw new RmaatError(
    'config',
    `memoryBudget is ${bytes(budget)}, but replay alone takes ${bytes(dial.at(dial.places[0]).peakBytes)}: expected at least that, or a smaller batch, width or segment`,
  )
}

/** `67,108,864`, `64MiB`, `1.5 GiB`, `500 MB` -> bytes. */
export function parseBytes(text: string, where: string): number {
  const [, number, unit = 'B'] = /^([\d,]*\.?\d+) ?(B|KB|MB|GB|KiB|MiB|GiB)?$/.exec(text.trim()) ?? []
  const base = unit.includes('i') ? 1024 : 1000
  const value = Number(number?.replaceAll(',', '')) * base ** ['B', 'K', 'M', 'G'].indexOf(unit[0])
  if (value >= 1) return Math.floor(value)
  throw new RmaatError('config', `${where} is ${JSON.stringify(text)}; expected a size such as 64MiB or 1.5GiB`)
}

/** What replay keeps: as much as was asked for, or as fits into the memory that was. */
export async function keepWithin(
  settings: ReturnType<typeof withDefaults>,
  chosen: ReturnType<typeof modelFor>,
  segments: number,
): Promise<Pick<Backward, 'hold' | 'keep'>> {
  const { hold, keep, memoryBudget, method, batch, clip, slices, reach, trains } = settings
  if (hold !== undefined || keep !== undefined || memoryBudget === undefined) return { hold, keep }
  const budget = parseBytes(memoryBudget, '--memory-budget')
  const planner = await Planner.of(settings, chosen)
  const found = fitting(planner.dial(segments, { method, batch, clip, slices, reach, trains: namesIn(trains) }), budget)
  notice(`budget   ${bytes(budget)}: ${placeInWords(found, segments)}, ${bytes(found.peakBytes)} planned`)
  return { hold: found.hold, keep: found.keep }
}

export const placeInWords = ({ hold, keep }: Place, segments: number): string =>
  `${keep} of ${segments - 1} segments keep their activations` +
  (keep < segments - 1 ? `, the others ${plural(hold, 'value')} each` : '')
