/**
 * Score-based diffusion on noisy resistive memory (Yang et al., arXiv 2404.05648): the weights of the score network are
 * conductances of a crossbar, and a circuit integrates the reverse differential equation through it. A conductance is written
 * with an error, and fluctuates when it is read. Training under the error of writing should let the solver bear it. Here the
 * circuit is Euler's method, the noise that of the authors' simulation, and the data a ring in the plane.
 */
import * as rmaat from 'rmaat'
import { type Example, mean, type Run, spread } from '../gallery.ts'

const { concat, f32, i32, randomUniform } = rmaat
type Tensor = rmaat.Tensor
type Counter = { readonly step: Tensor; readonly segment?: Tensor }

/** The ring: its radius and the deviation from it. The network has two hidden layers of WIDTH. */
const [RADIUS, THICKNESS, WIDTH] = [1, 0.05, 16]
/** beta(t) = FIRST + (LAST - FIRST) t, for t from NEAR to 1; Euler takes STEPS. */
const [FIRST, LAST, NEAR, STEPS] = [0.1, 14, 0.001, 200]
/** Chips that are written anew, and the points that each one draws. */
const [CHIPS, POINTS, BATCH] = [32, 100, 256]

/** Normal numbers by Box and Muller: counted, so that each site of each step has its own. */
function normal(shape: readonly number[], site: number, counter: Counter): Tensor {
  const [u, v] = [0, 1].map((half) => randomUniform(shape, { seed: half, site, ...counter }))
  return u
    .neg()
    .log1p()
    .mul(-2)
    .sqrt()
    .mul(v.mul(2 * Math.PI).cos())
}

/** The device's error: each weight times 1 + e, e normal of a deviation; beyond twice that drawn again, uniformly within. */
function noisy(w: Tensor, deviation: Tensor, site: number, counter: Counter): Tensor {
  const e = normal(w.shape, site, counter)
  const again = randomUniform(w.shape, { seed: 2, site, ...counter })
    .mul(4)
    .sub(2)
  return w.mul(rmaat.where(e.abs().less(2), e, again).mul(deviation).add(1))
}

const beta = (t: Tensor): Tensor => t.mul(LAST - FIRST).add(FIRST)

/** x_t = a x_0 + s z: log a is -1/2 of the integral of beta. */
function mixture(t: Tensor): { a: Tensor; s: Tensor } {
  const a = t
    .square()
    .mul((LAST - FIRST) / -4)
    .sub(t.mul(FIRST / 2))
    .exp()
  return { a, s: a.square().neg().add(1).sqrt() }
}

/** The score at x [..., N, 2] and t [N, 1] or [1, 1] -> [..., N, 2]; the layers' w [..., inputs, outputs], b [..., 1, outputs]. */
function score(x: Tensor, t: Tensor, layers: readonly { w: Tensor; b: Tensor }[]): Tensor {
  // Fourier features of the time, WIDTH of them, are added to what both hidden layers get
  const frequencies = rmaat.tensor(Array.from({ length: WIDTH / 2 }, (_, i) => Math.PI * 1.6 ** i))
  const time = concat([t.mul(frequencies).sin(), t.mul(frequencies).cos()], -1)
  const [first, second, last] = layers.map(
    ({ w, b }) =>
      (y: Tensor) =>
        y.matmul(w).add(b),
  )
  return last(second(first(x).add(time).relu()).add(time).relu()).div(mixture(t).s)
}

const layer = (inputs: number, outputs: number) => ({
  w: rmaat.parameter([inputs, outputs], rmaat.init.he()),
  b: rmaat.parameter([1, outputs], rmaat.init.zeros()),
})

/** Trains a network under write noise of a deviation, 0 for none; returns a sampler that has its weights. */
async function solver(device: rmaat.Device, deviation: number, seed: number, steps: number) {
  const tree = { layers: [layer(2, WIDTH), layer(WIDTH, WIDTH), layer(WIDTH, 2)] }
  const parameters = new rmaat.Parameters(device, tree, seed)
  const { layers } = parameters.tensors
  const optimizer = new rmaat.AdamW(parameters, { decay: 0 })
  const train = rmaat.compile(device, { write: f32(), rate: f32(), draw: i32() }, ({ write, rate, draw }) => {
    const counter = { step: optimizer.steps, segment: draw }
    const uniform = (site: number): Tensor => randomUniform([BATCH, 1], { seed: 3, site, ...counter })
    const angle = uniform(0).mul(2 * Math.PI)
    const radius = normal([BATCH, 1], 10, counter).mul(THICKNESS).add(RADIUS)
    const x = concat([angle.cos(), angle.sin()], 1).mul(radius) // [BATCH, 2]
    const t = uniform(1)
      .mul(1 - NEAR)
      .add(NEAR) // [BATCH, 1]
    const { a, s } = mixture(t)
    const z = normal([BATCH, 2], 11, counter)
    const found = score(x.mul(a).add(z.mul(s)), t, written(layers, write, counter))
    const loss = found.mul(s).add(z).square().mean()
    return { loss, updates: optimizer.update(rmaat.grad(loss, parameters.list), rate) }
  })
  for (let i = 0; i < steps; i++) await train.run({ write: deviation, rate: 0.01 * (1 - i / steps), draw: seed })
  return sampler(device, layers)
}

