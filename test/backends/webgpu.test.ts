import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { grad } from '../../src/autograd/grad.ts'
import { openDevice } from '../../src/backends/open.ts'
import type { WebgpuBackend } from '../../src/backends/webgpu/backend.ts'
import { openAdapter } from '../../src/backends/webgpu/open.ts'
import { RmaatError } from '../../src/errors.ts'
import { AdamW } from '../../src/optim/adamw.ts'
import { SGD } from '../../src/optim/sgd.ts'
import type { Device } from '../../src/program/device.ts'
import { compile, f32, i32 } from '../../src/program/program.ts'
import { batchValues } from '../../src/rmaat/batch.ts'
import { Rmaat } from '../../src/rmaat/model.ts'
import { stepInputs, trainingStep } from '../../src/train/step.ts'
import { testOn } from '../support/devices.ts'
import { fails } from '../support/fails.ts'
import { someBatch, tiny } from '../support/model.ts'

const onGpu = testOn('webgpu')

const gpuOf = ({ backend }: Device): GPUDevice => (backend as WebgpuBackend).device

/** Counts what a device is asked to make, and what it is given to do. */
function counted(
  device: Device,
): Record<'createBuffer' | 'createBindGroup' | 'createComputePipeline' | 'submit', number> {
  const counts = { createBuffer: 0, createBindGroup: 0, createComputePipeline: 0, submit: 0 }
  const gpu = gpuOf(device)
  const count = <T extends object, Name extends keyof T & string>(target: T, name: Name, as: keyof typeof counts) => {
    const real = (target[name] as (...args: unknown[]) => unknown).bind(target)
    Object.defineProperty(target, name, {
      value: (...args: unknown[]) => {
        counts[as]++
        return real(...args)
      },
    })
  }
  count(gpu, 'createBuffer', 'createBuffer')
  count(gpu, 'createBindGroup', 'createBindGroup')
  count(gpu, 'createComputePipelineAsync', 'createComputePipeline')
  count(gpu.queue, 'submit', 'submit')
  return counts
}

const square = (device: Device) => compile(device, { x: f32(4) }, ({ x }) => ({ y: x.mul(x) }))
const worksOn = async (device: Device): Promise<void> => {
  assert.equal([...(await square(device).arrays({ x: [1, 2, 3, 4] })).y], [1, 4, 9, 16])
}

onGpu('a training step is one submit, and makes no buffer, bind group or pipeline after the first', async () => {
  const device = await openDevice('webgpu')
  const counts = counted(device)
  const model = new Rmaat(device, { ...tiny, segments: 3 })
  const optimizer = new AdamW(model.parameters)
  const options = { method: 'amrb', batch: 2, clip: 1 } as const
  const compiled: (number | undefined)[][] = []
  const program = compile(device, stepInputs(model, 2), trainingStep(model, optimizer, options), (stage, done, of) => {
    if (stage === 'pipelines') compiled.push([done, of])
  })
  const inputs = batchValues(someBatch(2, model.config), model.config, model.config.retention)
  const run = (step: number) => program.arrays({ ...inputs, step, rate: 1e-3 })
  await Promise.all([run(1), run(2)])
  const first = { ...counts }
  assert.ok(first.createComputePipeline > 10)
  assert.equal(
    compiled,
    Array.from({ length: first.createComputePipeline }, (_, i) => [i + 1, first.createComputePipeline]),
  )
  const held = device.backend.heldBytes
  const losses: number[] = []
  let waiting = run(3)
  for (let step = 4; step < 14; step++) {
    const next = run(step)
    losses.push((await waiting).loss[0])
    waiting = next
  }
  losses.push((await waiting).loss[0])
  assert.ok(losses.every(Number.isFinite) && losses[10] < losses[0], `${losses}`)
  assert.equal(counts, { ...first, submit: first.submit + 11 })
  assert.is(device.backend.heldBytes, held)
  device.close()
})

onGpu('a thousand steps hold no more memory than the first, and what is held is what was planned', async () => {
  const device = await openDevice('webgpu')
  const w = device.variable(
    [5, 3],
    'f32',
    Float32Array.from({ length: 15 }, (_, i) => Math.sin(i)),
  )
  const optimizer = new SGD([w], { rate: 0.1 })
  const program = compile(device, { x: f32(8, 5), y: f32(8, 3) }, ({ x, y }) => {
    const loss = x.matmul(w).sub(y).square().mean()
    return { loss, updates: optimizer.update(grad(loss, [w])) }
  })
  const x = Float32Array.from({ length: 40 }, (_, i) => Math.cos(3 * i))
  const y = Float32Array.from({ length: 24 }, (_, i) => Math.cos(5 * i))
  const first = await program.run({ x, y })
  const counts = counted(device)
  const { arena, inputs, variables, workspace } = program.memory
  const held = device.backend.heldBytes
  assert.ok(Math.abs(held - (arena + inputs + variables + workspace)) <= 1024, `${held} bytes are held`)
  let last = first
  let waiting = program.run({ x, y })
  for (let step = 0; step < 1000; step++) {
    const next = program.run({ x, y })
    last = await waiting
    waiting = next
  }
  await waiting
  assert.ok(last.loss < first.loss / 2)
  assert.is(counts.createBuffer + counts.createBindGroup, 0)
  assert.is(device.backend.heldBytes, held)
  device.close()
})

