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
import type * as engine from 'rmaat/engine'

export const names: readonly string[] = Object.keys(rmaat)
/** One entry holds all of the other. */
export const whole: typeof engine = rmaat

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
  await results(device)
  lists(variable(device, [3]))
  // @ts-expect-error: types are there, and not any
  if (task.vocabulary === 'seven') throw new RmaatError('config', 'never')
  return losses
}

/** What a program gives has the type of what was built. */
async function results(device: rmaat.Device): Promise<void> {
  const specs = { x: f32(2, 3), rate: f32() }
  const program = compile(device, specs, ({ x, rate }) => ({
    rows: x.sum(1),
    loss: x.square().mean().mul(0.5).add(x.max()).sqrt(),
    decayed: rate.mul(0.9),
    mixed: x.mean().add(rate.add(x.sum(0))),
    clipped: rmaat.clipByNorm(x, 1).norm,
    updates: [],
  }))
  const { rows, loss, decayed, mixed, clipped, ...others } = await program.run({ x: [1, 2, 3, 4, 5, 6], rate: 1 })
  const numbers: number[] = [loss, decayed, clipped]
  // @ts-expect-error: an array perhaps
  numbers.push(rows)
  // @ts-expect-error: a scalar and what may have axes
  numbers.push(mixed)
  if (typeof rows === 'number') numbers.push(rows)
  else numbers.push(...rows, rows.length)
  // @ts-expect-error: updates are no result
  others.updates
  const arrays = await program.arrays({ x: [1, 2, 3, 4, 5, 6], rate: 1 })
  numbers.push(...arrays.loss, ...arrays.rows)
  // @ts-expect-error: nothing is called so
  arrays.nothing
  const w: rmaat.Variable = variable(device, [3])
  const mean: number = await w.mean().read()
  const values: number | rmaat.HostArray = await w.mul(2).read()
  // @ts-expect-error: all of it, not its mean
  const wrong: number = await w.read()
  const alone = compile(device, {}, () => w.sum())
  const sum: number = await alone.run({})
  const [first]: Iterable<number> = await alone.arrays({})
  // @ts-expect-error: numbers
  const text: string = sum
  const scalar: rmaat.Scalar = w.sum()
  // @ts-expect-error: it may have axes
  const none: rmaat.Scalar = w.sum(0)
  const [same]: Iterable<rmaat.HostArray> = await rmaat.read(device, scalar)
  console.log(numbers, mean, values, wrong, first, text, none, same)
}

/** Lists that are written out are as long as they are, whether the compiler asks of each element if it is there or not. */
function lists(w: rmaat.Variable): Tensor[] {
  const { carry, outputs, record } = rmaat.loop(
    { count: 2, carry: [w, w], inputs: [rmaat.zeros([2, 3])] },
    ([a, b], [x], index) => ({ carry: [b.add(x), a.mul(index.cast('f32'))], outputs: [a.sum()] }),
  )
  const [last, other]: readonly [Tensor, Tensor] = carry
  const [first]: readonly [Tensor, Tensor] = record
  const [sums]: readonly [Tensor] = outputs
  const [slope]: readonly [Tensor] = grad(last.add(other).sum(), [w])
  // @ts-expect-error: there is no third one
  carry[2]
  // lists of any length
  const all: Tensor[] = [w, w]
  const one: rmaat.LoopOptions = { count: 2, carry: all, inputs: all }
  const step: rmaat.LoopBody = (carry, inputs) => ({ carry: [...carry, ...inputs].slice(0, 2), outputs: carry })
  const more: readonly Tensor[] = rmaat.loop(one, step).outputs
  const { tensors } = new rmaat.Parameters(w.device as rmaat.Device, { layers: [rmaat.linearParameters(3, 3)] }, 0)
  const layer: rmaat.LinearWeights = tensors.layers[0]
  const bare = rmaat.loop({ count: 2, carry: [w] }, ([h]) => ({ carry: [h.exp()] }))
  return [first, sums, slope, layer.w, bare.carry[0], ...more]
}

/** A model of one's own: what it computes with may be named, where the compiler asks whether it is there. */
export function model(device: rmaat.Device): rmaat.Model<{ x: number[]; y: number }> {
  const parameters = new rmaat.Parameters(device, rmaat.linearParameters(3, 1), 0)
  return {
    device,
    parameters,
    layout: (rows) => ({
      inputs: { x: f32(rows, 3), y: f32(rows, 1), weights: f32(rows) },
      values: (examples) => ({
        x: examples.flatMap(({ x }) => x),
        y: examples.map(({ y }) => y),
        weights: examples.map(() => 1 / examples.length),
      }),
    }),
    forward({ x, y, weights }: Record<'x' | 'y' | 'weights', Tensor>, { method, hold, step }) {
      const dropped = rmaat.dropout(x, 0.1, { of: parameters.tensors, step })
      const { carry } = rmaat.loop({ count: 2, carry: [dropped], unroll: method === 'bptt', hold }, ([h]) => ({
        carry: [h.tanh()],
      }))
      return rmaat.numberLoss(rmaat.linear(carry[0], parameters.tensors), y, weights)
    },
  }
}
