import { grad } from '../autograd/grad.ts'
import { largest, largestError } from '../nn/largest-error.ts'
import type { Method } from '../nn/model.ts'
import type { Device } from '../program/device.ts'
import { compile } from '../program/program.ts'
import type { Workload } from './step.ts'

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
  workload: Workload,
  repetitions: number,
): Promise<MethodComparison> {
  const { model, inputs, programs } = device.allOrNothing(() => {
    const { model, examples } = workload.make(device)
    const layout = model.layout(examples.length)
    const programs = (['amrb', 'bptt'] as const).map((method) => ({
      method,
      times: [] as number[],
      program: compile(device, layout.inputs, (tensors) => {
        const { loss } = model.forward(tensors, { method })
        return { gradient: model.parameters.flat(grad(loss, model.parameters.list)) }
      }),
    }))
    return { model, inputs: layout.values(examples), programs }
  })
  const gradients = new Map<Method, ArrayLike<number>>()
  try {
    for (let repetition = 0; repetition < repetitions; repetition++) {
      for (const { method, program, times } of programs) {
        const begin = performance.now()
        gradients.set(method, (await program.arrays(inputs)).gradient)
        times.push(performance.now() - begin)
        await new Promise((resolve) => setTimeout(resolve, 0)) // signals and timers get their turn
      }
    }
  } finally {
    for (const { program } of programs) program.close()
    device.delete(model.parameters.variable)
  }
  const [amrb, bptt] = programs.map(({ program, times }): MethodCost => {
    times.sort((a, b) => a - b)
    return { arena: program.memory.arena, milliseconds: times[times.length >> 1] }
  })
  const [replayed, unrolled] = [gradients.get('amrb')!, gradients.get('bptt')!]
  return { difference: largestError(replayed, unrolled) / largest(unrolled), amrb, bptt }
}
