import { RmaatError } from '../../errors.ts'
import { BufferUsage } from '../../runtime/gpu.ts'

const MIB = 2 ** 20

/**
 * Does something that allocates memory of the GPU.
 * @param what `1024 bytes for the results`
 * @throws RmaatError 'memory' where it refuses; no other error scope sees it
 */
export async function granted<Result>(device: GPUDevice, what: string, ask: () => Result): Promise<Result> {
  device.pushErrorScope('out-of-memory')
  const result = ask()
  const refusal = await device.popErrorScope()
  if (refusal) throw new RmaatError('memory', `the GPU has no ${what}: ${refusal.message}`)
  return result
}

/** The heap as one GPU buffer. It is created, or copied into a longer one, at its next use. */
export class GpuMemory {
  private readonly device: GPUDevice
  private held: GPUBuffer | undefined

  constructor(device: GPUDevice) {
    this.device = device
  }

  /** @throws RmaatError 'memory' where so many bytes are past the limits of the adapter */
  check(bytes: number, purpose: string): void {
    const { maxStorageBufferBindingSize: binding, maxBufferSize: buffer } = this.device.limits
    const most = Math.min(binding, buffer)
    if (bytes > most) {
      throw new RmaatError(
        'memory',
        `${purpose} does not fit: ${bytes} bytes (${Math.ceil(bytes / MIB)} MiB) are needed in all, and this adapter ` +
          `binds at most ${most} (${Math.floor(most / MIB)} MiB) at once`,
      )
    }
  }

  get bytes(): number {
    return this.held?.size ?? 0
  }

  get buffer(): GPUBuffer {
    if (!this.held) throw new RmaatError('internal', 'the heap is used before it is made')
    return this.held
  }

  /**
   * Makes it at least so long.
   * @throws RmaatError 'memory' where the system refuses; it stays as it is
   */
  async ensure(bytes: number): Promise<void> {
    const old = this.held
    if (old && old.size >= bytes) return
    const beside = old ? `, beside the ${old.size} that are copied into them` : ''
    const buffer = await granted(
      this.device,
      `${bytes} bytes (${Math.ceil(bytes / MIB)} MiB) for the heap${beside}`,
      () =>
        this.device.createBuffer({
          label: 'heap',
          size: bytes,
          usage: BufferUsage.STORAGE | BufferUsage.COPY_SRC | BufferUsage.COPY_DST,
        }),
    )
    if (old) {
      const encoder = this.device.createCommandEncoder()
      encoder.copyBufferToBuffer(old, 0, buffer, 0, old.size)
      this.device.queue.submit([encoder.finish()])
      old.destroy()
    }
    this.held = buffer
  }

  write(at: number, data: Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>): void {
    // Deno ends the process where nothing is written
    if (data.length) this.device.queue.writeBuffer(this.buffer, at, data)
  }

  close(): void {
    this.held?.destroy()
    this.held = undefined
  }
}
