import { grad } from '../autograd/grad.ts'
import type { Device } from '../program/device.ts'
import { compile } from '../program/program.ts'
import type { ModelConfig } from '../rmaat/config.ts'
import { batchInputs, type Method, Rmaat } from '../rmaat/model.ts'
import { take } from '../tasks/index.ts'
import { batchOf, type Task } from '../tasks/task.ts'
import { modelInputs } from './batch.ts'
import { largest, largestError } from './largest-error.ts'

export interface MethodCost {
  /** Bytes of results and replay buffer that a gradient needs. */
  readonly arena: number
  /** Median time of a gradient. */
  readonly milliseconds: number
}

export interface MethodComparison {
  /** Largest difference between the two gradients, relative to the largest element. */
  readonly difference: number
  readonly amrb: MethodCost
  readonly bptt: MethodCost
}

/** The same gradient of the same batch by memory replay and by backpropagation through time, by turns. */
export async function compareMethods(
  device: Device,
  config: Partial<ModelConfig>,
  task: Task,
  { batch, repetitions }: { batch: number; repetitions: number },
): Promise<MethodComparison> {
  const { model, programs } = device.allOrNothing(() => {
    const model = new Rmaat(device, config)
    const programs = (['amrb', 'bptt'] as const).map((method) => ({
      method,
      times: [] as number[],
      program: compile(device, batchInputs(batch, model.config), (tensors) => {
        const { loss } = model.forward(tensors, { method })
        return { gradient: model.parameters.flat(grad(loss, model.parameters.list)) }
      }),
    }))
    return { model, programs }
  })
  const gradients = new Map<Method, ArrayLike<number>>()
  try {
    const inputs = modelInputs(
      batchOf(take(task.train(0), batch), { ...model.config, batch }),
      model.config,
      model.config.retention,
    )
    for (let repetition = 0; repetition < repetitions; repetition++) {
      for (const { method, program, times } of programs) {
        const begin = performance.now()
        gradients.set(method, (await program.run(inputs)).gradient)
        times.push(performance.now() - begin)
        await new Promise((resolve) => setTimeout(resolve, 0)) // signals and timers get their turn
      }
    }
  } finally {
    for (const { program } of programs) program.close()
    model.close()
  }
  const [amrb, bptt] = programs.map(({ program, times }): MethodCost => {
    times.sort((a, b) => a - b)
    return { arena: program.memory.arena, milliseconds: times[times.length >> 1] }
  })
  const [replayed, unrolled] = [gradients.get('amrb')!, gradients.get('bptt')!]
  return { difference: largestError(replayed, unrolled) / largest(unrolled), amrb, bptt }
}
