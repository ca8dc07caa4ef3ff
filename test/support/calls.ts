import * as rmaat from '../../src/index.ts'
import { macroNames } from '../../src/rmaat/golden.ts'
import { macroDefaults } from '../../src/rmaat/macro-model.ts'
import {
  type Any,
  classesOf,
  compile,
  curve,
  examples,
  f32,
  grad,
  heads,
  type Invocation,
  initializer,
  inputs,
  layer,
  made,
  mixing,
  modelOn,
  ofDevice,
  ofFiles,
  ofModel,
  ofOptimizer,
  ofProgram,
  ofSegment,
  ofStream,
  open,
  parameters,
  plain,
  rate,
  settings,
  shares,
  sizes,
  slowly,
  stateFor,
  task,
  tensor,
  tokens,
  vector,
} from './invocations.ts'

/** How each public function is called that is no method of a tensor; of those, the ones without a domain. */
export const calls: Readonly<Record<string, () => Invocation | Promise<Invocation>>> = {
  'Tensor.read': async () => {
    const x = (await open()).variable([2]).add(1)
    return plain((...args) => (x.read as Any)(...args))
  },
  'Tensor.toString': () => plain((...args) => (vector(1).toString as Any)(...args)),
  attention: layer(rmaat.attention, rmaat.attentionParameters(4), tokens(), {
    heads: 2,
    to: tokens(),
    mix: rmaat.softmaxAttention,
    ...mixing(),
  }),
  attentionParameters: () => plain(rmaat.attentionParameters, 4, 6),
  batchInputs: () => plain(rmaat.batchInputs, 2, { ...sizes, causal: true }),
  batchOf: () => plain(rmaat.batchOf, examples(), { ...sizes, batch: 3, vocabulary: 14, classes: 8 }),
  classLoss: () => plain(rmaat.classLoss, heads().reshape([12, 2]), classesOf(12), shares(12)),
  clipByNorm: () => plain(rmaat.clipByNorm, vector(3, 4), 1),
  compareDevices: async () => {
    const [a, reference] = [await open(), await open()]
    const workload = {
      name: 'a model',
      make: (device: rmaat.Device) => ({ model: modelOn(device), examples: examples() }),
    }
    const options = { parts: [], workload, method: 'amrb', clip: 1, longest: 1 }
    return plain(rmaat.compareDevices, [a], reference, options)
  },
  compile: async () =>
    plain(
      compile,
      await open(),
      { x: f32(2) },
      ({ x }: Any) => ({ y: x?.add(1) }),
      () => {},
    ),
  concat: () => plain(rmaat.concat, [vector(1, 2), vector(3)], 0),
  dropout: async () => {
    const { tensors } = new rmaat.Parameters(await open(), rmaat.linearParameters(2, 2), 7)
    const options = { of: tensors, name: 'a', step: 1, segment: 2, firstElement: 3 }
    return plain(rmaat.dropout, vector(1, 2), 0.5, options)
  },
  einsum: () => plain(rmaat.einsum, 'i,j->ij', vector(1, 2), vector(3)),
  'einsum of axes without letters': () => plain(rmaat.einsum, '...ii->...', tensor([1, 2, 3, 4], [1, 2, 2])),
  embedding: () => plain(rmaat.embedding, tensor([1, 0], [2], 'i32'), tokens()),
  embeddingParameters: () => plain(rmaat.embeddingParameters, 3, 2),
  evaluate: async () => slowly(plain(rmaat.evaluate, modelOn(await open()), examples(), { batch: 2, segments: 2 })),
  predict: async () => slowly(plain(rmaat.predict, modelOn(await open()), examples(), { batch: 2, segments: 2 })),
  f32: () => plain(f32, 2, 3),
  feedForward: layer(rmaat.feedForward, rmaat.feedForwardParameters(4, 6), tokens(), (x: Any) => x?.relu()),
  feedForwardParameters: () => plain(rmaat.feedForwardParameters, 4, 6),
  gru: layer(rmaat.gru, rmaat.gruParameters(4, 5), tokens(), { first: rmaat.zeros([2, 5]), unroll: true }),
  gruCell: async () => {
    const { tensors } = new rmaat.Parameters(await open(), rmaat.gruParameters(4, 5), 7)
    return plain(rmaat.gruCell, rmaat.zeros([2, 4]), rmaat.zeros([2, 5]), tensors)
  },
  gruParameters: () => plain(rmaat.gruParameters, 4, 5),
  grad: () => {
    const x = rmaat.tensor([1, 2]).add(vector(1, 1))
    return plain(grad, x.square().sum(), [x])
  },
  i32: () => plain(rmaat.i32, 2, 3),
  'init.constant': initializer('constant', 0.5),
  'init.he': initializer('he'),
  'init.normal': initializer('normal', 0.5, 1),
  'init.ones': initializer('ones'),
  'init.uniform': initializer('uniform', -1, 1),
  'init.values': initializer('values', [1, 2, 3, 4, 5, 6]),
  'init.xavier': initializer('xavier'),
  'init.zeros': initializer('zeros'),
  iota: () => plain(rmaat.iota, [2, 3], 1),
  layerNorm: layer(rmaat.layerNorm, rmaat.layerNormParameters(4), tokens(), 1e-5),
  layerNormParameters: () => plain(rmaat.layerNormParameters, 4),
  learningRate: () => plain(rmaat.learningRate, 3, rate),
  linear: layer(rmaat.linear, rmaat.linearParameters(4, 3), tokens()),
  linearAttention: () => plain(rmaat.linearAttention, heads(), heads(), heads(), mixing()),
  linearParameters: () => plain(rmaat.linearParameters, 4, 3, rmaat.init.xavier()),
  loadCheckpoint: async () => {
    const model = modelOn(await open())
    return slowly(plain(rmaat.loadCheckpoint, model, rmaat.saveCheckpoint(model, stateFor(model))))
  },
  loadParameters: async () => {
    const own = new rmaat.Parameters(...(await parameters()))
    const options = { prefix: '', partly: true }
    return slowly(plain(rmaat.loadParameters, own, await rmaat.saveParameters(own), options))
  },
  loadWeights: async () => {
    const device = await open()
    return slowly(plain(rmaat.loadWeights, device, await rmaat.saveWeights(modelOn(device)), 'here'))
  },
  loop: () =>
    plain(
      rmaat.loop,
      { count: 2, carry: [vector(1)], inputs: [vector(1, 2)], unroll: false },
      ([h]: Any, [x]: Any) => ({
        carry: [x && h?.add(x)],
        outputs: [h],
      }),
    ),
  'loop.body': () => {
    const body = { carry: [vector(1)], outputs: [vector(2)] }
    return { given: [body], call: ([result]) => rmaat.loop({ count: 2, carry: [vector(1)] }, () => result as Any) }
  },
  'loop.body, unrolled': () => {
    const body = { carry: [vector(1)], outputs: [vector(2)] }
    const options = { count: 2, carry: [vector(1)], unroll: true }
    return { given: [body], call: ([result]) => rmaat.loop(options, () => result as Any) }
  },
  modelConfig: () => plain(rmaat.modelConfig, settings),
  numberLoss: () => plain(rmaat.numberLoss, heads().reshape([12, 2]), heads().reshape([12, 2]), shares(12)),
  openDevice: () => {
    const opened: rmaat.Device[] = []
    const call = async (args: readonly Any[]) => opened.push(await rmaat.openDevice(...args))
    return { given: ['reference', { threads: 1 }], call, after: () => opened[0]?.close(), slow: true }
  },
  parameter: () => plain(rmaat.parameter, [2, 3], rmaat.init.he(), true),
  plan: async () =>
    plain(
      rmaat.plan,
      await open(),
      { x: f32(2) },
      ({ x }: Any) => ({ y: x?.add(1) }),
      () => {},
    ),
  'plan: what build returns': async () => {
    const device = await open()
    const w = device.variable([2])
    const results = { y: w.add(1), updates: [[w, w.mul(2)]] }
    return { given: [results], call: ([one]) => rmaat.plan(device, {}, () => one as Any) }
  },
  positionLoss: () => plain(rmaat.positionLoss, tokens(), classesOf(2, 3), shares(2), shares(2)),
  randomBits: () => plain(rmaat.randomBits, [3], { seed: 1, site: 2, segment: 3, step: 4, firstElement: 5 }),
  randomNormal: () => plain(rmaat.randomNormal, [3], { seed: 1, site: 2, segment: 3, step: 4, firstElement: 5 }),
  randomUniform: () => plain(rmaat.randomUniform, [3], { seed: 1, site: 2, segment: 3, step: 4, firstElement: 5 }),
  read: async () => plain(rmaat.read, await open(), vector(1)),
  readSafetensors: () =>
    plain(
      rmaat.readSafetensors,
      rmaat.writeSafetensors(new Map([['a', { dtype: 'I32', shape: [], data: Int32Array.of(1) }]])),
    ),
  retention: () =>
    plain(rmaat.retention, 1, 2, 'fixed', { tauLongTerm: 100, leakLongTerm: 1, cycleDuration: 50, cycles: 6 }),
  retentionFactors: () => plain(rmaat.retentionFactors, new Int32Array(16).fill(1), { rows: 2, ...sizes }, 'fixed'),
  rmsNorm: layer(rmaat.rmsNorm, rmaat.rmsNormParameters(4), tokens(), 1e-5),
  rmsNormParameters: () => plain(rmaat.rmsNormParameters, 4),
  saveCheckpoint: async () => {
    const model = modelOn(await open())
    return slowly(plain(rmaat.saveCheckpoint, model, stateFor(model), { key: 'text' }))
  },
  saveParameters: async () =>
    slowly(plain(rmaat.saveParameters, new rmaat.Parameters(...(await parameters())), { key: 'text' })),
  saveWeights: async () => {
    const beside = { task: { value: 'cue', source: 'choice', meaning: 'what is learned' } }
    return slowly(plain(rmaat.saveWeights, modelOn(await open()), beside, '1.0'))
  },
  simulate: () => slowly(plain(rmaat.simulate, curve, 1)),
  softmaxAttention: () => plain(rmaat.softmaxAttention, heads(), heads(), heads(), mixing()),
  stack: () => plain(rmaat.stack, [vector(1, 2), vector(3, 4)], -1),
  stopGradient: () => plain(rmaat.stopGradient, vector(1)),
  'task.show': () => plain((...args: Any[]) => (task.show as Any)(...args), [1, 2]),
  'task.train': () => plain((...args: Any[]) => (task.train as Any)(...args), 1),
  'tasks.add': () => slowly(plain(rmaat.tasks.add, { ...sizes, seed: 1 })),
  'tasks.bytes': () => ofFiles(rmaat.tasks.bytes),
  'tasks.copy': () =>
    slowly(plain(rmaat.tasks.copy, { segments: 2, segmentLength: 9, length: 8, symbols: 3, seed: 1 })),
  'tasks.cue': () => slowly(plain(rmaat.tasks.cue, { ...sizes, seed: 1, anywhere: true })),
  'tasks.listops': () => slowly(plain(rmaat.tasks.listops, { segments: 4, segmentLength: 12, maxDepth: 3, seed: 1 })),
  'tasks.image': () => ofFiles(rmaat.tasks.image),
  'tasks.mqar': () =>
    slowly(plain(rmaat.tasks.mqar, { ...sizes, symbols: 9, fewest: 1, pairs: 2, testPairs: 2, seed: 1 })),
  'tasks.order': () => slowly(plain(rmaat.tasks.order, { ...sizes, seed: 1 })),
  'tasks.parity': () => slowly(plain(rmaat.tasks.parity, { ...sizes, seed: 1 })),
  'tasks.pathfinder': () =>
    slowly(plain(rmaat.tasks.pathfinder, { side: 32, rim: true, trainExamples: 2, heldOut: 2, seed: 1 })),
  'tasks.retrieval': () => ofFiles(rmaat.tasks.retrieval),
  'tasks.s3': () => slowly(plain(rmaat.tasks.s3, { ...sizes, seed: 1 })),
  'tasks.selective-copy': () =>
    slowly(plain(rmaat.tasks['selective-copy'], { ...sizes, length: 2, spread: 4, symbols: 3, seed: 1 })),
  'tasks.text': () => ofFiles(rmaat.tasks.text),
  tensor: () => plain(tensor, [1, 2, 3, 4, 5, 6], [2, 3], 'i32'),
  train: async () => {
    const options = { method: 'amrb', steps: 1, batch: 2, rate: 0.1, clip: 1, decay: 0.1, seed: 3, trace: true }
    return slowly(plain(rmaat.train, modelOn(await open()), { ...task }, options))
  },
  variable: async () => plain(rmaat.variable, await open(), [2, 3], { init: 'normal', seed: 1, name: 'w' }),
  verify: async () => {
    const metadata = { ...macroDefaults, ...curve }
    const cycle = { dtype: 'F64', shape: [1, 4], data: new Float64Array(4).fill(1) } as const
    const named = Object.entries(macroNames).map(([name, theirs]) => [
      theirs,
      `${metadata[name as keyof typeof metadata]}`,
    ])
    const bytes = rmaat.writeSafetensors(new Map([['cycle_ends', cycle]]), Object.fromEntries(named))
    return slowly(plain(rmaat.verify, await open(), bytes))
  },
  vjp: () => {
    const x = rmaat.tensor([1, 2])
    return plain(rmaat.vjp, [x.square()], [vector(1, 1)], [x])
  },
  where: () => plain(rmaat.where, tensor([1, 0], [2], 'i32'), vector(1, 2), 3),
  writeSafetensors: () =>
    plain(rmaat.writeSafetensors, new Map([['a', { dtype: 'I32', shape: [1], data: Int32Array.of(1) }]]), {
      key: 'text',
    }),
  zeros: () => plain(rmaat.zeros, [2, 3], 'i32'),

  rfft: () => plain(rmaat.rfft, tokens(), 1),
  irfft: () => plain(rmaat.irfft, tensor([1, 0, 0, 1, 2, 0], [3, 2]), 4, 0),
  scan: () => plain(rmaat.scan, tokens(), tokens(), { axis: 1, reverse: true, first: rmaat.zeros([2, 4]) }),
  'scan of complex numbers': () => plain(rmaat.scan, heads(), heads(), { axis: 1, complex: 3 }),

  'new AdamW': async () => {
    const common = { rate: 0.1, decay: 0.1, decays: ['0'] }
    return made(rmaat.AdamW, [(await open()).variable([3])], { ...common, beta1: 0.9, beta2: 0.9, epsilon: 1e-8 })
  },
  'AdamW.update': ofOptimizer(rmaat.AdamW),
  'new SGD': async () => made(rmaat.SGD, [(await open()).variable([3])], { rate: 0.1, decay: 0.1, decays: ['0'] }),
  'SGD.update': ofOptimizer(rmaat.SGD),
  'new Parameters': async () => made(rmaat.Parameters, ...(await parameters())),
  'Parameters.flat': async () => {
    const own = new rmaat.Parameters(...(await parameters()))
    return plain((...args: Any[]) => (own.flat as Any)(...args), own.list)
  },
  'new Rmaat': async () => slowly(made(rmaat.Rmaat, await open(), settings)),
  'Rmaat.close': ofModel('close'),
  'Rmaat.forward': async () => {
    const model = modelOn(await open())
    const specs = Object.entries(rmaat.batchInputs(2, sizes))
    const batch = Object.fromEntries(specs.map(([name, { shape, dtype }]) => [name, rmaat.zeros(shape, dtype).add(1)]))
    const options = { method: 'amrb', step: tensor([1], [], 'i32'), prepared: model.prepare() }
    return slowly(plain((...args: Any[]) => (model.forward as Any)(...args), batch, options))
  },
  'Rmaat.advance': ofSegment('advance', { retention: rmaat.zeros([2]).add(1) }),
  'Rmaat.classify': ofSegment('classify', {}),
  'Rmaat.asks': ofModel('asks', { tokens: [1, 2], label: 0 }),
  'Rmaat.checkTask': ofModel('checkTask', task),
  'Rmaat.enoughSegments': ofModel('enoughSegments', { tokens: [1, 2], label: 0 }, 2),
  'Rmaat.layout': ofModel('layout', 2, 3),
  'Rmaat.prepare': ofModel('prepare'),

  'new Stream': async () => slowly(made(rmaat.Stream, modelOn(await open()), { length: 9 })),
  'Stream.close': ofStream('close'),
  'Stream.predict': ofStream('predict'),
  'Stream.push': ofStream('push', [1, 2, 3, 4, 5]),

  'Device.allOrNothing': ofDevice('allOrNothing', (device) => [() => device.variable([2])]),
  'Device.check': ofDevice('check', () => []),
  'Device.close': ofDevice('close', () => []),
  'Device.delete': ofDevice('delete', (device) => [device.variable([2])]),
  'Device.has': ofDevice('has', (device) => [device.variable([2]).id]),
  'Device.made': ofDevice('made', () => [() => {}]),
  'Device.readVariable': ofDevice('readVariable', (device) => [device.variable([2])]),
  'Device.variable': ofDevice('variable', () => [[2], 'i32', [1, 2]]),
  'Device.write': ofDevice('write', (device) => [device.variable([2]), [1, 2]]),
  'Program.arrays': ofProgram('arrays', inputs, () => {}),
  'Program.close': ofProgram('close'),
  'Program.profile': ofProgram('profile', inputs),
  'Program.run': ofProgram('run', inputs, () => {}),
  'Program.toString': ofProgram('toString'),
}
