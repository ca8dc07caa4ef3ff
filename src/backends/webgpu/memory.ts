import { RmaatError } from '../../errors.ts'
import { BufferUsage } from '../../runtime/gpu.ts'

const MIB = 2 ** 20

/** The heap as one GPU buffer. It is made, or made longer with its contents copied, when it is next used. */
export class GpuMemory {
  private readonly device: GPUDevice
  private held: GPUBuffer | undefined
  private needed = 4

  constructor(device: GPUDevice) {
    this.device = device
  }

  /**
   * Asks for at least so many bytes.
   * @throws RmaatError 'memory' past the limits of the adapter
   */
  grow(bytes: number, purpose: string): void {
    const { maxStorageBufferBindingSize: binding, maxBufferSize: buffer } = this.device.limits
    const most = Math.min(binding, buffer)
    if (bytes > most) {
      throw new RmaatError(
        'memory',
        `${purpose} does not fit: ${bytes} bytes (${Math.ceil(bytes / MIB)} MiB) are needed in all, and this adapter ` +
          `binds at most ${most} (${Math.floor(most / MIB)} MiB) at once`,
      )
    }
    this.needed = Math.max(this.needed, bytes)
  }

  /** What it holds when it is used next. */
  get bytes(): number {
    return this.needed
  }

  write(at: number, data: Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>): void {
    // Deno ends the process where nothing is written
    if (data.length) this.device.queue.writeBuffer(this.buffer, at, data)
  }

  close(): void {
    this.held?.destroy()
    this.needed = 0
  }

  get buffer(): GPUBuffer {
    const old = this.held
    if (old && old.size >= this.needed) return old
    const buffer = this.device.createBuffer({
      label: 'heap',
      size: this.needed,
      usage: BufferUsage.STORAGE | BufferUsage.COPY_SRC | BufferUsage.COPY_DST,
    })
    if (old) {
      const encoder = this.device.createCommandEncoder()
      encoder.copyBufferToBuffer(old, 0, buffer, 0, old.size)
      this.device.queue.submit([encoder.finish()])
      old.destroy()
    }
    this.held = buffer
    return buffer
  }
}
