import { compile, type Device, grad, SGD, type Shape, type Tensor } from '../src/index.ts'
import { numbers } from './operands.ts'
import type { Prepared } from './peers/peer.ts'

/** Sequences, their tokens, their width; and the width within the feed-forward network. */
export const [BATCH, TOKENS, WIDTH, INNER] = [8, 528, 64, 128]
export const RATE = 0.05
export const EPSILON = 1e-5

/** The shapes of a block's parameters. */
const shapes = {
  gain1: [WIDTH],
  bias1: [WIDTH],
  query: [WIDTH, WIDTH],
  key: [WIDTH, WIDTH],
  value: [WIDTH, WIDTH],
  out: [WIDTH, WIDTH],
  gain2: [WIDTH],
  bias2: [WIDTH],
  up: [WIDTH, INNER],
  upBias: [INNER],
  down: [INNER, WIDTH],
  downBias: [WIDTH],
} as const
export type ParameterName = keyof typeof shapes

/** An array of a library that is compared. */
export interface Values {
  readonly shape: number[]
  readonly values: Float32Array<ArrayBuffer>
}

/**
 * What a step trains: blocks of pre-norm linear attention (one head; elu + 1) and feed-forward network (relu), the mean squared
 * error against `y`, and SGD. All libraries begin with the same values.
 */
export interface Blocks {
  /** [BATCH, TOKENS, WIDTH] */
  readonly x: Values
  readonly y: Values
  readonly parameters: readonly Readonly<Record<ParameterName, Values>>[]
}

export function blocks(count: number): Blocks {
  let seed = 0
  const random = (shape: readonly number[], scale: number): Values => {
    const size = shape.reduce((a, b) => a * b, 1)
    return { shape: [...shape], values: numbers(size, ++seed).map((value) => value * scale) }
  }
  const whole = [BATCH, TOKENS, WIDTH]
  const parameter = ([name, shape]: [string, readonly number[]]): [string, Values] => {
    if (shape.length > 1) return [name, random(shape, 1 / Math.sqrt(shape[0]))]
    return [name, { shape: [...shape], values: new Float32Array(shape[0]).fill(name.startsWith('gain') ? 1 : 0) }]
  }
  const parameters = Array.from({ length: count }, () => Object.fromEntries(Object.entries(shapes).map(parameter)))
  return { x: random(whole, 1), y: random(whole, 1), parameters: parameters as unknown as Blocks['parameters'] }
}

/** The same for each parameter of a block. */
export const each = <From, To>(
  one: Readonly<Record<ParameterName, From>>,
  make: (value: From, name: ParameterName) => To,
) =>
  Object.fromEntries(
    Object.entries(one).map(([name, value]) => [name, make(value as From, name as ParameterName)]),
  ) as Record<ParameterName, To>

/** A block in our own words. x [B, N, D] -> [B, N, D]. */
function block(x: Tensor, p: Readonly<Record<ParameterName, Tensor>>): Tensor {
  const h = x.normalize(EPSILON).mul(p.gain1).add(p.bias1)
  const q = h.matmul(p.query).elu().add(1)
  const k = h.matmul(p.key).elu().add(1)
  const context = k.transpose([0, 2, 1]).matmul(h.matmul(p.value)) // [B, D, D]
  const sums = q.mul(k.sum(1, true)).sum(-1, true) // [B, N, 1]
  const attended = x.add(q.matmul(context).div(sums).matmul(p.out))
  const inner = attended.normalize(EPSILON).mul(p.gain2).add(p.bias2).matmul(p.up).add(p.upBias).relu()
  return attended.add(inner.matmul(p.down)).add(p.downBias)
}

/** Our step on a device. `run` trains once; `result` trains once and yields the loss before. */
export function ours(device: Device, { x, y, parameters }: Blocks): Prepared & { readonly close: () => void } {
  const variable = ({ shape, values }: Values) => device.variable(shape as Shape, 'f32', values)
  const [input, target] = [x, y].map(variable)
  const weights = parameters.map((one) => each(one, variable))
  const all = weights.flatMap((one) => Object.values(one))
  const optimizer = new SGD(all, { rate: RATE })
  const program = compile(device, {}, () => {
    const loss = weights.reduce<Tensor>(block, input).sub(target).square().mean()
    return { loss, updates: optimizer.update(grad(loss, all)) }
  })
  return {
    run: () => program.run({}),
    result: async () => (await program.arrays({})).loss as Float32Array,
    close: () => {
      program.close()
      for (const one of [input, target, ...all, ...optimizer.state]) device.delete(one)
    },
  }
}
