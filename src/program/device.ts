import { aFunction, type Kind, kind, notPromised, shown, takes } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import type { DType, Shape } from '../tensor/dtype.ts'
import { aVariable } from '../tensor/kinds.ts'
import { checkShape, shapeError, sizeOf } from '../tensor/shape.ts'
import type { DeviceIdentity } from '../tensor/tensor.ts'
import { lengthOf, valuesOf } from '../tensor/values.ts'
import { Variable } from '../tensor/variable.ts'
import type { Plan, View } from './plan.ts'

/** Numbers as a device hands them out: 32-bit ones, or doubles on the reference. */
export type HostArray = Float32Array | Int32Array | Float64Array

/**
 * What a backend promises. It knows plans and numbered variables, and nothing of tensors or operations. Runs execute in
 * the order of their calls. What crosses this line is plain data.
 */
export interface Backend {
  readonly name: string
  /** What it runs on, for people. */
  readonly description: string
  /** What else is worth knowing of it: adapter, limits, features. Keys are words in camel case, sizes end in `Bytes`. */
  readonly details?: Readonly<Record<string, string | number | boolean>>
  /**
   * Results of at most so many bytes stay in a cache until the next kernel reads them: a batch is split into micro-batches
   * (slices) with results of that size. Without it, a whole batch is one slice.
   */
  readonly sliceBytes?: number
  /** Variables hold zeros at first. */
  createVariable(id: number, elements: number, dtype: DType): void
  writeVariable(id: number, values: ArrayLike<number>): void
  readVariable(id: number): Promise<HostArray>
  deleteVariable(id: number): void
  /**
   * Readies a plan for many runs. The arena it needs is shared with all other plans of the backend. Where a device has a
   * compiler of its own, `compiled` hears how many of its pipelines are ready.
   */
  load(plan: Plan, compiled?: (done: number, of: number) => void): Loaded
  /** Bytes that the backend holds at this moment: arena, variables, inputs, programs and workspaces. */
  readonly heldBytes: number
  close(): void
}

export interface Loaded {
  /** Bytes beside arena, inputs and variables: packing buffers, registers, the encoded program. */
  readonly workspace: number
  /**
   * Inputs and outputs in the order of the plan's ports. Before it resolves, `timed` hears how many milliseconds it took
   * where it ran, those not counted in which an earlier run was under way.
   */
  run(inputs: readonly ArrayLike<number>[], timed?: (milliseconds: number) => void): Promise<HostArray[]>
  /** Runs once with a clock at each kernel: milliseconds for each instruction of the plan, loops summed up. */
  profile(inputs: readonly ArrayLike<number>[]): Promise<Float64Array>
  /** Runs the first `count` instructions of a plan without loops; `peek` then shows what any view holds. */
  runTo(inputs: readonly ArrayLike<number>[], count: number): Promise<void>
  peek(view: View, dtype: DType): Promise<HostArray>
  close(): void
}

/** A device that is open: the owner of variables, the target of `compile`. */
export class Device implements DeviceIdentity {
  /** What computes; its `description` says with what, and why. */
  readonly backend: Backend
  /** Of the variables that are there. */
  private readonly ids = new Set<number>()
  private closed = false
  /** Within `allOrNothing`: what gives back what was made so far. */
  private undo: (() => void)[] | undefined

  constructor(backend: Backend) {
    this.backend = backend
  }

  /** `webgpu`, `wasm` or `reference`. */
  get name(): string {
    return this.backend.name
  }

  /** Memory that outlives a run, with the given values or zeros. */
  variable(shape: Shape, dtype: DType = 'f32', values?: ArrayLike<number>): Variable {
    this.check()
    checkShape('variable', shape)
    const variable = new Variable(this, shape, dtype)
    const given = values === undefined ? undefined : valuesFor(variable, values)
    return this.allOrNothing(() => {
      this.backend.createVariable(variable.id, sizeOf(shape), dtype)
      this.ids.add(variable.id)
      this.made(() => this.delete(variable))
      if (given) this.backend.writeVariable(variable.id, given)
      return variable
    })
  }

  /** Tells `allOrNothing`, where it is under way, how what was just made is given back. */
  made(undo: () => void): void {
    takes('made', { undo }, { undo: aFunction })
    this.undo?.push(undo)
  }

  /**
   * What `make` returns, which is there at once and no promise: where it throws, the variables and programs that it has made
   * are given back.
   */
  allOrNothing<Made>(make: () => Made): Made {
    takes('allOrNothing', { make }, { make: aFunction })
    const { undo: outer } = this
    const own: (() => void)[] = []
    this.undo = own
    try {
      const made = make()
      takes('allOrNothing', { 'what make returns': made }, { 'what make returns': notPromised })
      outer?.push(...own)
      return made
    } catch (error) {
      for (const undo of own.reverse()) undo()
      throw error
    } finally {
      this.undo = outer
    }
  }

  /** Sets a variable to values in row-major order, which are copied before this returns; runs that were begun before see the old ones. */
  write(variable: Variable, values: ArrayLike<number>): void {
    this.checkOwn(variable)
    this.backend.writeVariable(variable.id, valuesFor(variable, values))
  }

  /** A variable's values after all that was begun before, in row-major order. */
  readVariable(variable: Variable): Promise<HostArray> {
    this.checkOwn(variable)
    return this.backend.readVariable(variable.id)
  }

  /** Gives a variable's memory back. */
  delete(variable: Variable): void {
    takes('delete', { variable }, { variable: aVariable })
    if (this.ids.delete(variable.id)) this.backend.deleteVariable(variable.id)
  }

  /** Whether a variable, by its id, is still there. */
  has(id: number): boolean {
    return this.ids.has(id)
  }

  /** Throws where the device is closed. */
  check(): void {
    if (this.closed) throw new RmaatError('device', `the device ${this.name} is closed`)
  }

  private checkOwn(variable: Variable): void {
    this.check()
    takes(this.name, { variable }, { variable: aVariable })
    if (!this.ids.has(variable.id))
      throw new RmaatError('device', `no such variable on ${this.name}: deleted, or another device's`)
  }

  /** Gives back all that it holds, its variables and programs with it; runs that were begun may fail. */
  close(): void {
    if (this.closed) return
    this.closed = true
    this.ids.clear()
    this.backend.close()
  }
}

export const aDevice: Kind = kind('a device of openDevice', (value) => value instanceof Device)

/** As many numbers as a variable holds. */
function valuesFor({ shape, dtype }: Variable, values: ArrayLike<number>): ArrayLike<number> {
  const [count, found] = [sizeOf(shape), lengthOf(values)]
  if (found !== count)
    throw shapeError`a variable of shape ${shape} takes ${count} values, found ${found ?? shown(values)}`
  return valuesOf(values, count, dtype, 'a variable')
}
