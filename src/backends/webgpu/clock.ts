import { BufferUsage, MapMode } from '../../runtime/gpu.ts'
import { granted } from './memory.ts'

/** Queries that one set may hold. */
const QUERIES = 4096

/**
 * Milliseconds of each call, in a pass of its own that `encode` fills: by the GPU's clock where it has one, else by the
 * host's, and then the cost of a submit is in it.
 */
export async function clock<Call>(
  device: GPUDevice,
  calls: readonly Call[],
  encode: (pass: GPUComputePassEncoder, call: Call) => void,
): Promise<number[]> {
  const measure = device.features.has('timestamp-query') ? byTimestamps : bySubmits
  const times: number[] = []
  for (let first = 0; first < calls.length; first += QUERIES / 2) {
    times.push(...(await measure(device, calls.slice(first, first + QUERIES / 2), encode)))
  }
  return times
}

const byTimestamps: typeof clock = async (device, calls, encode) => {
  const bytes = calls.length * 16
  const [querySet, resolved, readable] = await granted(
    device,
    `${bytes} bytes for time stamps`,
    () =>
      [
        device.createQuerySet({ type: 'timestamp', count: calls.length * 2 }),
        device.createBuffer({ size: bytes, usage: BufferUsage.QUERY_RESOLVE | BufferUsage.COPY_SRC }),
        device.createBuffer({ size: bytes, usage: BufferUsage.MAP_READ | BufferUsage.COPY_DST }),
      ] as const,
  )
  const encoder = device.createCommandEncoder()
  calls.forEach((call, i) => {
    const timestampWrites = { querySet, beginningOfPassWriteIndex: 2 * i, endOfPassWriteIndex: 2 * i + 1 }
    const pass = encoder.beginComputePass({ timestampWrites })
    encode(pass, call)
    pass.end()
  })
  encoder.resolveQuerySet(querySet, 0, calls.length * 2, resolved, 0)
  encoder.copyBufferToBuffer(resolved, 0, readable, 0, bytes)
  device.queue.submit([encoder.finish()])
  await readable.mapAsync(MapMode.READ)
  const nanoseconds = new BigUint64Array(readable.getMappedRange())
  const times = calls.map((_, i) => Number(nanoseconds[2 * i + 1] - nanoseconds[2 * i]) / 1e6)
  for (const gone of [querySet, resolved, readable]) gone.destroy()
  return times
}

const bySubmits: typeof clock = async (device, calls, encode) => {
  const times: number[] = []
  for (const call of calls) {
    const encoder = device.createCommandEncoder()
    const pass = encoder.beginComputePass()
    encode(pass, call)
    pass.end()
    const begin = performance.now()
    device.queue.submit([encoder.finish()])
    await device.queue.onSubmittedWorkDone()
    times.push(performance.now() - begin)
  }
  return times
}
