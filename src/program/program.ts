import { aFunction, anObject, kind, listOf, maybe, shown, takes, takesInOrder } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import { typeOf } from '../ops/entry.ts'
import '../ops/methods.ts'
import type { Scalar } from '../ops/methods.ts'
import type { DType, Shape } from '../tensor/dtype.ts'
import { aDType, aTensor, aVariable } from '../tensor/kinds.ts'
import { checkShape, formatShape, sizeOf } from '../tensor/shape.ts'
import { Tensor } from '../tensor/tensor.ts'
import { lengthOf, valuesOf } from '../tensor/values.ts'
import type { Variable } from '../tensor/variable.ts'
import { aDevice, Device, type HostArray, type Loaded } from './device.ts'
import { describeKernel, isKernel } from './kernels.ts'
import { list } from './listing.ts'
import { lower, type Told } from './lower.ts'
import type { Memory, Plan, Port } from './plan.ts'

/** The shape and type of an input. */
export interface InputSpec<D extends DType = DType, S extends Shape = Shape> {
  readonly dtype: D
  readonly shape: S
}
/** An input of numbers of this shape; a scalar without sizes. */
export const f32 = <S extends number[]>(...shape: S): InputSpec<'f32', S> => specOf('f32', shape)
/** An input of whole numbers of this shape; a scalar without sizes. */
export const i32 = <S extends number[]>(...shape: S): InputSpec<'i32', S> => specOf('i32', shape)
function specOf<D extends DType, S extends Shape>(dtype: D, shape: S): InputSpec<D, S> {
  checkShape(dtype, shape)
  return { dtype, shape }
}

/** A variable, and what it becomes when a program ends: of the same shape and type. */
export type Update = readonly [Variable, Tensor]
type Inputs = Readonly<Record<string, InputSpec>>
/** What a compiled function returns: tensors by name, and under `updates` what its variables become when it ends. */
export type Results = Readonly<Record<string, Tensor | readonly Update[]>>
type Build<I extends Inputs, R extends Results | Tensor> = (
  inputs: {
    readonly [Name in keyof I]: I[Name]['shape'] extends readonly [] ? Scalar : Tensor
  },
) => R
export type HostInputs<I extends Inputs> = { readonly [Name in keyof I]: ArrayLike<number> | number }
/** A result as `run` gives it: a number of a scalar, else an array. Where the types do not know which it is, it is either. */
export type HostValue<T extends Tensor = Tensor> = T['shape'] extends readonly [] ? number : number | HostArray
/** The results by name; of a function that returns one tensor, that one alone. */
export type HostResults<R extends Results | Tensor> = R extends Tensor
  ? HostValue<R>
  : { readonly [Name in ResultName<R>]: R[Name] extends Tensor ? HostValue<R[Name]> : never }
/** The same where every result is an array, of a scalar too. */
export type HostArrays<R extends Results | Tensor> = R extends Tensor
  ? HostArray
  : { readonly [Name in ResultName<R>]: HostArray }
type ResultName<R> = Exclude<keyof R, 'updates'>

const BYTES = 4

/** The name of the result of a function that returns one tensor. */
const ALONE = ''

/** A plan's memory in bytes, known before anything runs. */
export const memoryOf = ({ memory: { arena, replay, inputs, variables } }: Plan): Memory => ({
  arena: arena * BYTES,
  replay: replay * BYTES,
  inputs: inputs * BYTES,
  variables: variables * BYTES,
})

/** A function compiled for one device and one set of shapes. */
export class Program<I extends Inputs = Inputs, R extends Results | Tensor = Results> {
  /** The one that it was compiled for. */
  readonly device: Device
  /** It as plain data. */
  readonly plan: Plan
  private readonly loaded: Loaded
  private closed = false

  constructor(device: Device, plan: Plan, compiled?: (done: number, of: number) => void) {
    this.device = device
    this.plan = plan
    this.checkVariables()
    this.loaded = device.backend.load(plan, compiled)
    device.made(() => this.close())
  }

  /** What it takes in bytes, known before it runs; `workspace` is what the device adds. */
  get memory(): Memory & { readonly workspace: number } {
    return { ...memoryOf(this.plan), workspace: this.loaded.workspace }
  }

