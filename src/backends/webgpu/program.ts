import { RmaatError } from '../../errors.ts'
import type { HostArray, Loaded } from '../../program/device.ts'
import { isKernel } from '../../program/kernels.ts'
import type { Plan, View } from '../../program/plan.ts'
import { BufferUsage } from '../../runtime/gpu.ts'
import type { DType } from '../../tensor/dtype.ts'
import { type Iterations, walk } from '../cursor.ts'
import type { Holding } from '../heap.ts'
import { clock } from './clock.ts'
import { type EncodedPlan, encode, ITERATION_BYTES, link, type Placed } from './encode.ts'
import { granted } from './memory.ts'
import { pick, Results, rangeOf } from './results.ts'
import { hostData, type OwnBuffers, type Owner, type Shared, type Submitted } from './shared.ts'

type Pipelined = ReadonlyMap<Placed, GPUComputePipeline>

interface Call {
  readonly dispatch: Placed
  readonly iteration: number
  readonly groups: number
}

/** A plan as dispatches: its uniforms in a buffer of its own, its inputs and constants in the heap. */
export class WebgpuProgram implements Loaded, Owner, OwnBuffers {
  refused: unknown
  private readonly holding: Holding
  private readonly plan: Plan
  private readonly backend: Shared
  private readonly encoded: EncodedPlan
  /** Where inputs and constants begin, in bytes; for arena and variables the backend knows. */
  private readonly own: (number | undefined)[]
  private uniforms: GPUBuffer | undefined
  private readonly results: Results
  private readonly pipelines: Promise<Pipelined>
  /** The bind group, and the heap and addresses that it and the uniforms were made for. */
  private linked: { heap: GPUBuffer; group: GPUBindGroup; bases: readonly number[] } | undefined
  /** Of the block and the iteration that a dispatch binds. */
  private readonly offsets = new Uint32Array(2)

  /** `holding` receives what is allocated, so that it can be given back if more is refused. */
  constructor(plan: Plan, backend: Shared, holding: Holding, compiled?: (done: number, of: number) => void) {
    const { device } = backend
    this.plan = plan
    this.backend = backend
    this.holding = holding
    this.encoded = encode(plan, backend.abilities, device.limits.minUniformBufferOffsetAlignment)
    if (this.encoded.blockBytes > device.limits.maxUniformBufferBindingSize) {
      throw new RmaatError(
        'device',
        `a kernel takes ${this.encoded.blockBytes} bytes of uniforms, this adapter binds at most ` +
          `${device.limits.maxUniformBufferBindingSize}`,
      )
    }
    const { byteLength } = this.encoded.uniforms
    if (byteLength > device.limits.maxBufferSize) {
      throw new RmaatError(
        'memory',
        `the program takes ${byteLength} bytes of uniforms, nearly all for the iterations of its loops; this adapter's ` +
          `buffers hold at most ${device.limits.maxBufferSize}`,
      )
    }
    holding.reserve(this.encoded.scratch * 4, plan.memory.arena * 4)
    this.own = plan.buffers.map((buffer) => {
      if (buffer.kind !== 'input' && buffer.kind !== 'constant') return undefined
      return holding.allocate(buffer.elements * 4, buffer.kind === 'input' ? `the input ${buffer.name}` : 'a constant')
    })
    this.results = new Results(device, plan.outputs)
    this.pipelines = this.compile(compiled)
    this.pipelines.catch(() => {}) // a run will tell
  }

  get workspace(): number {
    const constants = this.plan.buffers.reduce(
      (sum, buffer) => sum + (buffer.kind === 'constant' ? buffer.elements * 4 : 0),
      0,
    )
    return this.ownBytes + this.encoded.scratch * 4 + constants
  }

  /** Bytes of the GPU buffers beside the heap. */
  get ownBytes(): number {
    return this.encoded.uniforms.byteLength + this.results.bytes
  }

