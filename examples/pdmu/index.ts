/**
 * Parallel delayed memory units (Sun et al. 2025, arXiv 2512.01626, whose method was not readable: this is PDMU-style): a frozen
 * Legendre memory holds the last θ steps, and a delay gate says when what is there now is delivered. All steps at once, as a
 * product with the memory's impulse response and one with the gate's matrix.
 * Axes: B batch, N steps, C channels, d the order of a memory, H hidden, n the longest delay + 1.
 */
import * as nn from 'rmaat'
import { compile, concat, einsum, f32, grad, iota, type Tensor, tensor, where } from 'rmaat'
import { type Example, mean, type Outcome, type Run, spread } from '../gallery.ts'

const [SYMBOLS, CHANNELS, MIXED, WEIGHTS, BATCH, TESTS, WINDOW] = [8, 8, 32, 8000, 64, 2048, 64]
/** `order` is d, θ = n = `delays`, but θ = WINDOW in the reconstruction by `orders`; the cue stands `lag` steps before the symbol. */
const full = { delays: 12, order: 9, lag: 3, steps: 2000, seeds: [1, 2, 3], orders: [4, 8, 16] }
const short: typeof full = { delays: 8, order: 6, lag: 2, steps: 400, seeds: [1], orders: [16] }
const kinds = { both: 'memory and gate', memory: 'memory alone', gate: 'gate alone' } as const
type Kind = keyof typeof kinds
const keys = Object.keys(kinds) as Kind[]

/**
 * A window of θ steps in d Legendre polynomials, θ m' = A m + B u (Voelker et al. 2019) with u held over a step: what m is after
 * an impulse of one step, at each of the steps from then on, [steps, d].
 */
function impulseResponse(d: number, theta: number, steps: number): number[] {
  /** The derivative of [m, u]. */
  const slope = (state: readonly number[]): number[] =>
    state.map((_, i) => {
      const sign = (j: number) => (j === d ? (-1) ** i : i < j ? -1 : (-1) ** (i - j + 1))
      return i === d ? 0 : ((2 * i + 1) / theta) * state.reduce((sum, x, j) => sum + sign(j) * x, 0)
    })
  let state = Array.from({ length: d + 1 }, (_, i) => Number(i === d))
  return Array.from({ length: steps }, () => {
    let term = state
    // the series of the matrix exponential
    for (let k = 1; k <= 80; k++) {
      term = slope(term).map((x) => x / k)
      state = state.map((x, i) => x + term[i])
    }
    state[d] = 0
    return state.slice(0, d)
  }).flat()
}

/** Weights of the window's polynomials that read what came `delay` steps ago: P_i(2 delay / θ - 1), [d]. */
function legendre(d: number, delay: number, theta: number): Float64Array {
  const x = (2 * delay) / theta - 1
  const values = Float64Array.from({ length: d }, () => 1)
  for (let i = 1; i < d; i++) values[i] = i === 1 ? x : ((2 * i - 1) * x * values[i - 1] - (i - 1) * values[i - 2]) / i
  return values
}

/** The memories of u [B, N, C] at every step: [B, N, C, d]. */
function remember(u: Tensor, d: number, theta: number): Tensor {
  const steps = u.shape[1]
  const response = impulseResponse(d, theta, steps)
  // what was put in at step s, seen at step t: [N, N, d]
  const matrix = Float64Array.from({ length: steps * steps * d }, (_, at) => {
    const lag = Math.floor(at / d / steps) - (Math.floor(at / d) % steps)
    return lag < 0 ? 0 : response[lag * d + (at % d)]
  })
  return einsum('bsc,tsi->btci', u, tensor(matrix, [steps, steps, d]))
}

/** h [B, N, H] delivered as gates [B, N, n] say: y_t = h_t + the sum over j of gate_{t-j}[j] h_{t-j}. */
function deliver(h: Tensor, gates: Tensor): Tensor {
  const [rows, steps, delays] = gates.shape
  // row s moves s columns to the right, as rows of N + 1 read as rows of N do; what wraps around is below the diagonal
  const rest = nn.zeros([rows, steps, steps + 1 - delays])
  const cells = steps * steps
  const moved = concat([gates, rest], -1).reshape([rows, -1]).narrow(1, 0, cells)
  return h.add(einsum('bst,bsh->bth', moved.reshape([rows, steps, steps]).triu(), h))
}

