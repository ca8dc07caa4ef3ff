import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { BufferUsage, gpuEntry, MapMode, ShaderStage } from '../../src/runtime/gpu.ts'
import { testOn } from '../support/devices.ts'

test('the entry is one and the same, and so is what it throws', async () => {
  const ask = () => gpuEntry().catch((error: Error) => error)
  assert.is(await ask(), await ask())
})

testOn('webgpu')('an adapter computes', async () => {
  const adapter = await (await gpuEntry()).requestAdapter()
  const device = await adapter!.requestDevice()
  const [size, count] = [256, 64]
  const data = device.createBuffer({ size, usage: BufferUsage.STORAGE | BufferUsage.COPY_SRC })
  const back = device.createBuffer({ size, usage: BufferUsage.MAP_READ | BufferUsage.COPY_DST })
  const layout = device.createBindGroupLayout({
    entries: [{ binding: 0, visibility: ShaderStage.COMPUTE, buffer: { type: 'storage' } }],
  })
  const module = device.createShaderModule({
    code: `@group(0) @binding(0) var<storage, read_write> data: array<f32>;
      @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) { data[id.x] = f32(id.x) / 2; }`,
  })
  const pipeline = await device.createComputePipelineAsync({
    layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
    compute: { module, entryPoint: 'main' },
  })
  const encoder = device.createCommandEncoder()
  const pass = encoder.beginComputePass()
  pass.setPipeline(pipeline)
  pass.setBindGroup(0, device.createBindGroup({ layout, entries: [{ binding: 0, resource: { buffer: data } }] }))
  pass.dispatchWorkgroups(1)
  pass.end()
  encoder.copyBufferToBuffer(data, 0, back, 0, size)
  device.queue.submit([encoder.finish()])
  await back.mapAsync(MapMode.READ)
  assert.equal(
    [...new Float32Array(back.getMappedRange())],
    Array.from({ length: count }, (_, i) => i / 2),
  )
  back.unmap()
  device.destroy()
})

test.run()
