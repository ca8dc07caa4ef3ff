import { isContiguous } from '../../program/axes.ts'
import type { Backend, HostArray, Loaded } from '../../program/device.ts'
import type { Plan, View } from '../../program/plan.ts'
import { turn } from '../../runtime/turns.ts'
import type { DType } from '../../tensor/dtype.ts'
import { addresses, addressOf, walk } from '../cursor.ts'
import { Heap, type Holding, type Piece } from '../heap.ts'
import { loadNested } from '../nesting.ts'
import { LOOP_DEPTH } from '../sizes.ts'
import { sizeOfControl } from './control.ts'
import { type Encoded, encode, SLICE_BYTES, threadBytes, workspaceOf } from './encode.ts'
import { LIMIT, LinearMemory } from './memory.ts'
import { Threads } from './threads.ts'

/** What assembly/program.ts exports. */
interface Kernels {
  run(start: number, end: number, scratch: number, scratchStep: number, threads: number): number
  setIteration(level: number, value: number): void
  attach(control: number, thread: number): void
}

export interface WasmOptions {
  /** With the calling one; a module with threads is expected where there are more than one. */
  readonly threads: number
  readonly description: string
  readonly relaxed: boolean
  /** The least work of a thread's part, in nanoseconds; 0 shares everything. */
  readonly grain?: number
  /** Seconds without a heartbeat, after which a thread counts as gone. */
  readonly patience?: number
  /** In a page: the file that threads run, instead of a blob. */
  readonly worker?: string | URL
}

/** Programs run by AssemblyScript kernels in one linear memory, one call a program. */
export class WasmBackend implements Backend {
  readonly name = 'wasm'
  readonly sliceBytes = SLICE_BYTES
  readonly description: string
  readonly details: NonNullable<Backend['details']>
  /** Of WasmOptions. */
  readonly grain: number | undefined
  /** Until it is closed; freed with its last user. */
  private memory: LinearMemory | undefined
  private readonly heap = new Heap((bytes, purpose) => this.memory!.grow(bytes, purpose))
  private threads: Threads | undefined
  private kernels: Kernels | undefined
  private readonly variables = new Map<number, Piece & { dtype: DType }>()

  private constructor(module: WebAssembly.Module, { threads, description, relaxed, grain }: WasmOptions) {
    this.description = description
    this.details = { vectorBits: 128, relaxedSimd: relaxed, threads, memoryLimitBytes: LIMIT }
    this.grain = grain
    this.memory = new LinearMemory(threads > 1)
    const imports = { env: { memory: this.memory.memory, abort: () => {} } }
    this.kernels = new WebAssembly.Instance(module, imports).exports as unknown as Kernels
  }

  /** @throws RmaatError 'device' where the threads do not start */
  static async open(module: WebAssembly.Module, options: WasmOptions): Promise<WasmBackend> {
    const backend = new WasmBackend(module, options)
    if (options.threads > 1) await backend.start(module, options)
    return backend
  }

  private async start(module: WebAssembly.Module, { threads, patience = 20, worker }: WasmOptions): Promise<void> {
    const { at: control } = this.heap.allocate(sizeOfControl(threads), 'what threads tell each other')
    const { memory } = this.memory!
    this.threads = await Threads.start(threads, { module, memory, control, patience, worker })
    this.kernels!.attach(control, 0)
  }

  get threadCount(): number {
    return this.threads?.count ?? 1
  }

  get heldBytes(): number {
    return this.memory?.bytes ?? 0
  }

  createVariable(id: number, elements: number, dtype: DType): void {
    const piece = this.heap.allocate(elements * 4, `a variable of ${elements} elements`)
    this.variables.set(id, { ...piece, dtype })
    this.array(dtype, piece.at, elements).fill(0)
  }

  writeVariable(id: number, values: ArrayLike<number>): void {
    const { at, dtype } = this.variables.get(id)!
    this.array(dtype, at, values.length).set(values)
  }

  async readVariable(id: number): Promise<HostArray> {
    const { at, bytes, dtype } = this.variables.get(id)!
    return this.array(dtype, at, bytes / 4).slice()
  }

  deleteVariable(id: number): void {
    this.heap.release(this.variables.get(id)!)
    this.variables.delete(id)
  }

  load(plan: Plan): Loaded {
    return loadNested(plan, (flat) => this.loadFlat(flat))
  }

  private loadFlat(plan: Plan): Loaded {
    const holding = this.heap.hold()
    try {
      return new WasmProgram(plan, this, holding)
    } catch (error) {
      holding.release()
      throw error
    }
  }

  close(): void {
    this.variables.clear()
    this.threads?.close()
    this.threads = undefined
    this.kernels = undefined
    this.memory = undefined
  }

  /** Where the arena begins. */
  get arena(): number {
    return this.heap.arena
  }

  baseOf(buffer: Plan['buffers'][number]): number {
    return buffer.kind === 'variable' ? this.variables.get(buffer.id)!.at : this.heap.arena
  }

  /** Runs encoded instructions, by all threads where they are `shared`. */
  run(start: number, end: number, scratchBytes: number, shared: boolean): void {
    const { threads } = this
    threads?.check()
    if (!threads || !shared) this.kernels!.run(start, end, this.heap.scratch, 0, 1)
    else {
      try {
        if (this.kernels!.run(start, end, this.heap.scratch, scratchBytes, threads.count)) return
      } catch (error) {
        threads.fail(String(error))
      }
      threads.check()
    }
  }