/** A signal of frequencies up to 0.03 a step, decoded from its memory after delays: the error in parts of the signal. */
async function reconstruct(device: nn.Device, d: number, seed: number): Promise<number[]> {
  const [steps, sines, turn] = [4 * WINDOW, 40, 2 * Math.PI]
  const phase = nn.randomUniform([sines, 1], { seed, site: 1 })
  const pace = nn.randomUniform([sines, 1], { seed, site: 2 }).mul(0.03)
  /** What it was `delay` steps before each step, [N]. */
  const signal = (delay: number): Tensor => {
    const cycles = iota([sines, steps], 1).cast('f32').sub(delay).mul(pace).add(phase)
    return cycles.mul(turn).sin().mean(0)
  }
  const memory = remember(signal(0).reshape([1, steps, 1]), d, WINDOW).reshape([steps, d])
  const errors = [WINDOW / 4, WINDOW / 2, WINDOW].map((delay) => {
    const decoded = memory.matmul(tensor(legendre(d, delay, WINDOW), [d]))
    // a value is held over its step: on average it is half a step old
    const [found, wanted] = [decoded, signal(delay - 0.5)].map((x) => x.narrow(0, 2 * WINDOW))
    return found.sub(wanted).square().mean().div(wanted.square().mean()).sqrt()
  })
  return (await nn.read(device, ...errors)).map(([error]) => error)
}

/** A symbol at every step, one of them due again after a delay, which a cue tells some steps before: inputs and answers. */
function recallTask(rows: number, { delays, lag }: typeof full, source: nn.RandomSource) {
  const steps = 2 * delays
  const draws = nn.randomUniform([rows, steps + 2], source)
  const below = (most: number, of: Tensor): Tensor => of.mul(most).floor().cast('i32')
  const symbols = below(SYMBOLS, draws.narrow(1, 0, steps)) // [B, N]
  const from = below(delays - lag, draws.narrow(1, steps, steps + 1)).add(lag) // [B, 1]
  const delay = below(delays - 1, draws.narrow(1, steps + 1)).add(1) // [B, 1]
  const place = iota([rows, steps], 1)
  const cue = delay.oneHot(delays).mul(place.equal(from.sub(lag)).cast('f32').unsqueeze(-1)) // [B, N, n]
  const due = place.equal(from.add(delay)) // [B, N]
  const wanted = symbols.mul(place.equal(from)).sum(1, true) // [B, 1]
  return { x: concat([symbols.oneHot(SYMBOLS), cue], -1), answers: where(due, wanted, SYMBOLS), due: due.cast('f32') }
}

function model(device: nn.Device, kind: Kind, { delays, order }: typeof full, seed: number) {
  const inputs = SYMBOLS + delays
  const seen = kind === 'gate' ? inputs : inputs + CHANNELS * order
  const outputs = MIXED + (kind === 'memory' ? 0 : delays)
  const others = (seen + 1) * outputs + (kind === 'gate' ? 0 : (inputs + 1) * CHANNELS)
  // as many weights for all
  const hidden = Math.round((WEIGHTS - others) / (seen + 1 + MIXED))
  const tree = {
    ...(kind !== 'gate' && { put: nn.linearParameters(inputs, CHANNELS) }),
    ...(kind !== 'memory' && { gate: nn.linearParameters(seen, delays) }),
    content: nn.linearParameters(seen, hidden),
    mix: nn.linearParameters(hidden + seen, MIXED),
    head: nn.linearParameters(MIXED, SYMBOLS + 1),
  }
  const parameters = new nn.Parameters(device, tree, seed)
  const { put, gate, content, mix, head } = parameters.tensors
  /** x [B, N, symbols + n] -> [B, N, symbols + 1], the last of them for nothing due */
  const logitsOf = (x: Tensor): Tensor => {
    const memory = put && remember(nn.linear(x, put), order, delays).reshape([...x.shape.slice(0, 2), -1])
    const seen = memory ? concat([x, memory], -1) : x
    const h = nn.linear(seen, content).relu()
    const y = gate ? deliver(h, nn.linear(seen, gate).softmax()) : h
    return nn.linear(nn.linear(concat([y, seen], -1), mix).relu(), head)
  }
  return { parameters, logitsOf }
}

