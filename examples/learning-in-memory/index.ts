/**
 * What must learning cost? Chen et al. (arXiv 2402.14878) bound the energy of learning in memory: the barrier that keeps a cell's
 * value may be low while updates are large, and must rise as they shrink. Their formulas were not at hand. What stands here is
 * Landauer's bookkeeping, not their bound: (1) the work that it takes to erase a bit, measured on a Brownian particle in a
 * double well, (2) a training of RMAAT, counted in bits written, and what they cost by that and by two ways to set the barrier.
 */
import { compile, type Device, f32, i32, loop, Rmaat, randomUniform, tasks, train, type Update, variable } from 'rmaat'
import { type Example, mean, type Run, spread } from '../gallery.ts'

const LN2 = Math.LN2
/** J at 300 K. */
const KT = 1.380649e-23 * 300

/**
 * The wells, in units of kT and of half their distance: U(x) = BARRIER (x⁴ - 2 g x²) - f x. The barrier goes down (g: 1 to 0),
 * the bottom is tilted (f: 0 to TILT), the barrier rises, the tilt goes: wherever the particle was, it is now on the right.
 */
const [BARRIER, TILT] = [8, 6]
const [PARTICLES, STEPS, DT] = [4096, 500, 0.001]

/** Positions in equilibrium in both wells, one for each of PARTICLES equal parts of the probability exp(-U). */
function equilibrium(): Float32Array {
  const places = Array.from({ length: 4001 }, (_, i) => i / 1000 - 2)
  const sums = [0]
  for (const x of places) sums.push(sums[sums.length - 1] + Math.exp(-BARRIER * (x ** 2 - 1) ** 2))
  let at = 0
  return Float32Array.from({ length: PARTICLES }, (_, i) => {
    while (sums[at + 1] < ((i + 0.5) / PARTICLES) * sums[sums.length - 1]) at++
    return places[at]
  })
}

/** The mean work in kT, by ramps of some durations (in units of half the wells' distance squared / D), and the share erased. */
async function eraser(device: Device) {
  const x = variable(device, [PARTICLES])
  const work = variable(device, [PARTICLES])
  const program = compile(device, { from: i32(), duration: f32(), seed: i32() }, ({ from, duration, seed }) => {
    const { carry } = loop({ count: STEPS, carry: [x, work] }, ([x, work], _, index) => {
      const settings = [0, 1].map((later) => {
        const moment = index.add(from).add(later).cast('f32')
        const quarter = moment.mul(4 * DT).div(duration) // from 0 to 4: which of the four parts
        const g = quarter.neg().add(1).maximum(0).add(quarter.sub(2).clamp(0, 1))
        return { g, f: quarter.sub(1).clamp(0, 1).sub(quarter.sub(3).clamp(0, 1)).mul(TILT) }
      })
      const [before, after] = settings
      // work is what the change of the settings does to the energy at x; heat is what the motion in them does
      const [lowered, tilted] = [before.g.sub(after.g), after.f.sub(before.f)]
      const raised = x.square().mul(lowered)
      const done = raised.mul(2 * BARRIER).sub(x.mul(tilted))
      const pull = x.mul(after.g).sub(x.square().mul(x))
      const force = pull.mul(4 * BARRIER).add(after.f)
      const counter = { seed: 5, step: seed, segment: index.add(from) }
      const [u, v] = [0, 1].map((site) => randomUniform([PARTICLES], { ...counter, site }))
      const length = u.neg().log1p().mul(-2).sqrt()
      const noise = length.mul(v.mul(2 * Math.PI).cos()) // normal, by Box and Muller
      return { carry: [x.add(force.mul(DT)).add(noise.mul(Math.sqrt(2 * DT))), work.add(done)] }
    })
    const updates: Update[] = [[x, carry[0]], [work, carry[1]]] // biome-ignore format: a pair a variable
    return { updates }
  })
  return async (duration: number, seed: number) => {
    device.write(x, equilibrium())
    device.write(work, new Float32Array(PARTICLES))
    for (let from = 0; from < Math.round(duration / DT); from += STEPS) await program.run({ from, duration, seed })
    const [places, works] = [await device.readVariable(x), await device.readVariable(work)]
    return { work: mean(Array.from(works)), right: Array.from(places).filter((x) => x > 0).length / PARTICLES }
  }
}

/** Attempts a second to leave a cell, and for how long and how surely a value is to be kept where the barrier is fixed. */
const [ATTEMPTS, YEARS, SURE] = [1e12, 10 * 365.25 * 86400, 1e-9]
/** A second between updates of a weight, as an assumption. */
const BETWEEN = 1e-3