  /**
   * Runs it once: a number for each scalar, an array for each other result. The inputs are copied before this returns; runs
   * execute in the order of their calls. `timed` hears how many milliseconds it took where it ran, without the wait for
   * earlier runs.
   */
  async run(inputs: HostInputs<I>, timed?: (milliseconds: number) => void): Promise<HostResults<R>> {
    return this.named(await this.results(inputs, timed), hostValue) as HostResults<R>
  }

  /** Runs it once: as `run`, but an array for every result, of one element for a scalar. */
  async arrays(inputs: HostInputs<I>, timed?: (milliseconds: number) => void): Promise<HostArrays<R>> {
    return this.named(await this.results(inputs, timed), (_, values) => values) as HostArrays<R>
  }

  private async results(inputs: HostInputs<I>, timed?: (milliseconds: number) => void): Promise<HostArray[]> {
    takes('run', { timed }, { timed: maybe(aFunction) })
    return this.loaded.run(this.check(inputs), timed)
  }

  /** By the names of the plan's outputs; of a function that returns one tensor, that one alone. */
  private named<Value>(arrays: readonly HostArray[], of: (port: Port, values: HostArray) => Value) {
    const values = this.plan.outputs.map((port, i) => [port.name, of(port, arrays[i])] as const)
    return values[0]?.[0] === ALONE ? values[0][1] : Object.fromEntries(values)
  }

  /** The time that each kernel took in one run, in milliseconds, with the words of the listing. */
  async profile(inputs: HostInputs<I>): Promise<{ kernel: string; milliseconds: number }[]> {
    const times = await this.loaded.profile(this.check(inputs))
    return this.plan.instructions.flatMap((instruction, i) =>
      isKernel(instruction) ? [{ kernel: describeKernel(instruction), milliseconds: times[i] }] : [],
    )
  }

  /** Its kernels with shapes, operands and offsets. */
  toString(): string {
    return list(this.plan)
  }

  /** Gives back what was loaded; the plan stays readable. */
  close(): void {
    if (!this.closed) this.loaded.close()
    this.closed = true
  }

  private checkVariables(): void {
    const gone = this.plan.buffers.some((buffer) => buffer.kind === 'variable' && !this.device.has(buffer.id))
    if (gone) throw new RmaatError('device', `the program uses a variable that was deleted on ${this.device.name}`)
  }

  private check(inputs: HostInputs<I>): ArrayLike<number>[] {
    this.device.check()
    takes('run', { inputs }, { inputs: anObject }, 'program')
    if (this.closed) throw new RmaatError('program', 'the program is closed')
    this.checkVariables()
    const known = this.plan.inputs.map(({ name }) => name)
    const unknown = Object.keys(inputs)
      .filter((name) => !known.includes(name))
      .join(' or ')
    if (unknown)
      throw new RmaatError('program', `no input is called ${unknown}; expected ${known.join(', ') || 'none'}`)
    return this.plan.inputs.map(({ name, shape, dtype }) => {
      const given = inputs[name]
      const values = typeof given === 'number' ? [given] : given
      const [count, length] = [sizeOf(shape), lengthOf(values)]
      if (length === count) return valuesOf(values, count, dtype, `input ${name}`)
      const isList = length !== undefined && typeof values[0] !== 'object'
      const found = isList ? `${length} numbers` : values === undefined ? 'nothing' : shown(values)
      const expected = `input ${name} is ${formatShape(shape)}: expected ${count} numbers`
      throw new RmaatError('program', `${expected}, found ${found}`)
    })
  }
}

const hostValue = ({ shape }: Pick<Port, 'shape'>, values: HostArray): number | HostArray =>
  shape.length === 0 ? values[0] : values

