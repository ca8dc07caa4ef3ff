import { RmaatError } from '../../errors.ts'
import type { Backend, HostArray, Loaded } from '../../program/device.ts'
import type { Plan } from '../../program/plan.ts'
import { BufferUsage, MapMode } from '../../runtime/gpu.ts'
import type { DType } from '../../tensor/dtype.ts'
import { Heap, type Piece } from '../heap.ts'
import { loadNested } from '../nesting.ts'
import type { Abilities } from './dispatch.ts'
import { GpuMemory } from './memory.ts'
import { type Pipelines, pipelinesOf } from './pipelines.ts'
import { hostData, type Shared, type Submitted, WebgpuProgram } from './program.ts'

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
  private readonly variables = new Map<number, Piece & { readonly dtype: DType }>()
  private readonly programs = new Set<WebgpuProgram>()
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
    const piece = this.allocate(elements * 4, `a variable of ${elements} elements`)
    this.variables.set(id, { ...piece, dtype })
    void this.enqueue(async () => {
      const encoder = this.device.createCommandEncoder()
      encoder.clearBuffer(this.memory.buffer, piece.at, piece.bytes)
      this.device.queue.submit([encoder.finish()])
      return submitted
    }).catch(this.toldLater)
  }

  writeVariable(id: number, values: ArrayLike<number>): void {
    const { at, dtype } = this.variables.get(id)!
    const data = hostData(dtype, values)
    void this.enqueue(async () => {
      this.memory.write(at, data)
      return submitted
    }).catch(this.toldLater)
  }

  readVariable(id: number): Promise<HostArray> {
    const { at, bytes, dtype } = this.variables.get(id)!
    return this.readHeap(at, bytes, dtype)
  }

  deleteVariable(id: number): void {
    const { at, bytes } = this.variables.get(id)!
    this.variables.delete(id)
    this.heap.release(at, bytes)
  }

  load(plan: Plan): Loaded {
    return loadNested(plan, (flat) => this.loadFlat(flat))
  }

  private loadFlat(plan: Plan): Loaded {
    const pieces: Piece[] = []
    try {
      const program = new WebgpuProgram(plan, this, pieces)
      this.programs.add(program)
      return program
    } catch (error) {
      for (const { at, bytes } of pieces) this.heap.release(at, bytes)
      throw error
    }
  }

  unload(program: WebgpuProgram): void {
    if (!this.programs.delete(program)) return
    for (const { at, bytes } of program.pieces) this.heap.release(at, bytes)
    void this.enqueue(async () => {
      program.destroy()
      return submitted
    }).catch(() => {})
  }

  close(): void {
    this.fault ??= new RmaatError('device', 'the device webgpu is closed')
    this.programs.clear()
    this.variables.clear()
    this.memory.close()
    this.device.destroy()
  }

  allocate(bytes: number, purpose: string): Piece {
    return { at: this.heap.allocate(bytes, purpose), bytes }
  }

  reserve(scratchBytes: number, arenaBytes: number): void {
    this.heap.reserve(scratchBytes, arenaBytes)
  }

  get scratch(): number {
    return this.heap.scratch
  }

  baseOf(buffer: Plan['buffers'][number]): number {
    return buffer.kind === 'variable' ? this.variables.get(buffer.id)!.at : this.heap.arena
  }

  async enqueue<Result>(job: () => Promise<Submitted<Result>>): Promise<Result> {
    const { bytes } = this.heap
    const turn = this.order.then(async () => {
      if (this.fault) throw this.fault
      await this.memory.ensure(bytes)
      return job()
    })
    this.order = turn.catch(() => {})
    try {
      const result = await (await turn).done
      if (this.fault) throw this.fault
      return result
    } catch (error) {
      // what the GPU refuses after it was lost says less than why it was lost
      if (!this.fault && !(error instanceof RmaatError)) {
        await Promise.race([this.lost, new Promise((resolve) => setTimeout(resolve, LOSS_IS_TOLD))])
      }
      throw this.fault ?? error
    }
  }

  /** What nobody waits for has failed: the next run rejects with it. */
  private readonly toldLater = (error: unknown): void => {
    this.fault ??= error as RmaatError
  }

  /** Reads a part of the heap through a buffer of its own. */
  readHeap(at: number, bytes: number, dtype: DType): Promise<HostArray> {
    return this.enqueue(async () => {
      const staging = this.device.createBuffer({
        size: Math.max(4, bytes),
        usage: BufferUsage.MAP_READ | BufferUsage.COPY_DST,
      })
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

const submitted: Submitted<void> = { done: Promise.resolve() }
/** Milliseconds after which a refusal is taken for what it says, and not for a GPU that was lost. */
const LOSS_IS_TOLD = 50