/** Trains RMAAT on temporal order and keeps books: bits of its weights, as float32, that were written, changed, or needed. */
async function books(device: Device, steps: number, progress: Run['progress']) {
  const task = tasks.order({ segments: 4, segmentLength: 8 })
  const { vocabulary, classes, segments, segmentLength } = task
  const sizes = { segments, segmentLength, memory: 4, width: 32, heads: 4, layers: 1 }
  const model = new Rmaat(device, { ...sizes, vocabulary, classes })
  const { count, variable: weights } = model.parameters
  let [before, changed, needed, ramped, last] = [Float32Array.from(await device.readVariable(weights)), 0, 0, 0, 0]
  const training = train(model, task, { steps, rate: 3e-3, checkpoint: () => true })
  for await (const event of training) {
    if (event.kind !== 'checkpoint') continue
    const after = Float32Array.from(event.state.parameters)
    const [old, fresh] = [new Int32Array(before.buffer), new Int32Array(after.buffer)]
    for (let i = 0; i < count; i++) for (let bits = old[i] ^ fresh[i]; bits; bits &= bits - 1) changed++
    // root mean squares: the size of an update against the range of the weights says how many bits it needs
    const range = 4 * Math.sqrt(mean(Array.from(after, (w) => w ** 2)))
    const update = Math.sqrt(mean(Array.from(after, (w, i) => (w - before[i]) ** 2)))
    const bits = Math.log2(range / update)
    // a barrier of E kT is crossed with the chance ATTEMPTS t exp(-E): by then flipped bits may add as much noise as the update
    last = Math.log((ATTEMPTS * BETWEEN * 4) / 3) + 2 * Math.log(range / update)
    needed += count * bits
    ramped += count * bits * last
    before = after
    if (event.state.step % 100 === 0) progress(`RMAAT, step ${event.state.step} of ${steps}`)
  }
  return { count, written: 32 * count * steps, changed, needed, ramped, last }
}

const entropy = (p: number): number => (p > 0 && p < 1 ? -p * Math.log(p) - (1 - p) * Math.log(1 - p) : 0)

async function run({ device, short, progress }: Run) {
  const durations = short ? [2, 8, 16] : [1, 2, 4, 8, 16, 32, 64, 128]
  const seeds = short ? [0] : [0, 1, 2]
  const erase = await eraser(device)
  const rows: string[][] = []
  const ramps: { duration: number; work: number; least: number }[] = []
  for (const duration of durations) {
    progress(`erasing ${PARTICLES} bits in ${duration}`)
    const works: number[] = []
    const rights: number[] = []
    for (const seed of seeds) {
      const found = await erase(duration, seed)
      works.push(found.work)
      rights.push(found.right)
    }
    const [work, right] = [works, rights].map(mean)
    // where some bits come out wrong, less is erased: kT (ln 2 - their entropy) is the least
    ramps.push({ duration, work, least: LN2 - entropy(right) })
    rows.push(['erasing a bit', `ramp of ${duration}`, spread(works, 3), `${(100 * right).toFixed(2)} % right`])
  }
  const of = await books(device, short ? 60 : 1000, progress)
  const fixed = Math.log((ATTEMPTS * YEARS) / SURE)
  const kept = (bits: number, what: string, each: number): void => {
    const how = `${bits.toExponential(2)} bits ${what}`
    rows.push(['a training', how, each.toFixed(3), `${(bits * each * KT).toExponential(2)} J`])
  }
  kept(of.written, 'written, at kT ln 2', LN2)
  kept(of.changed, 'that changed, at kT ln 2', LN2)
  kept(of.needed, 'that updates need, at kT ln 2', LN2)
  kept(of.written, 'written, over a barrier for ten years', fixed)
  kept(of.needed, 'needed, over a barrier for ten years', fixed)
  kept(of.needed, `needed, over a barrier that rises with them to ${of.last.toFixed(1)} kT`, of.ramped / of.needed)
  const slow = ramps[ramps.length - 1]
  // work = limit + price / duration, through the two slowest
  const fast = ramps[ramps.length - 2]
  const limit = (slow.work * slow.duration - fast.work * fast.duration) / (slow.duration - fast.duration)
  return {
    columns: ['what', 'how', 'kT a bit', 'in all'],
    rows,
    acceptance: [
      {
        claim: 'no ramp takes less than erasing must',
        measured: ramps.map(({ work, least }) => (work - least).toFixed(3)).join(', ') + ' kT above it',
        holds: ramps.every(({ work, least }) => work > least),
      },
      {
        claim: 'the slower, the less, towards kT ln 2 = 0.693 kT',
        measured: `${slow.work.toFixed(3)} kT, ${limit.toFixed(3)} by the line in 1 / duration`,
        holds: ramps.every(({ work }, i) => i === 0 || work < ramps[i - 1].work) && Math.abs(limit - LN2) < 0.1,
      },
    ],
  }
}

export default {
  title: 'Energy of learning in memory',
  minutes: 2,
  claim: 'learning costs least where the barrier of each memory cell follows the size of its updates',
  run,
} satisfies Example
