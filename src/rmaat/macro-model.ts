import { anObject, positive, shown, takes } from '../checks.ts'
import { RmaatError } from '../errors.ts'

/** One constant of the macro model: what it is, and whether the paper gives its value or we chose it. */
export interface MacroParameter {
  readonly value: number
  readonly symbol: string
  readonly unit: string
  readonly range: Range
  readonly meaning: string
  readonly source: 'paper' | 'choice'
}

type Range = 'number' | 'number above 0' | 'number of at least 0' | 'whole number above 0'

type Entry = [value: number, symbol: string, unit: string, range: Range, meaning: string]

const from =
  (source: MacroParameter['source']) =>
  (...[value, symbol, unit, range, meaning]: Entry): MacroParameter => ({ value, symbol, unit, range, meaning, source })
const paper = from('paper')
const choice = from('choice')

const parameters = {
  tauNeuron: choice(0.05, 'τ_n', 's', 'number above 0', 'time constant of the neurons'),
  tauSynapse: choice(0.5, 'τ_s', 's', 'number above 0', 'time constant of the synapses (Eq. 1)'),
  /** The paper: seconds. */
  tauShortTerm: choice(5, 'τ_p^s', 's', 'number above 0', 'time constant of short-term plasticity (Eq. 2)'),
  /** The paper: tens of seconds or more, and longer than the short-term one. */
  tauLongTerm: choice(100, 'τ_p^l', 's', 'number above 0', 'time constant of long-term plasticity (Eq. 3)'),
  leakNeuron: choice(1, 'λ', '1', 'number of at least 0', 'decay of the neurons'),
  leakSynapse: choice(1, 'β', '1', 'number of at least 0', 'decay of the synapses (Eq. 1)'),
  leakShortTerm: choice(1, 'γ^s', '1', 'number of at least 0', 'decay of short-term plasticity (Eq. 2)'),
  leakLongTerm: choice(1, 'γ^l', '1', 'number above 0', 'decay of long-term plasticity (Eq. 3)'),
  driveShortTerm: choice(0.5, 'c_κ', '1', 'number of at least 0', 'weight of the synaptic drive in Eq. 2'),
  /** p^s returns to rest between cycles as long as every row of T sums to less than γ^s. */
  coupling: choice(0.08, 'c_T', '1', 'number of at least 0', 'strength of the coupling T between processes (Eq. 2)'),
  scale: choice(1, 'scale', '1/grid step', 'number of at least 0', 'decay of T with distance; 0 couples all alike'),
  stimulus: choice(2, 'b', '1', 'number', 'input of every neuron while the stimulus is on'),
  stimulusDuration: choice(25, 't_on', 's', 'number of at least 0', 'time of stimulus from the start of each cycle'),
  cycleDuration: paper(50, 'τ_cycle', 's', 'number above 0', 'length of a cycle; one cycle stands for one segment'),
  cycles: paper(6, 'cycles', '1', 'whole number above 0', 'how many cycles are simulated'),
  timeStep: choice(0.01, 'dt', 's', 'number above 0', "step of Euler's method"),
  side: paper(3, 'side', '1', 'whole number above 0', 'neurons on each side of the side x side synapses and processes'),
}

/** A value for every constant, in the units of `macroParameters`. */
export type MacroModel = { readonly [Name in keyof typeof parameters]: number }

/** Defaults, symbols, units, ranges and sources, by name. */
export const macroParameters: Readonly<Record<keyof MacroModel, MacroParameter>> = parameters

export const macroDefaults = Object.fromEntries(
  Object.entries(parameters).map(([name, { value }]) => [name, value]),
) as MacroModel

/** Averages over the presynaptic neurons, synapses and processes at a time in seconds. */
export interface MacroState {
  readonly time: number
  readonly neuron: number
  readonly synapse: number
  readonly shortTerm: number
  readonly longTerm: number
}

/** The result of `simulate`. */
export interface Simulation {
  readonly model: MacroModel
  /** From time 0 on, every `sample` seconds. */
  readonly curve: readonly MacroState[]
  /** The end of each cycle, [cycles]. */
  readonly cycleEnds: readonly MacroState[]
  /** The largest p^s that each process reached, [side, side], presynaptic neuron first. */
  readonly shortTermPeak: Float64Array
}

