import { AdamW, compile, type Device, f32, grad, type i32, type Tensor, type Variable } from 'rmaat'
import type { Random } from './gallery.ts'

type Input = ReturnType<typeof i32> | ReturnType<typeof import('rmaat').f32>

/** Sequences whose classes a model tells: shapes of a batch, how one is drawn, and the logits for `labels`, classes last. */
export interface Problem {
  readonly inputs: Readonly<Record<string, Input>> & { readonly labels: Input }
  draw(random: Random): Readonly<Record<string, ArrayLike<number>>> & { readonly labels: ArrayLike<number> }
  logits(inputs: Readonly<Record<string, Tensor>>): Tensor
}

/** Trains these variables by AdamW from its beginning, one program a step; `rate` of the steps, from 0 on. */
export async function learn(
  device: Device,
  variables: readonly Variable[],
  { inputs, draw, logits }: Problem,
  { random, steps, rate }: { readonly random: Random; readonly steps: number; readonly rate: (step: number) => number },
): Promise<void> {
  const optimizer = new AdamW(variables, { decay: 0 })
  const step = compile(device, { ...inputs, rate: f32() }, (given) => {
    const loss = logits(given).crossEntropy(given.labels).mean()
    return { loss, updates: optimizer.update(grad(loss, variables), given.rate) }
  })
  for (let i = 0; i < steps; i++) await step.run({ ...draw(random), rate: rate(i) })
  step.close()
  for (const variable of optimizer.state) device.delete(variable)
}

/** The share of labels that are told right, over so many batches. */
export async function accuracy(
  device: Device,
  { inputs, draw, logits }: Problem,
  { random, batches }: { readonly random: Random; readonly batches: number },
): Promise<number> {
  const test = compile(device, inputs, (given) => ({
    right: logits(given).argmax().equal(given.labels).cast('f32').mean(),
  }))
  let right = 0
  for (let i = 0; i < batches; i++) right += (await test.run(draw(random))).right / batches
  test.close()
  return right
}
