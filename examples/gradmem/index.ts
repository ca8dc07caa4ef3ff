/**
 * GradMem-style memory (after arXiv 2603.13875): the memory vectors of a context are written at test time, by a few steps of
 * gradient descent on how well they reconstruct it; the weights, the first memory and the rate are trained through those
 * steps. The context is read segment by segment, so that both gradients are memory replay: a gradient of a replayed gradient.
 */
import { compile, grad, learningRate, openDevice, plan, type Tensor } from 'rmaat'
import { type Example, mean, type Outcome, Random, type Run, spread } from '../gallery.ts'
import { accuracy, learn } from '../learn.ts'
import { reader, type Writing } from './model.ts'

/** Trained on so many segments; tested on as many as `lengths` says. */
const TRAINED = 4
const full = { rows: 32, steps: 1000, batches: 20, seeds: [1, 2, 3], lengths: [4, 8, 16, 32] }
const short = { rows: 32, steps: 100, batches: 4, seeds: [1], lengths: [4, 8] }

const descent = (count: number): Writing => ({ by: 'descent', count })
const passes = (count: number): Writing => ({ by: 'passes', count })
/** How memory is written in a training, and in its tests. */
const trainings: readonly { readonly trained: Writing; readonly tests: Readonly<Record<string, Writing>> }[] = [
  {
    trained: descent(2),
    tests: { '2 steps': descent(2), '2 steps, tested with none': descent(0), '2 steps, tested with 4': descent(4) },
  },
  { trained: descent(1), tests: { '1 step': descent(1) } },
  { trained: passes(1), tests: { 'forward, 1 pass': passes(1) } },
  { trained: passes(2), tests: { 'forward, 2 passes': passes(2) } },
]

const unrolled: Writing = { ...descent(2), unroll: true }
/** The gradient of the loss of answers by all weights, through whatever writes the memory. */
function outer({ parameters, problem }: ReturnType<typeof reader>, segments: number) {
  const gradient = (given: Readonly<Record<string, Tensor>>, writing: Writing): Tensor => {
    const loss = problem(segments, writing).logits(given).crossEntropy(given.labels).mean()
    return grad(loss, [parameters.variable])[0]
  }
  return { ...problem(segments, descent(2)), gradient }
}

/** The largest difference between the replayed and the unrolled gradient in double precision, in parts of the largest element. */
async function difference(): Promise<number> {
  const device = await openDevice('reference')
  const { inputs, draw, gradient } = outer(reader(device, 2, 1), 5)
  const program = compile(device, inputs, (given) => {
    const [one, other] = [descent(2), unrolled].map((writing) => gradient(given, writing))
    return { apart: one.sub(other).abs().max(), largest: other.abs().max() }
  })
  const { apart, largest } = await program.run(draw(new Random(1)))
  device.close()
  return apart / largest
}

async function run({ device, short: isShort, progress }: Run): Promise<Outcome> {
  const { rows, steps, batches, seeds, lengths } = isShort ? short : full
  const apart = await difference()
  const untrained = reader(device, rows, 1)
  // bytes of the gradient's intermediate results, by the plan; of them what loops record
  const [replay, whole, forward] = [descent(2), unrolled, passes(1)].map((writing) =>
    lengths.map((segments) => {
      const { inputs, gradient } = outer(untrained, segments)
      const { memory } = plan(device, inputs, (given) => ({ gradient: gradient(given, writing) }))
      return { recorded: 4 * memory.replay, rest: 4 * (memory.arena - memory.replay) }
    }),
  )
  device.delete(untrained.parameters.variable)
  const found = new Map<string, number[][]>() // by name and number of segments, a share for each seed
  for (const seed of seeds)
    for (const { trained, tests } of trainings) {
      const { parameters, problem } = reader(device, rows, seed)
      const schedule = { schedule: 'cosine', rate: 5e-3, steps, warmUp: 0.05, floor: 0.05 } as const
      const rate = (step: number): number => learningRate(step + 1, schedule)
      await learn(device, [parameters.variable], problem(TRAINED, trained), { random: new Random(seed), steps, rate })
      for (const [name, tested] of Object.entries(tests)) {
        const shares = found.get(name) ?? lengths.map(() => [])
        for (const [i, segments] of lengths.entries())
          shares[i].push(await accuracy(device, problem(segments, tested), { random: new Random(1000), batches }))
        found.set(name, shares)
        progress(`seed ${seed}, ${name}: ${shares.map((of) => of.at(-1)!.toFixed(3)).join(' ')}`)
      }
      device.delete(parameters.variable)
    }

  const growth = (of: typeof replay): number => of[of.length - 1].rest / of[0].rest
  const [two, none, , one, pass] = [...found.values()].map(([shares]) => shares)
  const lines = [
    [
      'the gradient through two gradients by replay is the unrolled one, to 1e-12',
      apart.toExponential(1),
      apart < 1e-12,
    ],
    [
      `replay at ${lengths.at(-1)} segments takes what it takes at ${lengths[0]}, but for what it records`,
      `${growth(replay).toFixed(3)} times, unrolled ${growth(whole).toFixed(1)} times`,
      growth(replay) < 1.02,
    ],
    ['two steps recall more than one', `${spread(two)} against ${spread(one)}`, mean(two) > mean(one)],
    [
      'one step recalls more than a forward pass, by 0.1',
      `${spread(one)} against ${spread(pass)}`,
      mean(one) > mean(pass) + 0.1,
    ],
    ['without a step it is chance, 1/16', spread(none), Math.abs(mean(none) - 1 / 16) < 0.03],
  ] as const
  const mebibytes = ({ recorded, rest }: (typeof replay)[0]): string => ((recorded + rest) / 2 ** 20).toFixed(2)
  return {
    columns: ['', ...lengths.map((segments) => `${segments} segments`)],
    rows: [
      ...[...found].map(([name, shares]) => [`recall, ${name}`, ...shares.map((of) => spread(of))]),
      ['MiB by replay, 2 steps', ...replay.map(mebibytes)],
      ['bytes of it recorded', ...replay.map(({ recorded }) => recorded)],
      ['MiB unrolled, 2 steps', ...whole.map(mebibytes)],
      ['MiB by replay, forward, 1 pass', ...forward.map(mebibytes)],
    ],
    acceptance: lines.map(([claim, measured, holds]) => ({ claim, measured, holds })),
  }
}

const claim = 'memory written by gradient steps holds more than what a forward pass writes, and more steps hold more'
export default { title: 'GradMem-style memory', minutes: 4, claim, run } satisfies Example
