// RMAAT's training step: ours and PyTorch's, by replay and by backpropagation through time, on two threads.
import { type Device, type Method, openDevice } from '../../src/index.ts'
import { kernelTimes } from '../kernels.ts'
import type { Pytorch, Way } from '../peers/pytorch.ts'
import { race } from '../race.ts'
import { type Finding, millisecondsOf, type Suite } from '../report.ts'
import { beside, listops, text, trainer, type Workload } from '../training.ts'

const ROUNDS = 11
const THREADS = 2
const methods = ['bptt', 'amrb'] as const
/** Steps whose losses must agree, and how far: 1e-4 of the loss. */
const CHECKED = 3
const LIMIT = 1e-4

export const steps: Suite = {
  name: 'steps',
  title: "RMAAT's training step, batch 32, beside PyTorch's on two threads",
  async *run() {
    const device = await openDevice('wasm', { threads: THREADS })
    // replay computes every segment but the last once more: the forward pass is a third of a step
    yield* compareSteps(device, listops, 1.27)
    yield* compareSteps(device, text, 1.3)
    device.close()

    const alone = await openDevice('wasm', { threads: 1 })
    for (const method of methods) {
      yield { kind: 'remark', text: `${listops.name} by ${method}, kernel by kernel on one thread:` }
      const one = trainer(alone, listops, method)
      yield* kernelTimes(one)
      one.close()
    }
    alone.close()
  },
}

async function* compareSteps(device: Device, workload: Workload, replayLimit: number): AsyncGenerator<Finding> {
  const ours = { bptt: trainer(device, workload, 'bptt'), amrb: trainer(device, workload, 'amrb') }
  const pytorch = await beside(device, workload).catch((error: Error) => error)
  const isThere = !(pytorch instanceof Error)
  if (isThere) {
    for (const method of methods) yield await agreement(workload, method, ours[method].step, pytorch)
  } else yield { kind: 'remark', text: pytorch.message }

  const times = await race(
    methods.flatMap((method) => [
      { name: method, run: ours[method].step },
      ...(isThere ? waysOf(method).map((way) => ({ name: `pytorch ${way}`, run: () => pytorch.step(way) })) : []),
    ]),
    ROUNDS,
  )
  const milliseconds = (name: string): string => millisecondsOf(times.of(name))
  for (const method of isThere ? methods : []) {
    for (const way of waysOf(method)) {
      yield {
        kind: 'ratio',
        name: `${workload.name}, ${method}: our time over PyTorch's${way === method ? '' : ', shortened'}`,
        value: times.ratio(method, `pytorch ${way}`),
        unit: 'times',
        ...(way === method ? { target: { atMost: 1 } } : {}),
        note: `${milliseconds(method)} over ${milliseconds(`pytorch ${way}`)}`,
      }
    }
  }
  yield {
    kind: 'ratio',
    name: `${workload.name}: our amrb over our bptt`,
    value: times.ratio('amrb', 'bptt'),
    unit: 'times',
    target: { atMost: replayLimit },
    note: `${milliseconds('amrb')} over ${milliseconds('bptt')}`,
  }
  for (const { close } of Object.values(ours)) close()
  if (isThere) await pytorch.close()
}

const waysOf = (method: Method): Way[] => [method, `${method} shortened`]

/** @throws Error where the losses of the first steps part */
async function agreement(
  { name }: Workload,
  method: 'bptt' | 'amrb',
  step: () => Promise<number>,
  pytorch: Pytorch,
): Promise<Finding> {
  let worst = 0
  for (let i = 1; i <= CHECKED; i++) {
    const found = await step()
    for (const way of waysOf(method)) {
      const expected = await pytorch.step(way)
      worst = Math.max(worst, Math.abs(found / expected - 1))
      if (!(worst <= LIMIT)) throw new Error(`${name}, ${way}, step ${i}: our loss ${found}, PyTorch's ${expected}`)
    }
  }
  const text = `${name}, ${method}: ${CHECKED} losses agree to ${worst.toExponential(1)} with ${pytorch.description}`
  return { kind: 'remark', text }
}