  /** Makes the buffers beside the heap. */
  async make(): Promise<Submitted<void>> {
    const { device } = this.backend
    const size = this.encoded.uniforms.byteLength
    this.uniforms = await granted(device, `${size} bytes for the uniforms of a program`, () =>
      device.createBuffer({ label: 'uniforms', size, usage: BufferUsage.UNIFORM | BufferUsage.COPY_DST }),
    )
    await this.results.make()
    return { done: Promise.resolve() }
  }

  refuse(error: unknown): void {
    this.refused = error
    this.backend.unload(this)
    this.holding.release()
  }

  run(inputs: readonly ArrayLike<number>[], timed?: (milliseconds: number) => void): Promise<HostArray[]> {
    return this.start(inputs, async (pipelines, bases) => {
      const begin = performance.now()
      const encoder = this.backend.device.createCommandEncoder()
      this.encode(encoder, pipelines, this.plan.instructions.length)
      const { done } = await this.results.submit(encoder, this.backend.memory.buffer, bases)
      const told = done.then((results) => {
        const end = performance.now()
        timed?.(end - Math.max(begin, this.backend.lastEnd))
        this.backend.lastEnd = end
        return results
      })
      return { done: told }
    })
  }

  profile(inputs: readonly ArrayLike<number>[]): Promise<Float64Array> {
    return this.start(inputs, async (pipelines) => {
      const times = new Float64Array(this.plan.instructions.length)
      const calls: Call[] = []
      this.walk(times.length, (call) => calls.push(call))
      const measured = await clock(this.backend.device, calls, (pass, call) => {
        pass.setPipeline(pipelines.get(call.dispatch)!)
        this.dispatch(pass, call)
      })
      // calls beside each other share their time by their workgroups
      for (const [i, { dispatch }] of calls.entries())
        for (const { instruction, groups } of dispatch.shares)
          times[instruction] += (measured[i] * groups) / dispatch.groups
      return { done: Promise.resolve(times) }
    })
  }

  runTo(inputs: readonly ArrayLike<number>[], count: number): Promise<void> {
    return this.start(inputs, (pipelines) => {
      const encoder = this.backend.device.createCommandEncoder()
      this.encode(encoder, pipelines, count)
      this.backend.device.queue.submit([encoder.finish()])
      return { done: Promise.resolve() }
    })
  }

  /**
   * Takes the inputs and all addresses as they are now, and uses them at this run's turn: what is closed, deleted or moved
   * afterwards comes after it on the GPU as well.
   */
  private start<Result>(
    inputs: readonly ArrayLike<number>[],
    submit: (pipelines: Pipelined, bases: readonly number[]) => Submitted<Result> | Promise<Submitted<Result>>,
  ): Promise<Result> {
    const data = this.plan.inputs.map(({ dtype }, i) => hostData(dtype, inputs[i]))
    const bases = this.plan.buffers.map((_, buffer) => this.baseOf(buffer))
    const { scratch, arena, memory } = this.backend
    return this.backend.enqueue({ bytes: arena + this.plan.memory.arena * 4, uses: this.uses }, async () => {
      const pipelines = await this.pipelines
      this.link(bases, scratch)
      this.plan.inputs.forEach(({ view }, i) => {
        memory.write(bases[view.buffer], data[i])
      })
      return submit(pipelines, bases)
    })
  }

  async peek(view: View, dtype: DType): Promise<HostArray> {
    const { buffer, first, length } = rangeOf(view)
    const piece = { at: this.baseOf(buffer) + first * 4, bytes: length * 4 }
    const held = await this.backend.readHeap(piece, dtype, this.uses)
    return pick(held, view, first)
  }

  close(): void {
    this.backend.unload(this)
    this.holding.release()
  }

  destroy(): void {
    this.uniforms?.destroy()
    this.results.destroy()
  }

  private baseOf(buffer: number): number {
    const own = this.own[buffer]
    if (own !== undefined) return own
    const shared = this.plan.buffers[buffer]
    return shared.kind === 'variable' ? this.backend.variable(shared.id).piece.at : this.backend.arena
  }

  /** Itself, and the variables that it reads or sets. */
  private get uses(): readonly Owner[] {
    const { buffers } = this.plan
    return [
      this,
      ...buffers.flatMap((buffer) => (buffer.kind === 'variable' ? [this.backend.variable(buffer.id)] : [])),
    ]
  }