onGpu(
  'runs, writes and reads happen in the order of their calls, though the first waits for its pipelines',
  async () => {
    const device = await openDevice('webgpu')
    const variable = device.variable([2], 'f32', [1, 2])
    const add = compile(device, { x: f32(2) }, ({ x }) => ({
      y: variable.add(x),
      updates: [[variable, variable.add(x)]],
    }))
    const one = add.arrays({ x: [1, 1] })
    const between = device.readVariable(variable)
    device.write(variable, [10, 20])
    const two = add.arrays({ x: [5, 5] })
    // a variable moves the arena while runs are waiting
    const late = device.variable([100_000], 'i32')
    const three = add.arrays({ x: [0, 1] })
    const zeros = device.readVariable(late)
    add.close()
    assert.equal([...(await one).y], [2, 3])
    assert.equal([...(await between)], [2, 3])
    assert.equal([...(await two).y], [15, 25])
    assert.equal([...(await three).y], [15, 26])
    assert.ok((await zeros).every((value) => value === 0))
    device.close()
  },
)

onGpu('what is closed, compiled or deleted while runs wait does not touch them', async () => {
  const device = await openDevice('webgpu')
  const keep = device.variable([2], 'f32', [3, 3])
  const gone = device.variable([2], 'f32', [4, 4])
  const x = Float32Array.from({ length: 4096 }, (_, i) => i)
  const first = compile(device, { x: f32(4096) }, ({ x }) => ({ y: x.add(1), z: x.mul(x).reshape([64, 64]).sum(0) }))
  const uses = compile(device, {}, () => ({ y: gone.mul(2), updates: [[gone, gone.add(1)]] }))
  const runs = [first.arrays({ x }), first.arrays({ x })]
  const used = uses.arrays({})
  first.close()
  device.delete(gone)
  const second = compile(device, { x: f32(64, 64) }, ({ x }) => ({ y: x.matmul(x).sum() }))
  const late = second.run({ x: new Float32Array(4096).fill(1) })
  for (const { y, z } of await Promise.all(runs)) {
    assert.ok(y.every((value: number, i: number) => value === i + 1))
    assert.ok(Math.abs(z[1] / 349_827_136 - 1) < 1e-6)
  }
  assert.equal([...(await used).y], [8, 8])
  assert.is((await late).y, 64 ** 3)
  assert.equal([...(await device.readVariable(keep))], [3, 3])
  device.close()
})

onGpu('a heap that the GPU refuses is the error of what asked for it', async () => {
  const device = await openDevice('webgpu')
  const gpu = gpuOf(device)
  const program = square(device)
  await program.run({ x: [1, 2, 3, 4] })
  const scope = gpu.popErrorScope.bind(gpu)
  const large = device.variable([100_000])
  Object.defineProperty(gpu, 'popErrorScope', {
    configurable: true,
    value: async () => (await scope()) ?? { message: 'no room' },
  })
  await fails('memory', /no \d+ bytes .* for the heap.*no room/, () => device.readVariable(large))
  device.close()
})

onGpu('a variable that takes the place of a deleted one begins with zeros', async () => {
  const device = await openDevice('webgpu')
  const first = device.variable([1000], 'f32', new Float32Array(1000).fill(7))
  const other = device.variable([8], 'f32', new Float32Array(8).fill(3))
  device.delete(first)
  assert.ok((await device.readVariable(device.variable([1000]))).every((value) => value === 0))
  assert.ok((await device.readVariable(other)).every((value) => value === 3))
  device.close()
})

onGpu('dispatches past the limit of one axis are folded onto two', async () => {
  const device = await openDevice('webgpu')
  const { limits } = gpuOf(device)
  const most = 7
  Object.defineProperty(gpuOf(device), 'limits', {
    value: new Proxy(limits, {
      get: (_, name: keyof GPUSupportedLimits) => (name === 'maxComputeWorkgroupsPerDimension' ? most : limits[name]),
    }),
  })
  const groups: number[][] = []
  const encoder = gpuOf(device).createCommandEncoder.bind(gpuOf(device))
  Object.defineProperty(gpuOf(device), 'createCommandEncoder', {
    value: () => {
      const made = encoder()
      const begin = made.beginComputePass.bind(made)
      Object.defineProperty(made, 'beginComputePass', {
        value: () => {
          const pass = begin()
          const dispatch = pass.dispatchWorkgroups.bind(pass)
          Object.defineProperty(pass, 'dispatchWorkgroups', {
            value: (...axes: [number, number]) => {
              groups.push(axes)
              dispatch(...axes)
            },
          })
          return pass
        },
      })
      return made
    },
  })
  // a workgroup holds 256 elements
  const size = 256 * (3 * most + 1) + 5
  const program = compile(device, { x: i32(size) }, ({ x }) => ({ y: x.mul(2) }))
  const { y } = await program.arrays({ x: Int32Array.from({ length: size }, (_, i) => i) })
  assert.equal(groups, [[6, 4]])
  assert.ok(y.every((value: number, i: number) => value === 2 * i))
  device.close()
})

