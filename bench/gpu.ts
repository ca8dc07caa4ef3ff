// What a GPU reaches: square matrix products as a share of its own multiply-add peak, measured in the same run, and
// RMAAT's training step at sizes of the Long Range Arena beside the CPU. Writes bench/results/<adapter>.json.
//   npm run bench:gpu
import { mkdirSync, writeFileSync } from 'node:fs'
import { Command } from 'commander'
import type { WebgpuBackend } from '../src/backends/webgpu/backend.ts'
import { endUnread, notHere } from '../src/cli/output.ts'
import { compiledStep, workloadOf } from '../src/compare/step.ts'
import { compile, type Device, type Method, openDevice, variable } from '../src/index.ts'
import { BufferUsage, MapMode } from '../src/runtime/gpu.ts'
import { spreadOf } from './spread.ts'
import { listops, text, type Workload } from './training.ts'

const ROUNDS = 7
const round = (x: number): number => Number(x.toPrecision(4))

/** Median milliseconds of `runs` calls that are enqueued together, a call. */
async function timed(runs: number, run: () => Promise<unknown>): Promise<number> {
  await run()
  const times: number[] = []
  for (let i = 0; i < ROUNDS; i++) {
    const begin = performance.now()
    await Promise.all(Array.from({ length: runs }, run))
    times.push((performance.now() - begin) / runs)
  }
  return spreadOf(times).median
}

/** Multiply-adds of every invocation of a full GPU on its registers, in TFLOP/s. */
async function peak({ backend }: Device): Promise<number> {
  const { device } = backend as WebgpuBackend
  const [groups, steps] = [8192, 4096]
  const pipeline = await device.createComputePipelineAsync({
    layout: 'auto',
    compute: {
      module: device.createShaderModule({
        code: `
          @group(0) @binding(0) var<storage, read_write> out: array<vec4<f32>>;
          @compute @workgroup_size(256)
          fn main(@builtin(global_invocation_id) id: vec3<u32>) {
            let factor = vec4<f32>(f32(id.x) * 1e-9 + 0.999);
            var a = vec4<f32>(1.0, 2.0, 3.0, 4.0);
            var b = a + 1.0;
            var c = a + 2.0;
            var d = a + 3.0;
            for (var i = 0; i < ${steps}; i++) {
              a = fma(a, factor, factor);
              b = fma(b, factor, factor);
              c = fma(c, factor, factor);
              d = fma(d, factor, factor);
            }
            out[id.x % 1024u] = a + b + c + d;
          }`,
      }),
    },
  })
  const buffer = device.createBuffer({ size: 1024 * 16, usage: BufferUsage.STORAGE | BufferUsage.COPY_SRC })
  const readable = device.createBuffer({ size: 16, usage: BufferUsage.MAP_READ | BufferUsage.COPY_DST })
  const group = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [{ binding: 0, resource: { buffer } }],
  })
  const milliseconds = await timed(1, async () => {
    const encoder = device.createCommandEncoder()
    const pass = encoder.beginComputePass()
    pass.setPipeline(pipeline)
    pass.setBindGroup(0, group)
    for (let i = 0; i < 4; i++) pass.dispatchWorkgroups(groups)
    pass.end()
    encoder.copyBufferToBuffer(buffer, 0, readable, 0, 16)
    device.queue.submit([encoder.finish()])
    await readable.mapAsync(MapMode.READ)
    readable.unmap()
  })
  return (4 * groups * 256 * steps * 16 * 2) / milliseconds / 1e9
}

/** In TFLOP/s. */
async function product(device: Device, n: number): Promise<number> {
  const [a, b] = [1, 2].map((seed) => variable(device, [n, n], { init: 'normal', seed }))
  const c = device.variable([n, n])
  const program = compile(device, {}, () => ({ updates: [[c, a.matmul(b)]] }))
  const milliseconds = await timed(10, () => program.run({}))
  program.close()
  for (const gone of [a, b, c]) device.delete(gone)
  return (2 * n ** 3) / milliseconds / 1e9
}

/** Milliseconds of a training step. */
async function step(device: Device, { config, batch }: Workload, method: Method, runs: number): Promise<number> {
  const { run, close } = compiledStep(device, workloadOf({ name: 'rmaat', config }, config, batch), { method, clip: 1 })
  const milliseconds = await timed(runs, run)
  close()
  return milliseconds
}

new Command('npm run bench:gpu --')
  .description(
    "What a GPU reaches: products as a share of its peak, RMAAT's training step beside the CPU. A file in bench/results.",
  )
  .parse()
endUnread()

const gpu = await openDevice('webgpu').catch(notHere)
if (!gpu) process.exit()
const cpu = await openDevice('wasm')
console.log(gpu.backend.description)
const most = await peak(gpu)
console.log(`multiply-add peak: ${round(most)} TFLOP/s`)
const products: object[] = []
for (const n of [1024, 2048, 4096]) {
  const reached = await product(gpu, n)
  products.push({ n, teraflops: round(reached), shareOfPeak: round(reached / most) })
  console.log(`matrix product ${n}: ${round(reached)} TFLOP/s, ${round((100 * reached) / most)} % of the peak`)
}
const steps: object[] = []
for (const task of [listops, text]) {
  const { name, batch } = task
  for (const method of ['amrb', 'bptt'] as const) {
    const [onGpu, onCpu] = [await step(gpu, task, method, 4), await step(cpu, task, method, 1)]
    steps.push({ name, method, batch, webgpu: round(onGpu), wasm: round(onCpu), ratio: round(onCpu / onGpu) })
    console.log(`${name}, ${method}: webgpu ${round(onGpu)} ms, wasm ${round(onCpu)} ms: ${round(onCpu / onGpu)} times`)
  }
}
const folder = new URL('results/', import.meta.url)
mkdirSync(folder, { recursive: true })
const file = new URL(`${gpu.backend.description.replace(/[^a-z0-9]+/gi, '-')}.json`, folder)
const date = new Date().toISOString().slice(0, 10)
writeFileSync(
  file,
  `${JSON.stringify({ command: 'npm run bench:gpu', date, gpu: gpu.backend.description, cpu: cpu.backend.description, peak: round(most), products, steps }, undefined, 2)}\n`,
)
console.log(`written to ${file.pathname}`)
gpu.close()
cpu.close()
