import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { WebgpuBackend } from '../../src/backends/webgpu/backend.ts'
import { RmaatError } from '../../src/errors.ts'
import '../../src/ops/methods.ts'
import type { Device } from '../../src/program/device.ts'
import { compile, f32 } from '../../src/program/program.ts'
import { held } from '../support/devices.ts'

/** Calls `refuse` where a device asks for memory; returns what ends that. */
function watch({ backend }: Device, refuse: () => boolean): () => void {
  if (backend instanceof WebgpuBackend) return watchGpu(backend.device, refuse)
  const check = (): void => {
    if (refuse()) throw new RangeError('no room')
  }
  if (backend.name === 'wasm') {
    const { prototype } = WebAssembly.Memory
    const { grow } = prototype
    prototype.grow = function (pages) {
      check()
      return grow.call(this, pages)
    }
    return () => {
      prototype.grow = grow
    }
  }
  const real = globalThis.Float64Array
  globalThis.Float64Array = new Proxy(real, {
    construct(target, given, made) {
      if (typeof given[0] === 'number') check()
      return Reflect.construct(target, given, made)
    },
  })
  return () => {
    globalThis.Float64Array = real
  }
}

function watchGpu(gpu: GPUDevice, refuse: () => boolean): () => void {
  const { queue } = gpu
  const [create, pop, write] = [
    gpu.createBuffer.bind(gpu),
    gpu.popErrorScope.bind(gpu),
    queue.writeBuffer.bind(queue),
  ] as const
  const scopes: boolean[] = []
  const push = gpu.pushErrorScope.bind(gpu)
  const put = (target: object, name: string, value: unknown): void => {
    Object.defineProperty(target, name, { value, configurable: true, writable: true })
  }
  const ask = (): boolean => {
    if (scopes.length === 0) return false
    const refused = refuse()
    if (refused) scopes[scopes.length - 1] = true
    return refused
  }
  put(gpu, 'pushErrorScope', (filter: GPUErrorFilter) => {
    scopes.push(false)
    push(filter)
  })
  put(gpu, 'popErrorScope', async () => {
    const refused = scopes.pop()
    const found = await pop()
    return refused ? { message: 'no room' } : found
  })
  put(gpu, 'createBuffer', (descriptor: GPUBufferDescriptor) => {
    const buffer = create(descriptor)
    if (ask()) buffer.destroy()
    return buffer
  })
  put(queue, 'writeBuffer', (...given: Parameters<GPUQueue['writeBuffer']>) => {
    if (!ask()) write(...given)
  })
  return () => {
    put(gpu, 'pushErrorScope', push)
    put(gpu, 'popErrorScope', pop)
    put(gpu, 'createBuffer', create)
    put(queue, 'writeBuffer', write)
  }
}

/** More than a page of WebAssembly's memory. */
const SIZE = 17_000
const long = Float32Array.from({ length: SIZE }, (_, i) => i % 7)
const sum = long.reduce((a, b) => a + b)
/** Takes `parts` times 68,000 bytes of the arena. */
const large = (device: Device, parts: number) =>
  compile(device, { x: f32(parts, SIZE) }, ({ x }) => ({ y: x.sum(), z: x.add(1) }))

// what the kernels of a build compute makes no difference here
for (const [name, open] of Object.entries(held).filter(([name]) => !name.includes('simd'))) {
  test(`${name}: what is refused memory, at any place, is told so, and disturbs nothing that was there before`, async () => {
    let [asked, refused] = [0, 0]
    while (asked >= refused) {
      refused++
      const device = await open()
      const variable = device.variable([4], 'f32', [1, 2, 3, 4])
      const older = [
        compile(device, { x: f32(4) }, ({ x }) => ({ y: x.add(1).sum().mul(variable) })),
        compile(device, { x: f32(4) }, ({ x }) => ({
          y: x
            .softmax()
            .matmul(variable.reshape([4, 1]))
            .exp()
            .log(),
          updates: [[variable, variable.mul(1)]],
        })),
      ]
      const run = async () => {
        const found = []
        for (const program of older) found.push(Array.from((await program.run({ x: [1, 2, 3, 4] })).y as Float32Array))
        return [...found, Array.from(await device.readVariable(variable))]
      }
      const before = await run()
      const closed = large(device, 1)
      await closed.run({ x: long })
      closed.close()

      asked = 0
      let watched = true
      const stop = watch(device, () => watched && ++asked === refused)
      const failures: unknown[] = []
      const attempt = async (action: () => Promise<void>): Promise<void> => {
        try {
          await action()
        } catch (error) {
          failures.push(error)
        }
        watched = false
        assert.equal(await run().catch((error) => error), before, `refusal ${refused}`)
        watched = true
      }
      try {
        await attempt(async () => {
          const program = large(device, 4)
          try {
            const x = Float32Array.from({ length: 4 * SIZE }, (_, i) => long[i % SIZE])
            assert.is((await program.run({ x })).y, 4 * sum)
          } finally {
            program.close()
          }
        })
        await attempt(async () => {
          const values = device.variable([16 * SIZE])
          try {
            assert.ok((await device.readVariable(values)).every((value) => value === 0))
            device.write(values, new Float32Array(16 * SIZE).fill(3))
            assert.ok((await device.readVariable(values)).every((value) => value === 3))
          } finally {
            device.delete(values)
          }
        })
      } finally {
        stop()
      }
      assert.is(failures.length, refused <= asked ? 1 : 0, `refusal ${refused}: ${failures}`)
      for (const failure of failures) {
        assert.instance(failure, RmaatError, `refusal ${refused}: ${failure}`)
        assert.is((failure as RmaatError).code, 'memory')
      }
      assert.equal(await run(), before)
      assert.is((await large(device, 1).run({ x: long })).y, sum)
      assert.equal(await run(), before)
      device.close()
    }
    assert.ok(asked > 1, `memory is asked for at ${asked} places`)
  })
}

test.run()
