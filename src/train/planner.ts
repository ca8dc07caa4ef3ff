import type { Backward, Model } from '../nn/model.ts'
import { AdamW, type AdamWOptions } from '../optim/adamw.ts'
import { elementsOf } from '../program/axes.ts'
import type { Device } from '../program/device.ts'
import type { Told } from '../program/lower.ts'
import type { Memory, Plan } from '../program/plan.ts'
import { memoryOf, plan } from '../program/program.ts'
import { type StepOptions, stepInputs, trainingStep } from './step.ts'

/** How a step is planned: what AdamW trains beside what a step takes. */
export type Planned = StepOptions & Pick<AdamWOptions, 'trains'>

/** The plan of a training step with AdamW; the model may stand on a device that plans alone. */
export function planStep(model: Model, { trains, ...options }: Planned, compiling?: Told): Plan {
  const step = trainingStep(model, new AdamW(model.parameters, { trains }), options)
  return plan(model.device, stepInputs(model, options.batch), step, compiling)
}

export type PlannedMemory = Memory & { readonly workspace: number }

/** What a device takes for a plan, in bytes: the reference holds every element as a double. */
export function memoryOn(device: string, { arena, replay, inputs, variables, workspace }: PlannedMemory) {
  const scale = device === 'reference' ? 2 : 1
  const memory = {
    arena: arena * scale,
    replay: replay * scale,
    inputs: inputs * scale,
    variables: variables * scale,
    workspace,
  }
  return { memory, peak: memory.arena + memory.inputs + memory.variables + workspace }
}

/** What a plan will take on a device, in bytes, before it runs. */
export function plannedMemory(device: Device, found: Plan): ReturnType<typeof memoryOn> {
  const loaded = device.backend.load(found)
  loaded.close()
  return memoryOn(device.name, { ...memoryOf(found), workspace: loaded.workspace })
}

/** Of so many things those that a curve shows: all of few, else some, the ends among them. */
export const pointsOf = (count: number, most: number): number[] =>
  count <= most
    ? Array.from({ length: count }, (_, i) => i)
    : Array.from({ length: most }, (_, i) => Math.round((i * (count - 1)) / (most - 1)))

/** Multiplications and additions in a plan's matrix products, each pair as one. */
export function productsIn({ instructions }: Plan): number {
  let total = 0
  const times = [1]
  for (const instruction of instructions) {
    if (instruction.kind === 'loop') times.push(times[times.length - 1] * instruction.count)
    if (instruction.kind === 'end') times.pop()
    if (instruction.kind !== 'matmul') continue
    const { batch, m, n, k } = instruction
    total += times[times.length - 1] * [batch, m, n, k].reduce((product, axes) => product * elementsOf(axes), 1)
  }
  return total
}

/** What the gradient of a training step keeps of the segments. */
export type Place = Required<Pick<Backward, 'hold' | 'keep'>>

export interface Point extends Place {
  readonly peakBytes: number
  /** Multiply-adds in matrix products. */
  readonly products: number
}

/** No model has so few values of a segment that are worth holding. */
const FEW = 16

/**
 * The dial between replay and backpropagation through time: first ever more values of every segment are held, as long as that
 * takes more memory, then ever more segments keep all of theirs. Nothing runs, and each point is planned once.
 */
export class Dial {
  readonly places: readonly Place[]
  private readonly known = new Map<string, Point>()
  private readonly plan: (place: Place) => Plan
  private readonly device: Device

  constructor(model: Model, options: Planned, segments: number, compiling?: Told) {
    this.device = model.device
    this.plan = (place) => planStep(model, { ...options, ...place }, compiling)
    const peak = (hold: number): number => this.at({ hold, keep: 0 }).peakBytes
    let most = FEW
    while (peak(2 * most) > peak(most)) most *= 2
    this.places = [
      ...Array.from({ length: most }, (_, hold) => ({ hold, keep: 0 })),
      ...Array.from({ length: segments }, (_, keep) => ({ hold: most, keep })),
    ]
  }

  at({ hold, keep }: Place): Point {
    const name = `${hold} ${keep}`
    const known = this.known.get(name)
    if (known) return known
    const found = this.plan({ hold, keep })
    const { peak } = plannedMemory(this.device, found)
    const point = { hold, keep, peakBytes: peak, products: productsIn(found) }
    this.known.set(name, point)
    return point
  }

  /** The last point that fits into so many bytes. */
  fitting(budget: number): Point | undefined {
    let [fits, beyond] = [-1, this.places.length]
    while (beyond - fits > 1) {
      const middle = (fits + beyond) >> 1
      if (this.at(this.places[middle]).peakBytes <= budget) fits = middle
      else beyond = middle
    }
    return fits < 0 ? undefined : this.at(this.places[fits])
  }
}
