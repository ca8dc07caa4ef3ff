/**
 * DynFormer (arXiv 2603.03112) in one dimension: slow scales by attention in a truncated spectrum, fast ones by multiplying
 * that with a pointwise branch. A product of waves has frequencies that neither had; a sum has not.
 */
import { AdamW, clipByNorm, compile, f32, grad, learningRate, loop, randomUniform, read, type Tensor } from 'rmaat'
import { type Example, mean, type Run } from '../gallery.ts'
import { N, trajectories } from './kuramoto-sivashinsky.ts'
import { dynformer, type Mixing, mixings } from './model.ts'

const AHEAD = 10

/** sum (u - v)^2 / sum v^2 over N points, the mean over fields [B, N]. */
const relativeError = (u: Tensor, v: Tensor) => u.sub(v).square().sum(-1).div(v.square().sum(-1)).mean()

/** Learns to follow known fields [frames, rows, N] -> its errors on unseen ones, a frame ahead and ten. */
async function learn({ device, short, progress }: Run, mixing: Mixing, seed: number, known: Tensor, unseen: Tensor) {
  const [[steps, batch], [frames, rows]] = [short ? [150, 8] : [1500, 16], known.shape]
  const { parameters, next } = dynformer(device, mixing, seed)
  const optimizer = new AdamW(parameters, { decay: 1e-4 })
  const step = compile(device, { rate: f32() }, ({ rate }) => {
    const drawn = randomUniform([batch], { seed, site: 1, step: optimizer.steps }).mul((frames - 1) * rows)
    const [at, fields] = [drawn.floor().cast('i32'), known.reshape([frames * rows, N])]
    const loss = relativeError(next(fields.gather(at)), fields.gather(at.add(rows)))
    const { gradient } = clipByNorm(parameters.flat(grad(loss, parameters.list)), 1)
    return { loss, updates: optimizer.update(gradient, rate) }
  })
  for (let i = 1; i <= steps; i++) {
    const rate = learningRate(i, { schedule: 'cosine', rate: 3e-3, steps, warmUp: 0.05, floor: 0 })
    const { loss } = await step.run({ rate: [rate] })
    if (i % 200 === 0) progress(`${mixing}, seed ${seed}: step ${i} of ${steps}, loss ${loss.toExponential(1)}`)
  }
  step.close()
  const { record, carry } = loop({ count: AHEAD, carry: [unseen.select(0, 0)] }, ([u]) => ({ carry: [next(u)] }))
  const found = [
    relativeError(record[0].select(0, 1), unseen.select(0, 1)),
    relativeError(carry[0], unseen.select(0, AHEAD)),
  ]
  return (await read(device, ...found)).map(([error]) => error)
}

async function run(given: Run) {
  const [seeds, size] = given.short
    ? [[0], [16, 40]]
    : [
        [0, 1, 2, 3],
        [64, 100],
      ]
  const [known, unseen] = [
    await trajectories(given.device, size, 1),
    await trajectories(given.device, [64, AHEAD + 1], 2),
  ]
  const stays = [1, AHEAD].map((frame) => relativeError(unseen.select(0, 0), unseen.select(0, frame)))
  const stay = (await read(given.device, ...stays)).map(([error]) => error)
  const rows = [['the frame before (persistence)', ...stay.map((error) => error.toExponential(1))]]
  const errors: Record<string, number> = {}
  for (const mixing of (Object.keys(mixings) as Mixing[]).filter((_, i) => !given.short || i % 3 === 0)) {
    const found: number[][] = []
    for (const seed of seeds) found.push(await learn(given, mixing, seed, known, unseen))
    rows.push([mixing, ...[0, 1].map((i) => found.map((one) => one[i].toExponential(1)).join(', '))])
    errors[mixing] = mean(found.map(([one]) => one))
  }
  const other = given.short ? 'local alone' : 'global + local'
  const [ratio, apart] = [errors['global x local'] / errors[other], errors['local alone'] / stay[0]]
  const lines = [
    { claim: `global x local: at most 0.75 of the error of ${other}`, measured: ratio, holds: ratio <= 0.75 },
    { claim: 'local alone: within a tenth of the frame before', measured: apart, holds: Math.abs(apart - 1) <= 0.1 },
  ]
  const acceptance = lines.map((line) => ({ ...line, measured: line.measured.toFixed(2) }))
  return { columns: ['branches', `a frame ahead, seeds ${seeds}`, 'ten frames ahead'], rows, acceptance }
}

export default {
  title: 'DynFormer',
  minutes: 3,
  claim: 'products of slow and pointwise branches recover the fast scales, sums do not',
  run,
} satisfies Example
