import { elementsOf, isContiguous } from '../../program/axes.ts'
import type { HostArray } from '../../program/device.ts'
import { extentOf } from '../../program/kernels.ts'
import type { Port, View } from '../../program/plan.ts'
import { BufferUsage, MapMode } from '../../runtime/gpu.ts'
import { addresses } from '../cursor.ts'
import { granted } from './memory.ts'
import type { Submitted } from './shared.ts'

/** How many runs may be in flight before another readback buffer is made. */
const IN_FLIGHT = 2

/** The elements of a buffer that a view reaches into. */
interface Range {
  readonly buffer: number
  readonly first: number
  readonly length: number
}

/** Reads the results of runs back, through buffers that the host can map. */
export class Results {
  private readonly device: GPUDevice
  private readonly outputs: readonly Port[]
  private readonly ranges: readonly Range[]
  private readonly size: number
  /** Buffers that no run uses. */
  private readonly free: GPUBuffer[] = []
  private count = IN_FLIGHT
  private destroyed = false

  constructor(device: GPUDevice, outputs: readonly Port[]) {
    this.device = device
    this.outputs = outputs
    this.ranges = outputs.map(({ view }) => rangeOf(view))
    this.size = Math.max(
      4,
      this.ranges.reduce((sum, { length }) => sum + length * 4, 0),
    )
  }

  /** Of all readback buffers. */
  get bytes(): number {
    return this.count * this.size
  }

  async make(): Promise<void> {
    while (this.free.length < IN_FLIGHT) this.free.push(await this.create())
  }

  /** Submits what is encoded, together with the copy of the results. `bases` are bytes of the heap. */
  async submit(encoder: GPUCommandEncoder, heap: GPUBuffer, bases: readonly number[]): Promise<Submitted<HostArray[]>> {
    const readback = this.free.pop() ?? (await this.createAnother())
    let at = 0
    for (const { buffer, first, length } of this.ranges) {
      encoder.copyBufferToBuffer(heap, bases[buffer] + first * 4, readback, at, length * 4)
      at += length * 4
    }
    this.device.queue.submit([encoder.finish()])
    return { done: this.read(readback) }
  }

  private async read(readback: GPUBuffer): Promise<HostArray[]> {
    await readback.mapAsync(MapMode.READ)
    const held = readback.getMappedRange()
    let at = 0
    const results = this.outputs.map(({ view, dtype }, i) => {
      const { first, length } = this.ranges[i]
      const part = held.slice(at, at + length * 4)
      at += length * 4
      return pick(dtype === 'f32' ? new Float32Array(part) : new Int32Array(part), view, first)
    })
    readback.unmap()
    if (this.destroyed) readback.destroy()
    else this.free.push(readback)
    return results
  }

  destroy(): void {
    this.destroyed = true
    for (const readback of this.free.splice(0)) readback.destroy()
  }

  private create(): Promise<GPUBuffer> {
    const { device, size } = this
    return granted(device, `${size} bytes for the results of a run`, () =>
      device.createBuffer({ label: 'results', size, usage: BufferUsage.MAP_READ | BufferUsage.COPY_DST }),
    )
  }

  private async createAnother(): Promise<GPUBuffer> {
    const readback = await this.create()
    this.count++
    return readback
  }
}

/** The smallest range that holds a view. */
export function rangeOf(view: View): Range {
  const { buffer, low, high } = extentOf(view)
  return elementsOf(view.axes) === 0
    ? { buffer, first: view.offset, length: 0 }
    : { buffer, first: low, length: high - low + 1 }
}

/** The elements of a view, out of the range that begins at `first`. */
export function pick(held: HostArray, { offset, axes }: View, first: number): HostArray {
  if (isContiguous(axes)) return held
  const picked = Array.from(addresses(offset - first, axes), (address) => held[address])
  return held instanceof Float32Array ? Float32Array.from(picked) : Int32Array.from(picked)
}