onGpu('a plan past the limits of the adapter is refused with the numbers, and the device goes on', async () => {
  const device = await openDevice('webgpu')
  const { maxStorageBufferBindingSize, maxBufferSize } = gpuOf(device).limits
  const most = Math.min(maxStorageBufferBindingSize, maxBufferSize)
  const side = Math.ceil(Math.sqrt(most / 4)) + 1
  await fails('memory', new RegExp(`does not fit: \\d+ bytes .* binds at most ${most}`), () =>
    compile(device, { x: f32(side, side) }, ({ x }) => ({ y: x.sum() })),
  )
  await fails('memory', /a variable of \d+ elements does not fit/, () => device.variable([side, side]))
  assert.ok(device.backend.heldBytes < 65536, `${device.backend.heldBytes} bytes are held`)
  await worksOn(device)
  device.close()
})

onGpu('no adapter is an error that says what is missing', async () => {
  await fails('device', /no adapter.*driver/, () => openAdapter(Promise.resolve({ requestAdapter: async () => null })))
})

onGpu('a device that is lost rejects what is running, and can be opened again', async () => {
  const device = await openDevice('webgpu')
  const program = square(device)
  await program.run({ x: [1, 2, 3, 4] })
  // whichever of them hears of it first, somebody must listen
  const allFail = async (running: readonly Promise<unknown>[]) => {
    for (const result of await Promise.allSettled(running)) {
      assert.is(result.status, 'rejected')
      const { reason } = result as PromiseRejectedResult
      assert.instance(reason, RmaatError)
      assert.is(reason.code, 'device')
      assert.match(reason.message, /the GPU was lost/)
    }
  }
  const running = allFail([program.run({ x: [1, 2, 3, 4] }), program.run({ x: [1, 2, 3, 4] })])
  gpuOf(device).destroy()
  await running
  await fails('device', /the GPU was lost/, () => program.run({ x: [1, 2, 3, 4] }))
  device.close()
  // while the GPU is at work, and another program's pipelines are compiled
  const busy = await openDevice('webgpu')
  const x = new Float32Array(192 * 192).fill(0.01)
  const heavy = compile(busy, { x: f32(192, 192) }, ({ x }) => ({ y: x.matmul(x).matmul(x).sum() }))
  await heavy.run({ x })
  const atWork = heavy.run({ x })
  const compiling = compile(busy, { x: f32(7) }, ({ x }) => ({ y: x.tanh().exp().log() })).run({ x: x.slice(0, 7) })
  const both = allFail([atWork, compiling])
  await new Promise((resolve) => setTimeout(resolve, 0))
  gpuOf(busy).destroy()
  await both
  busy.close()
  const again = await openDevice('webgpu')
  await worksOn(again)
  again.close()
})

onGpu('what the compiler of WGSL refuses is shown with its line', async () => {
  const device = await openDevice('webgpu')
  const gpu = gpuOf(device)
  const real = gpu.createShaderModule.bind(gpu)
  Object.defineProperty(gpu, 'createShaderModule', {
    configurable: true,
    value: ({ code, label }: GPUShaderModuleDescriptor) =>
      real({ label, code: code.replace('let width =', 'let width : f32 =') }),
  })
  await fails('device', /refuses the kernel fused:\n {2}line \d+, column \d+: [\s\S]*f32[\s\S]*\n {4}let width/, () =>
    square(device).run({ x: [1, 2, 3, 4] }),
  )
  Object.defineProperty(gpu, 'createShaderModule', { value: real })
  const sum = compile(device, { x: f32(4) }, ({ x }) => ({ y: x.add(1) }))
  assert.equal([...(await sum.arrays({ x: [1, 2, 3, 4] })).y], [2, 3, 4, 5])
  device.close()
})

onGpu('the time of each kernel is measured', async () => {
  const device = await openDevice('webgpu')
  const program = compile(device, { x: f32(64, 64) }, ({ x }) => ({ y: x.matmul(x).softmax().sum() }))
  const kernels = await program.profile({ x: new Float32Array(4096).fill(0.1) })
  assert.ok(kernels.length >= 2)
  for (const { milliseconds } of kernels) assert.ok(milliseconds >= 0 && milliseconds < 60_000)
  assert.ok(kernels.some(({ milliseconds }) => milliseconds > 0))
  device.close()
})

test.run()
