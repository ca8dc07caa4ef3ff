import * as rmaat from '../../src/index.ts'
import { tiny } from './model.ts'

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
export type Any = any
export const { tensor, compile, f32, grad } = rmaat
export const vector = (...values: number[]) => tensor(values)
export const open = () => rmaat.openDevice('reference')
export const plain = (call: (...args: Any[]) => unknown, ...given: unknown[]): Invocation => ({
  given,
  call: (args) => call(...args),
})
export const made = (type: Any, ...given: unknown[]): Invocation => ({ given, call: (args) => new type(...args) })
/** A task of files, of which there are none. */
export const ofFiles = (call: (...args: Any[]) => unknown): Invocation => ({
  ...plain(call, { path: 'no/such/folder', segments: 2 }),
  refused: true,
  slow: true,
})
export const slowly = (invocation: Invocation): Invocation => ({ ...invocation, slow: true })

export const task = rmaat.tasks.cue({ segments: 2, segmentLength: 4 })
export const sizes = { segments: 2, segmentLength: 4 }
export const settings = { ...tiny, ...sizes, vocabulary: task.vocabulary, classes: task.classes }
export const modelOn = (device: rmaat.Device) => new rmaat.Rmaat(device, settings)
export const examples = () =>
  [...task.test.slice(0, 3)].map(({ tokens, label }) => ({ tokens: Array.from(tokens), label }))
export const stateFor = ({ parameters: { count } }: rmaat.Rmaat): rmaat.TrainState => {
  const [parameters, mean, square] = [1, 2, 3].map((value) => new Float64Array(count).fill(value))
  const optimizer = [mean, square, Float64Array.of(4)]
  return { step: 4, skipped: 0, skippedInRow: 0, parameters, optimizer, options: {} }
}
export const ofModel =
  (name: 'asks' | 'checkTask' | 'close' | 'enoughSegments' | 'layout' | 'prepare', ...given: unknown[]) =>
  async () => {
    const model = modelOn(await open())
    return { given, call: (args: readonly Any[]) => (model[name] as Any)(...args), slow: true as const }
  }
export const ofSegment = (name: 'advance' | 'classify', more: object) => async () => {
  const model = modelOn(await open())
  const [tokens, valid] = [0, 1].map((value) => rmaat.zeros([2, 4], 'i32').add(value))
  const given = [rmaat.zeros([2, 2, 8]), { tokens, valid, ...more }, model.prepare()]
  return slowly(plain((...args: Any[]) => (model[name] as Any)(...args), ...given))
}
export const ofStream =
  (name: 'push' | 'predict' | 'close', ...given: unknown[]) =>
  async () => {
    const stream = new rmaat.Stream(modelOn(await open()), { length: 9 })
    await stream.push([1, 2, 3])
    return slowly(plain((...args: Any[]) => (stream[name] as Any)(...args), ...given))
  }
export const ofDevice = (name: keyof rmaat.Device, given: (device: rmaat.Device) => unknown[]) => async () => {
  const device = await open()
  return plain((...args) => (device[name] as Any)(...args), ...given(device))
}
export const ofProgram =
  (name: string, ...given: unknown[]) =>
  async () => {
    const specs = { x: f32(3), n: rmaat.i32(2), s: f32() }
    const program = compile(await open(), specs, ({ x, n, s }) => ({ y: x.mul(s), n }))
    return plain((...args) => (program as Any)[name](...args), ...given)
  }
export const inputs = { x: [1, 2, 3], n: [1, 2], s: 2 }
export const parameters = async () => {
  const leaf = (...shape: number[]) => rmaat.parameter(shape, rmaat.init.normal(1), true)
  return [await open(), { up: { w: leaf(2, 3), b: leaf(3) }, list: [leaf(2)] }, 7] as const
}
export const ofOptimizer = (type: typeof rmaat.AdamW | typeof rmaat.SGD) => async () => {
  const optimizer = new type([(await open()).variable([3])])
  return plain((...args) => (optimizer.update as Any)(...args), [vector(1, 2, 3)], 0.1)
}
/** A layer, and tensors of its parameters. */
export const layer =
  (call: (...args: Any[]) => unknown, tree: rmaat.ParameterTree, ...given: unknown[]) =>
  async () => {
    const { tensors } = new rmaat.Parameters<Any>(await open(), tree, 7)
    return plain(call, given[0], tensors, ...given.slice(1))
  }
export const initializer =
  (name: keyof typeof rmaat.init, ...given: unknown[]) =>
  async () => {
    const device = await open()
    const call = (...args: Any[]) =>
      new rmaat.Parameters(device, { w: rmaat.parameter([2, 3], (rmaat.init[name] as Any)(...args)) }, 1).list
    return plain(call, ...given)
  }
export const tokens = () => rmaat.iota([2, 3, 4], 1).cast('f32')
export const heads = () => rmaat.iota([2, 3, 2, 2], 1).cast('f32')
export const classesOf = (...shape: number[]) => rmaat.zeros(shape, 'i32')
export const shares = (rows: number) => rmaat.zeros([rows]).add(1 / rows)
export const mixing = () => ({ causal: true, valid: rmaat.zeros([2, 3]).add(1) })
export const rate = { schedule: 'cosine', rate: 0.1, steps: 10, warmUp: 0.1, floor: 0.1 }
export const curve = { cycles: 1, timeStep: 0.05 }