  /** Compiles what is not compiled yet. */
  private async compile(compiled: (done: number, of: number) => void = () => {}): Promise<Pipelined> {
    const dispatches = this.encoded.dispatches.flat()
    const names = new Map(dispatches.map(({ name, source }) => [source, name]))
    let done = 0
    const made = await Promise.all(
      Array.from(names, async ([source, name]) => {
        const pipeline = await this.backend.pipelines.get(name, source)
        compiled(++done, names.size)
        return [source, pipeline] as const
      }),
    )
    const bySource = new Map(made)
    return new Map(dispatches.map((dispatch) => [dispatch, bySource.get(dispatch.source)!]))
  }

  /** Makes the bind group and the uniforms, if the heap has changed since the last run. `bases` and `scratch` are in bytes. */
  private link(bases: readonly number[], scratch: number): void {
    const { device, memory, pipelines } = this.backend
    const { uniforms, blockBytes } = this.encoded
    if (this.linked?.heap !== memory.buffer) {
      const resource = (buffer: GPUBuffer, size: number): GPUBufferBinding => ({ buffer, size })
      const group = device.createBindGroup({
        layout: pipelines.bindings,
        entries: [
          { binding: 0, resource: resource(memory.buffer, memory.buffer.size) },
          { binding: 1, resource: resource(this.uniforms!, blockBytes) },
          { binding: 2, resource: resource(this.uniforms!, ITERATION_BYTES) },
        ],
      })
      if (!this.linked) this.writeConstants()
      this.linked = { heap: memory.buffer, group, bases: [] }
    }
    const now = [scratch, ...bases]
    if (now.some((base, i) => base !== this.linked!.bases[i])) {
      link(
        this.encoded,
        bases.map((base) => base / 4),
        scratch / 4,
      )
      device.queue.writeBuffer(this.uniforms!, 0, uniforms)
      this.linked.bases = now
    }
  }

  private writeConstants(): void {
    this.plan.buffers.forEach((buffer, i) => {
      if (buffer.kind !== 'constant') return
      this.backend.memory.write(this.own[i]!, hostData(buffer.dtype, buffer.values))
    })
  }

  /**
   * Visits the dispatches of the instructions before `to`, each with the block of its iteration, and with so many workgroups as
   * belong to these: what runs beside a later one may stand there.
   */
  private walk(to: number, visit: (call: Call) => void): void {
    const { dispatches, iterations } = this.encoded
    const { instructions } = this.plan
    const blockOf = ([outer = 0, inner = 0]: Iterations): number =>
      iterations.at + outer * iterations.outer + inner * iterations.inner
    let end = to
    while (end < instructions.length && isKernel(instructions[end])) end++
    walk(instructions, end, (_, at, own) => {
      for (const dispatch of dispatches[at]) {
        const groups = dispatch.shares.reduce((sum, share) => sum + (share.instruction < to ? share.groups : 0), 0)
        if (groups) visit({ dispatch, iteration: blockOf(own), groups })
      }
    })
  }

  private encode(encoder: GPUCommandEncoder, pipelines: Pipelined, to: number): void {
    const pass = encoder.beginComputePass()
    let last: GPUComputePipeline | undefined
    this.walk(to, (call) => {
      const pipeline = pipelines.get(call.dispatch)!
      if (pipeline !== last) pass.setPipeline(pipeline)
      last = pipeline
      this.dispatch(pass, call)
    })
    pass.end()
  }

  private dispatch(pass: GPUComputePassEncoder, { dispatch, iteration, groups }: Call): void {
    const most = this.backend.device.limits.maxComputeWorkgroupsPerDimension
    const rows = Math.ceil(groups / most)
    this.offsets[0] = dispatch.at
    this.offsets[1] = iteration
    pass.setBindGroup(0, this.linked!.group, this.offsets, 0, 2)
    pass.dispatchWorkgroups(Math.ceil(groups / rows), rows)
  }
}
