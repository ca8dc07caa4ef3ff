import { type Encoded, SCRATCH } from '../../src/backends/webgpu/dispatch.ts'
import { openAdapter } from '../../src/backends/webgpu/open.ts'
import { type Pipelines, pipelinesOf } from '../../src/backends/webgpu/pipelines.ts'
import { BufferUsage, MapMode } from '../../src/runtime/gpu.ts'

const ALIGNED = 16

/** Runs the dispatches of one call on a heap of their own, without plans and programs. */
export class Harness {
  private readonly device: GPUDevice
  private readonly pipelines: Pipelines

  private constructor(device: GPUDevice) {
    this.device = device
    this.pipelines = pipelinesOf(device)
  }

  static async open(): Promise<Harness> {
    return new Harness(await (await openAdapter()).requestDevice())
  }

  close(): void {
    this.device.destroy()
  }

  /** Runs it for each iteration of the loops around it on buffers that hold `memory`. Returns what they hold then. */
  async run(
    { dispatches, scratch }: Encoded,
    memory: readonly Float32Array[],
    iterations: readonly (readonly number[])[] = [[0, 0]],
  ): Promise<Float32Array[]> {
    const { device } = this
    let elements = 0
    const lay = (size: number): number => {
      const at = elements
      elements += Math.ceil((size + 1) / ALIGNED) * ALIGNED
      return at
    }
    const bases = memory.map(({ length }) => lay(length))
    const scratchBase = lay(scratch)
    const heap = this.buffer(elements, BufferUsage.STORAGE | BufferUsage.COPY_DST | BufferUsage.COPY_SRC)
    const held = this.buffer(elements, BufferUsage.MAP_READ | BufferUsage.COPY_DST)
    memory.forEach((values, i) => {
      // Deno 2.9 panics where there is nothing to write
      if (values.length > 0) device.queue.writeBuffer(heap, bases[i] * 4, new Float32Array(values))
    })

    // every block is bound as long as the longest: Deno 2.9 holds each against the dispatch before
    const words = Math.max(...dispatches.map(({ block }) => block.words.length))
    const prepared = await Promise.all(
      dispatches.map(async ({ name, source, block, groups }) => {
        const uniform = new Int32Array(words)
        uniform.set(block.words)
        for (const { word, buffer, offset } of block.places)
          uniform[word] = offset + (buffer === SCRATCH ? scratchBase : bases[buffer])
        return { pipeline: await this.pipelines.get(name, source), block: this.uniform(uniform), groups }
      }),
    )
    const encoder = device.createCommandEncoder()
    const pass = encoder.beginComputePass()
    const used = [heap, held, ...prepared.map(({ block }) => block)]
    for (const iteration of iterations) {
      const now = this.uniform(Int32Array.of(iteration[0] ?? 0, iteration[1] ?? 0, 0, 0))
      used.push(now)
      for (const { pipeline, block, groups } of prepared) {
        const entries = [heap, block, now].map((buffer, binding) => ({ binding, resource: { buffer } }))
        pass.setPipeline(pipeline)
        pass.setBindGroup(0, device.createBindGroup({ layout: this.pipelines.bindings, entries }), [0, 0])
        // two rows, as a device folds what is too long for one
        pass.dispatchWorkgroups(Math.ceil(groups / 2), 2)
      }
    }
    pass.end()
    encoder.copyBufferToBuffer(heap, 0, held, 0, elements * 4)
    device.queue.submit([encoder.finish()])
    await held.mapAsync(MapMode.READ)
    const found = new Float32Array(held.getMappedRange().slice(0))
    for (const buffer of used) buffer.destroy()
    return memory.map(({ length }, i) => found.subarray(bases[i], bases[i] + length))
  }

  private buffer(elements: number, usage: number): GPUBuffer {
    return this.device.createBuffer({ size: elements * 4, usage })
  }

  private uniform(words: Int32Array<ArrayBuffer>): GPUBuffer {
    const buffer = this.buffer(words.length, BufferUsage.UNIFORM | BufferUsage.COPY_DST)
    this.device.queue.writeBuffer(buffer, 0, words)
    return buffer
  }
}