/** Trains a model: the share of symbols recalled when due, of the other steps without an answer, and its weights. */
async function learn({ device, progress }: Run, kind: Kind, sizes: typeof full, seed: number): Promise<number[]> {
  const { parameters, logitsOf } = model(device, kind, sizes, seed)
  const optimizer = new nn.AdamW(parameters)
  const answer = (rows: number, source: nn.RandomSource) => {
    const { x, answers, due } = recallTask(rows, sizes, source)
    const logits = logitsOf(x)
    const sides = [due, due.neg().add(1)]
    const over = (of: Tensor) => sides.map((side) => of.mul(side).sum().div(side.sum()))
    return { losses: over(logits.crossEntropy(answers)), right: over(logits.argmax().equal(answers).cast('f32')) }
  }
  const train = compile(device, { rate: f32() }, ({ rate }) => {
    const [whenDue, otherwise] = answer(BATCH, { seed, site: 1, step: optimizer.steps }).losses
    const loss = whenDue.add(otherwise)
    const { gradient } = nn.clipByNorm(parameters.flat(grad(loss, parameters.list)), 1)
    return { loss, updates: optimizer.update(gradient, rate) }
  })
  const { steps } = sizes
  for (let step = 1; step <= steps; step++) {
    const rate = nn.learningRate(step, { schedule: 'cosine', rate: 5e-3, steps, warmUp: 0.05, floor: 0.05 })
    const { loss } = await train.run({ rate })
    if (step % 500 === 0) progress(`${kinds[kind]}, seed ${seed}, step ${step}: loss ${loss.toFixed(4)}`)
  }
  train.close()
  const shares = await nn.read(device, ...answer(TESTS, { seed: 0, site: 2 }).right)
  return [...shares.map(([share]) => share), parameters.count]
}

async function run(run: Run): Promise<Outcome> {
  const sizes = run.short ? short : full
  /** The columns of what each seed gives. */
  const overSeeds = async (measure: (seed: number) => Promise<number[]>): Promise<number[][]> => {
    const found: number[][] = []
    for (const seed of sizes.seeds) found.push(await measure(seed))
    return found[0].map((_, i) => found.map((of) => of[i]))
  }
  const errors: number[][][] = []
  for (const d of sizes.orders) errors.push(await overSeeds((seed) => reconstruct(run.device, d, seed)))
  const recalls: number[][][] = []
  for (const kind of keys) recalls.push(await overSeeds((seed) => learn(run, kind, sizes, seed)))
  const worst = Math.max(...errors[errors.length - 1].map(mean))
  const [[both], [memory]] = recalls
  return {
    columns: ['', '1/4 window | recalled', '1/2 window | silent else', 'window | weights'],
    rows: [
      ...errors.map((of, i) => [`error of delays, d = ${sizes.orders[i]}`, ...of.map((error) => spread(error, 4))]),
      ...recalls.map((of, i) => [`recall, ${kinds[keys[i]]}`, ...of.map((each, k) => spread(each, k < 2 ? 2 : 0))]),
    ],
    acceptance: [
      { claim: 'delays by d = 16 are off by 0.002 at most', measured: worst.toFixed(4), holds: worst <= 0.002 },
      {
        claim: 'a gate on the memory recalls more than the memory alone with as many weights',
        measured: `${spread(both)} against ${spread(memory)}`,
        holds: mean(both) > mean(memory),
      },
    ],
  }
}

export default {
  title: 'Parallel delayed memory units',
  minutes: 3,
  claim: 'a delay gate on a Legendre memory delivers what is needed when it is needed, for all steps at once',
  run,
} satisfies Example