const written = (layers: readonly { w: Tensor; b: Tensor }[], deviation: Tensor, counter: Counter, from = 0) =>
  layers.map(({ w, b }, i) => ({
    w: noisy(w, deviation, from + 2 * i, counter),
    b: noisy(b, deviation, from + 2 * i + 1, counter),
  }))

/** The reverse equation on CHIPS chips at once -> of each the mean distance of its points from the ring. */
function sampler(device: rmaat.Device, layers: readonly { w: Tensor; b: Tensor }[]) {
  const inputs = { write: f32(), read: f32(), sde: f32(), draw: i32() }
  return rmaat.compile(device, inputs, ({ write, read, sde, draw }) => {
    const many = layers.map(({ w, b }) => ({
      w: w.broadcastTo([CHIPS, ...w.shape]),
      b: b.broadcastTo([CHIPS, ...b.shape]),
    }))
    const chips = written(many, write, { step: draw }, 20)
    const dt = (1 - NEAR) / STEPS
    const first = normal([CHIPS, POINTS, 2], 30, { step: draw })
    const { carry } = rmaat.loop({ count: STEPS, carry: [first] }, ([x], _, index) => {
      const counter = { step: draw, segment: index }
      const t = index.cast('f32').mul(-dt).add(1).reshape([1, 1])
      // backwards in time: dx = 1/2 beta (x + (1 + g²) s) dt + g sqrt(beta dt) z, where g is 1 for the SDE and 0 for the ODE
      const pull = score(x, t, written(chips, read, counter, 40)).mul(sde.add(1))
      const noise = normal([CHIPS, POINTS, 2], 50, counter).mul(beta(t).mul(dt).sqrt()).mul(sde)
      return {
        carry: [
          x
            .add(pull)
            .mul(beta(t))
            .mul(dt / 2)
            .add(x)
            .add(noise),
        ],
      }
    })
    return carry[0].square().sum(-1).sqrt().sub(RADIUS).abs().mean(1) // [CHIPS]
  })
}

const conditions = [
  { name: 'no noise', write: 0, read: 0 },
  { name: 'write 5 %', write: 0.05, read: 0 },
  { name: 'write 10 %', write: 0.1, read: 0 },
  { name: 'read 20 %', write: 0, read: 0.2 },
]

async function run({ device, short, progress }: Run) {
  const [seeds, steps] = short ? [[0], 4000] : [[0, 1, 2], 25000]
  const rows: string[][] = []
  const under: Record<string, number> = {}
  for (const [name, deviation] of Object.entries({ plain: 0, 'noise-aware': 0.1 })) {
    const solvers = []
    for (const seed of seeds) {
      progress(`${name}, seed ${seed}: ${steps} steps of training`)
      solvers.push(await solver(device, deviation, seed, steps))
    }
    for (const [sde, kind] of ['ODE', 'SDE'].entries()) {
      const cells = []
      for (const { name: condition, write, read } of conditions) {
        const errors = []
        for (const [draw, sample] of solvers.entries())
          errors.push(mean(Array.from(await sample.arrays({ write, read, sde, draw }))))
        cells.push(spread(errors, 3))
        under[`${name} ${kind} ${condition}`] = mean(errors)
      }
      rows.push([name, kind, ...cells])
    }
  }
  const [plain, aware] = ['plain', 'noise-aware'].map((name) => under[`${name} ODE write 10 %`])
  const either = Math.max(aware, under['noise-aware SDE write 10 %'])
  const measured = `${aware.toFixed(3)} and ${plain.toFixed(3)}`
  const claim =
    'by the ODE, under 10 % of write noise, the noise-aware one is off by at most 0.8 times what the plain one is'
  return {
    columns: ['training', 'sampler', ...conditions.map(({ name }) => name)],
    rows,
    acceptance: [
      { claim, measured, holds: aware <= 0.8 * plain },
      ...(short
        ? []
        : [
            { claim: 'there the plain one is off by 0.5 or more', measured: plain.toFixed(3), holds: plain >= 0.5 },
            {
              claim: 'the noise-aware one by 0.2 at most, either way',
              measured: either.toFixed(3),
              holds: either <= 0.2,
            },
          ]),
    ],
  }
}

export default {
  title: 'Score diffusion on noisy resistive memory',
  minutes: 1,
  claim: 'trained under the noise of its memory, the solver bears it',
  run,
} satisfies Example
