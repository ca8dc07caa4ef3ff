import * as rmaat from '../../src/index.ts'
import { macroDefaults } from '../../src/rmaat/macro-model.ts'
import { macroNames } from '../../src/train/verify.ts'
import { someBatch, tiny } from './model.ts'

/** A call that is right, made afresh for each use. */
export interface Invocation {
  readonly given: readonly unknown[]
  readonly call: (args: readonly unknown[]) => unknown
  readonly after?: () => void
  /** Even this call is an error: it needs what is not here. */
  readonly refused?: true
  /** Takes long: fewer of them are enough. */
  readonly slow?: true
}

// biome-ignore lint/suspicious/noExplicitAny: whatever arguments are wrong, here they are given
type Any = any
const { tensor, compile, f32, grad } = rmaat
const vector = (...values: number[]) => tensor(values)
const open = () => rmaat.openDevice('reference')
const plain = (call: (...args: Any[]) => unknown, ...given: unknown[]): Invocation => ({
  given,
  call: (args) => call(...args),
})
const made = (type: Any, ...given: unknown[]): Invocation => ({ given, call: (args) => new type(...args) })
const slowly = (invocation: Invocation): Invocation => ({ ...invocation, slow: true })

const task = rmaat.tasks.cue({ segments: 2, segmentLength: 4 })
const sizes = { segments: 2, segmentLength: 4 }
const settings = { ...tiny, ...sizes, vocabulary: task.vocabulary, classes: task.classes }
const modelOn = (device: rmaat.Device) => new rmaat.Rmaat(device, settings)
const examples = () => [...task.test.slice(0, 3)].map(({ tokens, label }) => ({ tokens: Array.from(tokens), label }))
const ofModel =
  (name: 'close' | 'forward' | 'prepare', ...given: unknown[]) =>
  async () => {
    const model = modelOn(await open())
    return { given, call: (args: readonly Any[]) => (model[name] as Any)(...args), slow: true as const }
  }
const ofDevice = (name: keyof rmaat.Device, given: (device: rmaat.Device) => unknown[]) => async () => {
  const device = await open()
  return plain((...args) => (device[name] as Any)(...args), ...given(device))
}
const ofProgram =
  (name: string, ...given: unknown[]) =>
  async () => {
    const specs = { x: f32(3), n: rmaat.i32(2), s: f32() }
    const program = compile(await open(), specs, ({ x, n, s }) => ({ y: x.mul(s), n }))
    return plain((...args) => (program as Any)[name](...args), ...given)
  }
const inputs = { x: [1, 2, 3], n: [1, 2], s: 2 }
const parameters = async () => {
  const leaf = (...shape: number[]) => rmaat.parameter(shape, rmaat.init.normal(1), true)
  return [await open(), { up: { w: leaf(2, 3), b: leaf(3) }, list: [leaf(2)] }, 7] as const
}
const ofOptimizer = (type: typeof rmaat.AdamW | typeof rmaat.SGD) => async () => {
  const optimizer = new type([(await open()).variable([3])])
  return plain((...args) => (optimizer.update as Any)(...args), [vector(1, 2, 3)], 0.1)
}
/** A layer, and tensors of its parameters. */
const layer =
  (call: (...args: Any[]) => unknown, tree: rmaat.ParameterTree, ...given: unknown[]) =>
  async () => {
    const { tensors } = new rmaat.Parameters<Any>(await open(), tree, 7)
    return plain(call, given[0], tensors, ...given.slice(1))
  }
const initializer =
  (name: keyof typeof rmaat.init, ...given: unknown[]) =>
  async () => {
    const device = await open()
    const call = (...args: Any[]) =>
      new rmaat.Parameters(device, { w: rmaat.parameter([2, 3], (rmaat.init[name] as Any)(...args)) }, 1).list
    return plain(call, ...given)
  }
const tokens = () => rmaat.iota([2, 3, 4], 1).cast('f32')
const heads = () => rmaat.iota([2, 3, 2, 2], 1).cast('f32')
const mixing = () => ({ causal: true, valid: rmaat.zeros([2, 3]).add(1) })
const rate = { schedule: 'cosine', rate: 0.1, steps: 10, warmUp: 0.1, floor: 0.1 }
const curve = { cycles: 1, timeStep: 0.05 }

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
  batchInputs: () => plain(rmaat.batchInputs, 2, sizes),
  batchOf: () => plain(rmaat.batchOf, examples(), { ...sizes, batch: 3, vocabulary: 14, classes: 8 }),
  clipByNorm: () => plain(rmaat.clipByNorm, vector(3, 4), 1),
  compareDevices: async () => {
    const [a, reference] = [await open(), await open()]
    const config = rmaat.modelConfig(settings)
    const options = { parts: [], config, data: someBatch(2, config), method: 'amrb', batch: 2, clip: 1, longest: 1 }
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
  randomBits: () => plain(rmaat.randomBits, [3], { seed: 1, site: 2, segment: 3, step: 4, firstElement: 5 }),
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
  'tasks.cue': () => slowly(plain(rmaat.tasks.cue, { ...sizes, seed: 1, anywhere: true })),
  'tasks.listops': () => slowly(plain(rmaat.tasks.listops, { segments: 4, segmentLength: 12, maxDepth: 3, seed: 1 })),
  'tasks.order': () => slowly(plain(rmaat.tasks.order, { ...sizes, seed: 1 })),
  'tasks.text': () => ({
    ...plain(rmaat.tasks.text, { path: 'no/such/folder', segments: 2 }),
    refused: true,
    slow: true,
  }),
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
    const slice = { first: tensor([0], [], 'i32'), total: tensor([2], []) }
    const options = { method: 'amrb', step: tensor([1], [], 'i32'), prepared: model.prepare(), slice }
    return slowly(plain((...args: Any[]) => (model.forward as Any)(...args), batch, options))
  },
  'Rmaat.prepare': ofModel('prepare'),

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
