/**
 * FA-INR (arXiv 2506.06858): a surrogate of a simulation, the value of a field at a coordinate for a parameter of the
 * simulation. Experts, chosen by place, read banks of learned keys and values, which the parameter adapts. Beside it stand
 * the same network without banks and a plain coordinate network, each with as many parameters.
 */
import { AdamW, compile, f32, grad, learningRate, randomUniform, read, type Tensor, tensor } from 'rmaat'
import { type Example, mean, type Run, spread } from '../gallery.ts'
import { type Net, nets, network } from './model.ts'

/** From 0 to 1: a smooth background and three patches of fine waves, which move with the parameter: c [P, R, 2], x [P]. */
function fieldAt(c: Tensor, x: Tensor): Tensor {
  const [a, b, p] = [c.select(-1, 0), c.select(-1, 1), x.unsqueeze(-1)]
  let value = p.add(a).mul(2).sin().mul(b.mul(1.5).cos()).mul(0.2).add(0.5)
  for (const patch of [0, 1, 2]) {
    const angle = p.mul(1.5).add((2 * Math.PI * patch) / 3)
    const [across, up] = [a.sub(angle.cos().mul(0.55)), b.sub(angle.sin().mul(0.55))]
    const distance = across.square().add(up.square())
    const wave = a.mul(22 * Math.cos(2 * patch)).add(b.mul(22 * Math.sin(2 * patch)))
    value = value.add(wave.add(p.mul(6)).sin().mul(distance.div(-0.045).exp()).mul(0.25))
  }
  return value
}

/** Parameters x of which the networks learn, and those between them. */
const KNOWN = tensor(Array.from({ length: 12 }, (_, i) => i / 11))
const UNSEEN = tensor(Array.from({ length: 11 }, (_, i) => (i + 0.5) / 11))
/** 40 x 40 points. */
const PLACES = tensor(
  Array.from({ length: 3200 }, (_, i) => (i % 2 ? (i >> 1) % 40 : Math.floor(i / 80)) / 20 - 0.975),
  [1, 1600, 2],
)
const placesFor = (x: Tensor): Tensor => PLACES.broadcastTo([x.shape[0], 1600, 2])

/** 10 log10(1 / mean squared error) in decibels, for a field from 0 to 1. */
const psnr = (error: number): number => -10 * Math.log10(error)

async function learn({ device, progress }: Run, net: Net, seed: number, steps: number) {
  const { parameters, valueAt } = network(device, net, seed)
  const errorAt = (c: Tensor, x: Tensor) => valueAt(c, x).sub(fieldAt(c, x)).square().mean()
  const optimizer = new AdamW(parameters, { rate: 3e-3, decay: 0 })
  const step = compile(device, { rate: f32() }, ({ rate }) => {
    const c = randomUniform([KNOWN.shape[0], 48, 2], { seed, site: 1, step: optimizer.steps }).mul(2).sub(1)
    const loss = errorAt(c, KNOWN)
    return { loss, updates: optimizer.update(parameters.flat(grad(loss, parameters.list)), rate) }
  })
  for (let i = 1; i <= steps; i++) {
    const rate = learningRate(i, { schedule: 'cosine', rate: 3e-3, steps, warmUp: 0.05, floor: 0 })
    const { loss } = await step.run({ rate: [rate] })
    if (i % 200 === 0) progress(`${net}, seed ${seed}: step ${i} of ${steps}, ${psnr(loss).toFixed(1)} dB`)
  }
  const errors = await read(device, ...[KNOWN, UNSEEN].map((x) => errorAt(placesFor(x), x).reshape([1])))
  step.close()
  const [known, unseen] = errors.map(([error]) => psnr(error))
  return { known, unseen, parameters: parameters.count }
}

async function run(given: Run) {
  const { seeds, steps } = given.short ? { seeds: [0], steps: 80 } : { seeds: [0, 1, 2], steps: 2000 }
  const found: Record<Net, Awaited<ReturnType<typeof learn>>[]> = { bank: [], 'no bank': [], plain: [] }
  for (const net of nets) for (const seed of seeds) found[net].push(await learn(given, net, seed, steps))
  const which = ['known', 'unseen'] as const
  const of = (net: Net, one: 'known' | 'unseen') => found[net].map((result) => result[one])
  const gains = which.map((one) => (mean(of('bank', one)) - mean(of('plain', one))).toFixed(1))
  // what a network that knows neither place nor parameter would say
  const [deviation] = await read(given.device, fieldAt(placesFor(KNOWN), KNOWN).std().reshape([1]))
  const [constant, above] = [psnr(deviation[0] ** 2), given.short ? 5 : 15]
  const least = Math.min(...nets.map((net) => mean(of(net, 'known'))))
  const titles = { bank: 'experts with banks (FA-INR)', 'no bank': 'experts alone', plain: 'coordinate network' }
  return {
    columns: ['network', 'parameters', 'PSNR in dB, known x', 'PSNR in dB, x between'],
    rows: [
      ...nets.map((net) => [titles[net], found[net][0].parameters, ...which.map((one) => spread(of(net, one), 1))]),
      ['banks above the coordinate network', '', ...gains],
    ],
    acceptance: [
      {
        claim: `each is at least ${above} dB above the best constant (${constant.toFixed(1)} dB) where it learned`,
        measured: `${least.toFixed(1)} dB, the least of them`,
        holds: least >= constant + above,
      },
    ],
  }
}

export default {
  title: 'FA-INR',
  minutes: 3,
  claim: 'a memory bank that the parameter adapts gives higher fidelity with fewer parameters',
  run,
} satisfies Example
