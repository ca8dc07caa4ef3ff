// What a user writes in TypeScript: compiled in the project, never run.
import * as rmaat from 'rmaat'
import {
  AdamW,
  compile,
  f32,
  grad,
  i32,
  openDevice,
  Rmaat,
  RmaatError,
  type Tensor,
  tasks,
  train,
  variable,
} from 'rmaat'

export const names: readonly string[] = Object.keys(rmaat)

const mask = (x: Tensor): Tensor => rmaat.where(x.greater(0), x.softmax(), 0).sum(-1, true)

export async function main(): Promise<number[]> {
  const device: rmaat.Device = await openDevice('auto', { threads: 2, instructionSet: 'simd' })
  const w = variable(device, [3, 1], { init: 'normal', seed: 1 })
  const optimizer = new AdamW([w], { decay: 0.1, rate: 0.1 })
  const step = compile(device, { x: f32(64, 3), y: i32(64, 1) }, ({ x, y }) => {
    const loss = mask(x.matmul(w)).sub(y.cast('f32')).square().mean()
    return { loss, updates: optimizer.update(grad(loss, [w])) }
  })
  const losses: number[] = [(await step.run({ x: new Float32Array(192), y: new Int32Array(64) })).loss]
  const task = tasks.cue({ segments: 2 })
  const model = new Rmaat(device, { segments: 2, vocabulary: task.vocabulary, classes: task.classes })
  for await (const event of train(model, task, { steps: 2, signal: new AbortController().signal }))
    if (event.kind === 'step') losses.push(event.loss)
  // @ts-expect-error: types are there, and not any
  if (task.vocabulary === 'seven') throw new RmaatError('config', 'never')
  return losses
}