/** Makes the plan of a function, without a backend: what `compile` would run. */
export function plan<I extends Inputs, R extends Results | Tensor>(
  device: Device | undefined,
  specs: I,
  build: Build<I, R>,
  told: Told = () => {},
): Plan {
  takes(
    'compile',
    { device, inputs: specs, build, told },
    { device: maybe(aDevice), inputs: anObject, build: aFunction, told: aFunction },
  )
  told('formulas')
  const inputs = Object.fromEntries(
    Object.entries(specs).map(([name, spec]) => {
      takes('compile', { [`input ${name}`]: spec }, { [`input ${name}`]: anInput })
      const { shape, dtype } = spec
      checkShape(`input ${name}`, shape)
      return [name, new Tensor('input', [], { name }, shape, dtype, device)]
    }),
  )
  const built = build(inputs as Parameters<Build<I, R>>[0])
  const results = built instanceof Tensor ? { [ALONE]: built } : built
  takes('compile', { 'what build returns': results }, { 'what build returns': tensorsByName }, 'program')
  const { updates = [], ...outputs } = results as Record<string, Tensor> & { readonly updates?: readonly Update[] }
  checkUpdates(device, updates)
  for (const [name, output] of Object.entries(outputs)) {
    const what = name === ALONE ? 'what build returns' : `the result ${name}`
    if (!(output instanceof Tensor)) throw new RmaatError('program', `${what} is ${shown(output)}; expected a tensor`)
    if (output.device && output.device !== device)
      throw new RmaatError('device', `${what} lives on another device than the program: ${output.device.name}`)
  }
  return lower({ inputs, outputs, updates }, told)
}

const tensorsByName = kind('a tensor, or tensors by name', anObject.fits)
const anInput = kind(
  'f32(...sizes) or i32(...sizes)',
  (value) => anObject.fits(value) && aDType.fits((value as InputSpec).dtype),
)
const anUpdate = kind(
  'a pair [variable, tensor]',
  (value) => Array.isArray(value) && value.length === 2 && aVariable.fits(value[0]) && aTensor.fits(value[1]),
)
export const someUpdates = listOf(anUpdate, 'pairs [variable, tensor]')

function checkUpdates(device: Device | undefined, updates: readonly Update[]): void {
  takes('compile', { updates }, { updates: someUpdates }, 'program')
  const seen = new Set<Variable>()
  for (const [variable, value] of updates) {
    if (variable.device !== device) throw new RmaatError('device', `an update of a variable on ${variable.device.name}`)
    if (seen.has(variable)) throw new RmaatError('program', 'a variable is updated twice; join the two values in one')
    const [before, after] = [variable, value].map(typeOf)
    if (before !== after) throw new RmaatError('program', `a variable ${before} cannot become ${after}`)
    seen.add(variable)
  }
}

/**
 * Compiles a function of tensors to a program of kernels. `build` is called once, with tensors that stand for the
 * inputs; it returns one tensor, or the results by name and, under `updates`, the new values of variables. `told` hears of
 * each stage that begins, and on a GPU how many pipelines are compiled.
 */
export function compile<I extends Inputs, R extends Results | Tensor>(
  device: Device,
  inputs: I,
  build: Build<I, R>,
  told: Told = () => {},
): Program<I, R> {
  takes('compile', { device }, { device: aDevice })
  device.check()
  const made = plan(device, inputs, build, told)
  told('loading')
  return new Program<I, R>(device, made, (done, of) => told('pipelines', done, of))
}

/** The values of tensors that need no inputs: builds a program, runs it and forgets it. */
export async function read(device: Device, ...tensors: Tensor[]): Promise<HostArray[]> {
  takes('read', { device }, { device: aDevice })
  for (const [i, one] of tensors.entries()) takes('read', { [`tensor ${i}`]: one }, { [`tensor ${i}`]: aTensor })
  const program = compile(device, {}, () => Object.fromEntries(tensors.map((tensor, i) => [`${i}`, tensor])))
  try {
    return Object.values(await program.arrays({}))
  } finally {
    program.close()
  }
}

declare module '../tensor/tensor.ts' {
  interface Tensor {
    /**
     * The values of a tensor that is made of variables of a device and needs no inputs, now: a number of a scalar, else an
     * array in row-major order. Builds a program, runs it and forgets it.
     * @throws RmaatError 'device' for a tensor of constants alone, which `read(device, x)` computes on any device
     */
    read<T extends Tensor>(this: T): Promise<HostValue<T>>
  }
}

Object.defineProperty(Tensor.prototype, 'read', {
  async value(this: Tensor, ...rest: unknown[]) {
    takesInOrder('read', rest, {})
    if (!(this.device instanceof Device))
      throw new RmaatError('device', `read: ${this} lives on no device; read(device, x) computes it on one`)
    const [values] = await read(this.device, this)
    return hostValue(this, values)
  },
})