/** Steps of `timeStep` in `seconds`; an error of code `config` where that is not a whole number above 0. */
function wholeSteps(seconds: number, timeStep: number, what: string): number {
  const steps = Math.round(seconds / timeStep)
  if (steps >= 1 && Math.abs(steps * timeStep - seconds) <= 1e-9 * seconds) return steps
  throw new RmaatError('config', `${what} is ${seconds} s: expected a whole number of time steps of ${timeStep} s`)
}

/** `given` over the defaults, checked: an error of code `config` says what was found and what would be right. */
export function macroModel(given: Partial<MacroModel> = {}): MacroModel {
  takes('macro model', { constants: given }, { constants: anObject }, 'config')
  const model: MacroModel = { ...macroDefaults, ...given }
  const fail = (name: string, right: string, found: unknown): never => {
    throw new RmaatError('config', `macro model: ${name} is ${found}: expected ${right}`)
  }
  for (const [name, value] of Object.entries(model)) {
    const range = macroParameters[name as keyof MacroModel]?.range
    if (range === undefined) fail(name, `one of ${Object.keys(macroParameters).join(', ')}`, 'no parameter')
    const fits = {
      number: Number.isFinite(value),
      'number above 0': Number.isFinite(value) && value > 0,
      'number of at least 0': Number.isFinite(value) && value >= 0,
      'whole number above 0': Number.isSafeInteger(value) && value > 0,
    }
    if (!fits[range]) fail(name, `a ${range}`, shown(value))
  }
  const { timeStep, cycleDuration, stimulusDuration } = model
  if (stimulusDuration > cycleDuration) {
    fail('stimulusDuration', `at most cycleDuration, ${cycleDuration} s`, `${stimulusDuration} s`)
  }
  wholeSteps(cycleDuration, timeStep, 'macro model: cycleDuration')
  for (const kind of ['Neuron', 'Synapse', 'ShortTerm', 'LongTerm'] as const) {
    const longest = model[`tau${kind}`] / model[`leak${kind}`]
    // beyond it a step of Euler's method decays past zero, beyond twice it the solution grows without bound
    if (timeStep > longest) fail('timeStep', `at most tau${kind} / leak${kind}, ${longest} s`, `${timeStep} s`)
  }
  return model
}

/**
 * T_ijkl = c_T exp(-scale * distance) between the processes ij and kl, in grid steps: [side^2, side^2], symmetric.
 */
function couplingTensor({ side, coupling, scale }: MacroModel): Float64Array {
  const processes = side * side
  return Float64Array.from({ length: processes * processes }, (_, at) => {
    const [from, to] = [Math.floor(at / processes), at % processes]
    const [di, dj] = [Math.floor(from / side) - Math.floor(to / side), (from % side) - (to % side)]
    return coupling * Math.exp(-scale * Math.hypot(di, dj))
  })
}

/** The limits of a simulation: some ten seconds, and a hundred megabytes. */
const MOST = { side: 60, samples: 1e6, updates: 2e9 }
/** The cost of one synapse's functions, in terms of its coupling sum. */
const TANH = 50

const mean = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / values.length

/**
 * Integrates the macro model from rest by Euler's method, in double precision. With φ = θ = g = ψ = tanh and
 * κ(s) = max(tanh s, 0), for presynaptic neurons x_i, postsynaptic neurons y_j and synapses ij:
 *
 *     τ_n dx_i/dt     = -λ x_i + mean_j g(s_ij) φ(y_j) + b(t)                neurons; y_j likewise
 *     τ_s ds_ij/dt    = -β s_ij + θ(x_i) θ(y_j) + ψ(p^s_ij)                  Eq. 1
 *     τ_p^s dp^s_ij/dt = -γ^s p^s_ij + Σ_kl T_ijkl ψ(p^s_kl) + c_κ κ(s_ij)    Eq. 2
 *     τ_p^l dp^l_ij/dt = -γ^l p^l_ij + κ(s_ij)                               Eq. 3
 *
 * The paper gives the shape of Eq. 1 to 3. The neurons follow Kozachkov et al. (arXiv 2311.08135); the mean over the
 * partners is our choice: with their sum the loop gain exceeds 1 and the network holds its first stimulus for ever.
 * `sample` is the distance of the curve's points in seconds. Errors have code `config`.
 */
