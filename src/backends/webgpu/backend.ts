import { RmaatError } from '../../errors.ts'
import type { Backend, HostArray, Loaded } from '../../program/device.ts'
import type { Plan } from '../../program/plan.ts'
import { BufferUsage, MapMode } from '../../runtime/gpu.ts'
import type { DType } from '../../tensor/dtype.ts'
import { Heap, type Piece } from '../heap.ts'
import { loadNested } from '../nesting.ts'
import type { Abilities } from './dispatch.ts'
import { GpuMemory, granted } from './memory.ts'
import { type Pipelines, pipelinesOf } from './pipelines.ts'
import { WebgpuProgram } from './program.ts'
import { hostData, type Job, type Needs, type OwnBuffers, type Owner, type Shared } from './shared.ts'

/** A part of the heap. The GPU is asked for it later than the heap. */
class GpuVariable implements Owner {
  readonly piece: Piece
  readonly dtype: DType
  refused: unknown
  private readonly heap: Heap
  private there = true

  constructor(heap: Heap, elements: number, dtype: DType) {
    this.heap = heap
    this.piece = heap.allocate(elements * 4, `a variable of ${elements} elements`)
    this.dtype = dtype
  }

  /** How long the heap must be to hold it. */
  get end(): number {
    return this.piece.at + this.piece.bytes
  }

  refuse(error: unknown): void {
    this.refused = error
    this.release()
  }

  release(): void {
    if (this.there) this.heap.release(this.piece)
    this.there = false
  }
}

/** Programs run by WGSL kernels on a GPU, one submit a run. */
export class WebgpuBackend implements Backend, Shared {
  readonly name = 'webgpu'
  readonly description: string
  readonly details: Backend['details']
  readonly device: GPUDevice
  readonly abilities: Abilities
  readonly pipelines: Pipelines
  readonly memory: GpuMemory
  private readonly heap: Heap
  private readonly variables = new Map<number, GpuVariable>()
  private readonly programs = new Set<OwnBuffers>()
  lastEnd = 0
  private order: Promise<unknown> = Promise.resolve()
  private fault: RmaatError | undefined
  private readonly lost: Promise<void>

  constructor(device: GPUDevice, abilities: Abilities, description: string, details: Backend['details'] = {}) {
    this.details = details
    this.device = device
    this.abilities = abilities
    this.description = description
    this.pipelines = pipelinesOf(device)
    this.memory = new GpuMemory(device)
    this.heap = new Heap((bytes, purpose) => this.memory.check(bytes, purpose))
    this.lost = device.lost.then(({ message, reason }) => {
      this.fault ??= new RmaatError(
        'device',
        `the GPU was lost (${reason}): ${message || 'no reason given'}; open the device again, or another one`,
      )
    })
    device.onuncapturederror = ({ error }) => {
      const what = error.constructor.name === 'GPUOutOfMemoryError' ? 'memory' : 'internal'
      this.fault ??= new RmaatError(what, `the GPU reports: ${error.message}`)
    }
  }

  get heldBytes(): number {
    return [...this.programs].reduce((sum, { ownBytes }) => sum + ownBytes, this.memory.bytes)
  }

  createVariable(id: number, elements: number, dtype: DType): void {
    const variable = new GpuVariable(this.heap, elements, dtype)
    this.variables.set(id, variable)
    const { piece, end } = variable
    this.enqueue({ bytes: end, owner: variable }, async () => {
      const encoder = this.device.createCommandEncoder()
      encoder.clearBuffer(this.memory.buffer, piece.at, piece.bytes)
      this.device.queue.submit([encoder.finish()])
      return submitted
    }).catch(toldLater)
  }

  writeVariable(id: number, values: ArrayLike<number>): void {
    const variable = this.variables.get(id)!
    const { piece, dtype, end } = variable
    const data = hostData(dtype, values)
    this.enqueue({ bytes: end, owner: variable, uses: [variable] }, async () => {
      await granted(this.device, `${piece.bytes} bytes to write a variable`, () => this.memory.write(piece.at, data))
      return submitted
    }).catch(toldLater)
  }

