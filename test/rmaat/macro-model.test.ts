import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { readSafetensors } from '../../src/nn/safetensors.ts'
import { macroNames } from '../../src/rmaat/golden.ts'
import { type MacroModel, macroDefaults, macroParameters, simulate } from '../../src/rmaat/macro-model.ts'
import { retention, retentionFromCurve } from '../../src/rmaat/retention.ts'
import { fails } from '../support/fails.ts'
import { golden as bytesOf } from '../support/golden.ts'

const golden = readSafetensors(await bytesOf('macro.safetensors'))
const result = simulate()

test('the defaults are the constants of the golden file', () => {
  assert.is(Object.keys(golden.metadata).length, Object.keys(macroDefaults).length)
  for (const [name, value] of Object.entries(macroDefaults)) {
    assert.is(value, Number(golden.metadata[macroNames[name as keyof MacroModel]]), name)
  }
})

test('the ends of the cycles equal the golden file to 1e-12, relative', () => {
  const { data } = golden.tensors.get('cycle_ends')!
  const found = result.cycleEnds.flatMap((end) => [end.neuron, end.synapse, end.shortTerm, end.longTerm])
  assert.is(found.length, data.length)
  found.forEach((value, at) => {
    assert.ok(Math.abs(value - data[at]) <= 1e-12 * Math.abs(data[at]), `${at}: ${value} is not ${data[at]}`)
  })
})

test('what the paper fixes is told from what was chosen', () => {
  const fixed = Object.entries(macroParameters).filter(([, { source }]) => source === 'paper')
  assert.equal(fixed.map(([name]) => name).sort(), ['cycleDuration', 'cycles', 'side'])
})

test('long-term plasticity accumulates over the cycles and saturates', () => {
  const increments = [...retentionFromCurve(result.cycleEnds)]
  assert.is(increments.length, 6)
  increments.forEach((increment, t) => {
    assert.ok(increment > 0)
    if (t > 0) assert.ok(increment < increments[t - 1])
  })
})

test('the simulated increments follow the closed form', () => {
  retentionFromCurve(result.cycleEnds).forEach((share, t) => {
    const right = retention(t + 1, 6, 'fixed')
    assert.ok(Math.abs(share - right) <= 5e-3, `cycle ${t + 1}: ${share} is not ${right}`)
  })
})

test('at the end of each cycle the neurons are at rest and the short-term state is back near its own', () => {
  for (const { neuron, shortTerm } of result.cycleEnds) {
    assert.ok(Math.abs(neuron) <= 1e-6)
    assert.ok(Math.abs(shortTerm - 0.133) <= 5e-3)
  }
})

test('the short-term response is stronger near the centre', () => {
  const [corner, edge, , , centre] = result.shortTermPeak
  assert.ok(centre > edge && edge > corner)
  const three = (value: number) => value.toFixed(3)
  assert.equal([centre, edge, corner].map(three), ['0.585', '0.563', '0.545'])
  const alike = (at: number, expected: number) => assert.ok(Math.abs(result.shortTermPeak[at] - expected) < 1e-12)
  for (const at of [0, 2, 6, 8]) alike(at, corner)
  for (const at of [1, 3, 5, 7]) alike(at, edge)
})

test('equal distances give a uniform short-term response', () => {
  const { shortTermPeak } = simulate({ scale: 0, cycles: 1 })
  for (const peak of shortTermPeak) assert.ok(Math.abs(peak - shortTermPeak[0]) < 1e-12)
})

test('the curve starts at rest and is sampled evenly up to the end', () => {
  assert.is(result.curve.length, 301)
  assert.equal(result.curve[0], { time: 0, neuron: 0, synapse: 0, shortTerm: 0, longTerm: 0 })
  assert.equal(result.curve[300], result.cycleEnds[5])
  assert.is(simulate({ cycles: 1 }, 0.5).curve[3].time, 1.5)
})

test('parameters out of their range are refused with what was found and what is right', async () => {
  const refused = (given: object, sample: number | undefined, message: RegExp) =>
    fails('config', message, () => simulate(given, sample))
  await refused({ tauLongTerm: 0 }, undefined, /tauLongTerm is 0: expected a number above 0/)
  await refused({ coupling: Number.NaN }, undefined, /coupling is NaN: expected a number of at least 0/)
  await refused({ stimulus: undefined }, undefined, /stimulus is undefined: expected a number/)
  await refused({ cycles: 2.5 }, undefined, /cycles is 2.5: expected a whole number above 0/)
  await refused({ tauLong: 3 }, undefined, /tauLong is no parameter: expected one of tauNeuron, /)
  await refused({ stimulusDuration: 51 }, undefined, /stimulusDuration is 51 s: expected at most cycleDuration, 50 s/)
  await refused({ timeStep: 0.03 }, undefined, /cycleDuration is 50 s: expected a whole number of time steps of 0.03 s/)
  await refused({ timeStep: 0.1 }, undefined, /timeStep is 0.1 s: expected at most tauNeuron \/ leakNeuron, 0.05 s/)
  for (const given of [{ cycles: 1e9 }, { side: 61, cycles: 1 }, { side: 20 }])
    await refused(
      given,
      undefined,
      /macro model: \d+ steps of \d+ x \d+ synapses with \d+ samples take too long: expected/,
    )
  const slow = { timeStep: 1, tauNeuron: 1, tauSynapse: 1, cycles: 1e5 }
  await refused(slow, undefined, /5000000 steps of 3 x 3 synapses with 5000000 samples take too long/)
  await refused({}, 0.005, /sample is 0.005 s: expected a whole number of time steps of 0.01 s/)
})

test.run()