export function simulate(given: Partial<MacroModel> = {}, sample = 1): Simulation {
  const model = macroModel(given)
  takes('macro model', { sample }, { sample: positive }, 'config')
  const { side, timeStep, tauNeuron, tauSynapse, tauShortTerm, tauLongTerm } = model
  const stepsPerCycle = wholeSteps(model.cycleDuration, timeStep, 'macro model: cycleDuration')
  const stepsPerSample = wholeSteps(sample, timeStep, 'sample')
  const synapses = side * side
  const steps = stepsPerCycle * model.cycles
  const samples = Math.floor(steps / stepsPerSample)
  if (side > MOST.side || samples > MOST.samples || steps * synapses * (synapses + TANH) > MOST.updates) {
    throw new RmaatError(
      'config',
      `macro model: ${steps} steps of ${side} x ${side} synapses with ${samples} samples take too long: expected fewer cycles, a longer timeStep or a smaller side`,
    )
  }
  const T = couplingTensor(model)
  const [x, y, thetaX, thetaY] = Array.from({ length: 4 }, () => new Float64Array(side))
  const [s, short, long, gS, psiShort, shortTermPeak] = Array.from({ length: 6 }, () => new Float64Array(synapses))
  const [inputX, inputY] = [new Float64Array(side), new Float64Array(side)]
  const state = (step: number): MacroState => ({
    time: step * timeStep,
    neuron: mean(x),
    synapse: mean(s),
    shortTerm: mean(short),
    longTerm: mean(long),
  })
  const curve = [state(0)]
  const cycleEnds: MacroState[] = []

  for (let step = 0; step < steps; step++) {
    const b = (step % stepsPerCycle) * timeStep < model.stimulusDuration ? model.stimulus : 0
    for (let i = 0; i < side; i++) {
      thetaX[i] = Math.tanh(x[i])
      thetaY[i] = Math.tanh(y[i])
    }
    inputX.fill(0)
    inputY.fill(0)
    for (let ij = 0, i = 0; i < side; i++) {
      for (let j = 0; j < side; j++, ij++) {
        gS[ij] = Math.tanh(s[ij])
        psiShort[ij] = Math.tanh(short[ij])
        inputX[i] += gS[ij] * thetaY[j]
        inputY[j] += gS[ij] * thetaX[i]
      }
    }
    for (let i = 0; i < side; i++) {
      x[i] += (timeStep * (-model.leakNeuron * x[i] + inputX[i] / side + b)) / tauNeuron
      y[i] += (timeStep * (-model.leakNeuron * y[i] + inputY[i] / side + b)) / tauNeuron
    }
    for (let ij = 0, i = 0; i < side; i++) {
      for (let j = 0; j < side; j++, ij++) {
        let coupled = 0
        for (let kl = 0; kl < synapses; kl++) coupled += T[ij * synapses + kl] * psiShort[kl]
        const kappa = Math.max(gS[ij], 0)
        s[ij] += (timeStep * (-model.leakSynapse * s[ij] + thetaX[i] * thetaY[j] + psiShort[ij])) / tauSynapse
        short[ij] +=
          (timeStep * (-model.leakShortTerm * short[ij] + coupled + model.driveShortTerm * kappa)) / tauShortTerm
        long[ij] += (timeStep * (-model.leakLongTerm * long[ij] + kappa)) / tauLongTerm
        shortTermPeak[ij] = Math.max(shortTermPeak[ij], short[ij])
      }
    }
    if ((step + 1) % stepsPerSample === 0) curve.push(state(step + 1))
    if ((step + 1) % stepsPerCycle === 0) cycleEnds.push(state(step + 1))
  }
  return { model, curve, cycleEnds, shortTermPeak }
}