  readVariable(id: number): Promise<HostArray> {
    const variable = this.variables.get(id)!
    return this.readHeap(variable.piece, variable.dtype, [variable])
  }

  deleteVariable(id: number): void {
    this.variables.get(id)!.release()
    this.variables.delete(id)
  }

  load(plan: Plan, compiled?: (done: number, of: number) => void): Loaded {
    return loadNested(plan, (flat) => this.loadFlat(flat, compiled))
  }

  private loadFlat(plan: Plan, compiled?: (done: number, of: number) => void): Loaded {
    const holding = this.heap.hold()
    let program: WebgpuProgram
    try {
      program = new WebgpuProgram(plan, this, holding, compiled)
    } catch (error) {
      holding.release()
      throw error
    }
    this.programs.add(program)
    this.enqueue({ bytes: this.heap.bytes, owner: program }, () => program.make()).catch(toldLater)
    return program
  }

  unload(program: OwnBuffers): void {
    if (!this.programs.delete(program)) return
    this.enqueue({ bytes: 0 }, async () => {
      program.destroy()
      return submitted
    }).catch(toldLater)
  }

  close(): void {
    this.fault ??= new RmaatError('device', 'the device webgpu is closed')
    this.programs.clear()
    this.variables.clear()
    this.memory.close()
    this.device.destroy()
  }

  get scratch(): number {
    return this.heap.scratch
  }

  get arena(): number {
    return this.heap.arena
  }

  variable(id: number): Owner & { readonly piece: Piece } {
    return this.variables.get(id)!
  }

  async enqueue<Result>({ bytes, uses = [], owner }: Needs, job: Job<Result>): Promise<Result> {
    const turn = this.order.then(async () => {
      if (this.fault) throw this.fault
      const unusable = uses.find(({ refused }) => refused)
      if (unusable) throw unusable.refused
      try {
        await this.memory.ensure(bytes)
        return await job()
      } catch (error) {
        owner?.refuse(error)
        throw error
      }
    })
    this.order = turn.catch(() => {})
    try {
      const result = await (await turn).done
      if (this.fault) throw this.fault
      return result
    } catch (error) {
      // what the GPU refuses after it was lost says less than why it was lost
      const inItsWords = !(error instanceof RmaatError) || error.cause !== undefined
      if (!this.fault && inItsWords) {
        let timer: ReturnType<typeof setTimeout> | undefined
        const patience = new Promise((resolve) => {
          timer = setTimeout(resolve, LOSS_IS_TOLD)
        })
        await Promise.race([this.lost, patience])
        clearTimeout(timer) // it would keep a process alive
      }
      throw this.fault ?? error
    }
  }

  readHeap({ at, bytes }: Piece, dtype: DType, uses: readonly Owner[]): Promise<HostArray> {
    return this.enqueue({ bytes: at + bytes, uses }, async () => {
      const staging = await granted(this.device, `${bytes} bytes to read from the heap`, () =>
        this.device.createBuffer({ size: Math.max(4, bytes), usage: BufferUsage.MAP_READ | BufferUsage.COPY_DST }),
      )
      const encoder = this.device.createCommandEncoder()
      encoder.copyBufferToBuffer(this.memory.buffer, at, staging, 0, bytes)
      this.device.queue.submit([encoder.finish()])
      const done = staging.mapAsync(MapMode.READ).then(() => {
        const copy = staging.getMappedRange().slice(0, bytes)
        return dtype === 'f32' ? new Float32Array(copy) : new Int32Array(copy)
      })
      return { done: done.finally(() => staging.destroy()) }
    })
  }
}

const submitted = { done: Promise.resolve() }

/** Nobody waits for it: whoever uses what was refused hears of it. */
const toldLater = (): void => {}

/**
 * Milliseconds after which a refusal is taken for what it says, and not for a GPU that was lost. A browser hears of a loss from
 * another process, which may be busy.
 */
const LOSS_IS_TOLD = 10_000