  setIteration(level: number, value: number): void {
    this.kernels!.setIteration(level, value)
  }

  array(dtype: DType, at: number, elements: number): Float32Array | Int32Array {
    const { buffer } = this.memory!.memory
    return dtype === 'f32' ? new Float32Array(buffer, at, elements) : new Int32Array(buffer, at, elements)
  }
}

/** A plan in linear memory: its words, and behind them its inputs and constants. */
class WasmProgram implements Loaded {
  private readonly holding: Holding
  private readonly plan: Plan
  private readonly backend: WasmBackend
  private readonly encoded: Encoded
  private readonly start: number
  /** Where each buffer begins; for arena and variables the backend knows. */
  private readonly own: (number | undefined)[]
  /** The address of the arena that is in the words. */
  private linked: number | undefined

  /** `holding` receives what is allocated, so that it can be given back if more is refused. */
  constructor(plan: Plan, backend: WasmBackend, holding: Holding) {
    this.plan = plan
    this.holding = holding
    this.backend = backend
    this.encoded = encode(plan, backend.threadCount, backend.grain)
    const { scratch, threadPrivate } = threadBytes(plan, this.encoded, backend.threadCount)
    holding.reserve(scratch, plan.memory.arena * 4 + threadPrivate)
    this.start = holding.allocate(this.encoded.words.byteLength, 'the program')
    this.own = plan.buffers.map((buffer) => {
      if (buffer.kind !== 'input' && buffer.kind !== 'constant') return undefined
      return holding.allocate(buffer.elements * 4, buffer.kind === 'input' ? `the input ${buffer.name}` : 'a constant')
    })
    plan.buffers.forEach((buffer, i) => {
      if (buffer.kind === 'constant') backend.array(buffer.dtype, this.own[i]!, buffer.elements).set(buffer.values)
    })
  }

  get workspace(): number {
    return workspaceOf(this.plan, this.backend.threadCount, this.encoded)
  }

  /** Writes the words with the addresses as they are now, where the arena has moved since. */
  private link(): void {
    if (this.linked === this.backend.arena) return
    const { words, relocations, jumps } = this.encoded
    const bases = this.plan.buffers.map((buffer, i) => this.own[i] ?? this.backend.baseOf(buffer))
    for (const { word, buffer, bytes } of relocations) words[word] = (bases[buffer] + bytes) | 0
    for (const { word, target } of jumps) words[word] = (this.start + target * 4) | 0
    this.backend.array('i32', this.start, words.length).set(words)
    this.linked = this.backend.arena
  }

  async run(inputs: readonly ArrayLike<number>[], timed?: (milliseconds: number) => void): Promise<HostArray[]> {
    const begin = performance.now()
    this.feed(inputs)
    const { scratch, sharing } = this.encoded
    this.backend.run(this.start, 0, scratch, sharing.worthwhile)
    const results = this.plan.outputs.map(({ view, dtype }) => this.look(view, dtype))
    timed?.(performance.now() - begin)
    const pause = turn()
    if (pause) await pause
    return results
  }

  async profile(inputs: readonly ArrayLike<number>[]): Promise<Float64Array> {
    this.feed(inputs)
    const { instructions } = this.plan
    const times = new Float64Array(instructions.length)
    walk(instructions, instructions.length, (_, at, iterations) => {
      for (let level = 0; level < LOOP_DEPTH; level++) this.backend.setIteration(level, iterations[level] ?? 0)
      const begin = performance.now()
      this.execute(at, at + 1)
      times[at] += performance.now() - begin
    })
    for (let level = 0; level < LOOP_DEPTH; level++) this.backend.setIteration(level, 0)
    return times
  }

  async runTo(inputs: readonly ArrayLike<number>[], count: number): Promise<void> {
    this.feed(inputs)
    this.execute(0, count)
  }

  async peek(view: View, dtype: DType): Promise<HostArray> {
    return this.look(view, dtype)
  }

  close(): void {
    this.holding.release()
  }

  private execute(from: number, to: number): void {
    const { starts, scratch, sharing } = this.encoded
    const shared = sharing.worthwhile && sharing.parts.slice(from, to).some((parts) => parts > 1)
    this.backend.run(this.start + starts[from] * 4, this.start + starts[to] * 4, scratch, shared)
  }

  private feed(inputs: readonly ArrayLike<number>[]): void {
    this.link()
    this.plan.inputs.forEach(({ view, dtype }, i) => {
      this.backend.array(dtype, this.own[view.buffer]!, inputs[i].length).set(inputs[i])
    })
  }

  private look({ axes, ...place }: View, dtype: DType): HostArray {
    const base = this.own[place.buffer] ?? this.backend.baseOf(this.plan.buffers[place.buffer])
    const size = axes.reduce((product, axis) => product * axis.size, 1)
    const from = this.backend.array(dtype, base, this.plan.buffers[place.buffer].elements)
    const start = addressOf(place, [])
    if (isContiguous(axes)) return from.slice(start, start + size)
    const result = dtype === 'f32' ? new Float32Array(size) : new Int32Array(size)
    let at = 0
    for (const address of addresses(start, axes)) result[at++] = from[address]
    return result
  }
}
