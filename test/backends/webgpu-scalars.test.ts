import { test } from 'uvu'
import * as assert from 'uvu/assert'
import numbers from '../../src/backends/webgpu/modules/numbers.wgsl.ts'
import { scalarExpression, scalarFunctions } from '../../src/backends/webgpu/scalars.ts'
import { randomWord, type ScalarName } from '../../src/ops/rounded.ts'
import { scalars } from '../../src/ops/scalar.ts'
import { BufferUsage, gpuEntry, MapMode, ShaderStage } from '../../src/runtime/gpu.ts'
import type { DType } from '../../src/tensor/dtype.ts'
import { testOn } from '../support/devices.ts'

const LARGEST = (2 - 2 ** -23) * 2 ** 127
const TINY = 2 ** -126

/** Numbers at which some function changes its formula, or its result its kind. */
const turns = [
  [0, 0.29, 0.41, 0.5, 1, 4, 10, 2, 2 ** -0.5, 2 ** 0.5, 2 ** 31, 2 ** -31],
  [88.722835, 89, -87.336544, -88, -103.97, 2 ** 125, 2 ** 126, TINY, 2 ** -149, LARGEST],
].flat()
const limits = [Number.NaN, Infinity, -Infinity, 2147483520, 2147483648, -2147483648, -2147483904, 1e20, -1e20]
const integers = [0, 1, -1, 2, 3, 0x7fffffff, -0x80000000, 0x7ffffffe, -0x7fffffff, 0x10000, 0xffff, -0x10000]

/** Every `stride`-th float by its bits, of both signs: all exponents, subnormal ones too. */
function floats(stride: number): number[] {
  const bits = Array.from({ length: Math.floor(0x7f800000 / stride) }, (_, i) => i * stride)
  return [...new Float32Array(Uint32Array.from([...bits, ...bits.map((word) => word | 0x80000000)]).buffer)]
}
const uniform = (from: number, to: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => from + ((to - from) * i) / (count - 1))
/** Reproducible words without a pattern. */
const words = (count: number, site: number): number[] =>
  Array.from({ length: count }, (_, i) => randomWord(i, 0, 0, 1, site))
const around = (values: readonly number[]): number[] =>
  values
    .flatMap((value) => [1, 1 - 2 ** -22, 1 + 2 ** -22].flatMap((by) => [value * by, -value * by]))
    .filter((value) => Math.abs(value) <= LARGEST)
const pairs = (a: readonly number[], b: readonly number[]): number[][] => [
  a.flatMap((x) => b.map(() => x)),
  a.flatMap(() => b),
]

const typeOf = (name: ScalarName): DType =>
  name.endsWith('I') || ['philox', 'uniform', 'toFloat'].includes(name) ? 'i32' : 'f32'
const argumentTypes = (name: ScalarName): DType[] => {
  if (name === 'philox') return Array(5).fill('i32')
  return name === 'where' ? ['i32', 'f32', 'f32'] : Array(scalars[name].ranges.length).fill(typeOf(name))
}
const resultType = (name: ScalarName): DType => {
  if (name === 'toFloat' || name === 'uniform') return 'f32'
  return ['less', 'lessEqual', 'equal', 'toInt', 'isFinite'].includes(name) ? 'i32' : typeOf(name)
}

const line = [...floats(32_633), ...uniform(-20, 20, 40_000), ...uniform(-1, 1, 10_000), ...around(turns)]
const plane = pairs([...floats(16_000_057), ...around(turns)], [...floats(15_999_989), ...around(turns)])

/** The operands that a function is tried on: a list for each argument. */
function operandsOf(name: ScalarName): ArrayLike<number>[] {
  if (name === 'philox')
    return [0, 1, 2, 3, 4].map((site) => [
      ...(site ? [] : uniform(0, 9999, 10_000)),
      ...words(site ? 20_000 : 10_000, site),
    ])
  if (name === 'where') return [words(10_000, 0).map((word) => word & 1), words(10_000, 1), words(10_000, 2)]
  if (name === 'pow') {
    const bases = [...floats(5_000_011), ...uniform(-4, 4, 401), ...around(turns), Infinity, -Infinity]
    return pairs(bases, [...uniform(-40, 40, 161), ...floats(40_000_003), ...around(turns)])
  }
  const arity = scalars[name].ranges.length
  if (typeOf(name) === 'i32') {
    if (arity === 1) return [[...words(100_000, 0), ...integers]]
    return pairs([...words(300, 0), ...integers], [...words(300, 1), ...integers])
  }
  if (arity === 2) return plane
  return [name === 'toInt' || name === 'isFinite' ? [...line, ...limits] : line]
}

const shaderOf = (name: ScalarName): string => {
  const operands = argumentTypes(name).map((dtype, i) => `bitcast<${dtype}>(operands[${i}u * count + i])`)
  const args = operands.map((_, i) => `x${i}`)
  return `${numbers}
${scalarFunctions}
    @group(0) @binding(0) var<storage, read> operands: array<u32>;
    @group(0) @binding(1) var<storage, read_write> results: array<u32>;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
      let count = arrayLength(&results);
      let i = min(id.x, count - 1u);
      ${operands.map((operand, i) => `let x${i} = ${operand};`).join('\n')}
      results[i] = bitcast<u32>(${scalarExpression(name, args)});
    }`
}

let opened: Promise<GPUDevice> | undefined
const open = async (): Promise<GPUDevice> => {
  const adapter = await (await gpuEntry()).requestAdapter()
  assert.ok(adapter, 'there is no adapter')
  return adapter.requestDevice()
}

/** Runs one function on the device; operands and results by their bits. */
async function compute(name: ScalarName, operands: readonly Uint32Array[]): Promise<ArrayBuffer> {
  opened ??= open()
  const device = await opened
  const [{ byteLength: bytes, length }] = operands
  const layout = device.createBindGroupLayout({
    entries: [
      { binding: 0, visibility: ShaderStage.COMPUTE, buffer: { type: 'read-only-storage' } },
      { binding: 1, visibility: ShaderStage.COMPUTE, buffer: { type: 'storage' } },
    ],
  })
  const pipeline = await device.createComputePipelineAsync({
    layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
    compute: { module: device.createShaderModule({ code: shaderOf(name) }), entryPoint: 'main' },
  })
  const from = device.createBuffer({ size: bytes * operands.length, usage: BufferUsage.STORAGE | BufferUsage.COPY_DST })
  const to = device.createBuffer({ size: bytes, usage: BufferUsage.STORAGE | BufferUsage.COPY_SRC })
  const back = device.createBuffer({ size: bytes, usage: BufferUsage.MAP_READ | BufferUsage.COPY_DST })
  operands.forEach((operand, i) => void device.queue.writeBuffer(from, i * bytes, operand as Uint32Array<ArrayBuffer>))
  const entries = [from, to].map((buffer, binding) => ({ binding, resource: { buffer } }))
  const encoder = device.createCommandEncoder()
  const pass = encoder.beginComputePass()
  pass.setPipeline(pipeline)
  pass.setBindGroup(0, device.createBindGroup({ layout, entries }))
  pass.dispatchWorkgroups(Math.ceil(length / 64))
  pass.end()
  encoder.copyBufferToBuffer(to, 0, back, 0, bytes)
  device.queue.submit([encoder.finish()])
  await back.mapAsync(MapMode.READ)
  const found = back.getMappedRange().slice(0)
  for (const buffer of [from, to, back]) buffer.destroy()
  return found
}

const arrays = { f32: Float32Array, i32: Int32Array }

const exactOf = (name: ScalarName, [a, b, c, seed, site]: readonly number[]): number =>
  name === 'philox' ? randomWord(a, b, c, seed, site) : scalars[name].evaluate(a, b, c)

/** |error| in units of the budget: at most 1 is right. */
function excess(name: ScalarName, found: number, args: readonly number[]): number {
  const exact = exactOf(name, args)
  if (Number.isNaN(exact)) return 0
  const budget = Math.abs(exact) > LARGEST ? 0 : scalars[name].budget(exact, args)
  // infinity is not promised, but what is too large must not become a number like others
  if (Math.abs(exact) + budget > LARGEST && Math.abs(found) >= LARGEST) return 0
  const error = Math.abs(found - exact)
  if (error === 0 || (found === 0 && Math.abs(exact) < TINY)) return 0
  const ratio = error / budget
  return Number.isNaN(ratio) ? Infinity : ratio
}

for (const name of Object.keys(scalars) as ScalarName[]) {
  testOn('webgpu')(`${name} keeps its budget`, async () => {
    const types = argumentTypes(name)
    const operands = operandsOf(name).map((values, i) => arrays[types[i]].from(values))
    const bits = operands.map(({ buffer }) => new Uint32Array(buffer))
    const found = new arrays[resultType(name)](await compute(name, bits))
    let worst = { ratio: 0, args: operands.map(([first]) => first), found: found[0] }
    found.forEach((value, i) => {
      const args = operands.map((operand) => operand[i])
      let ratio = excess(name, value, args)
      if (ratio > 1) {
        // a device may take subnormal operands for zero
        const flushed = args.map((arg, k) => (types[k] === 'f32' && Math.abs(arg) < TINY ? 0 * arg : arg))
        ratio = Math.min(ratio, excess(name, value, flushed))
      }
      if (ratio > worst.ratio) worst = { ratio, args, found: value }
    })
    const exact = exactOf(name, worst.args)
    const ulp = 2 ** (Math.floor(Math.log2(Math.max(TINY, Math.abs(exact)))) - 23)
    assert.ok(
      worst.ratio <= 1,
      `${name}(${worst.args.join(', ')}) is ${worst.found} instead of ${exact}: ` +
        `${Math.abs(worst.found - exact) / ulp} ULP, ${worst.ratio} times its budget`,
    )
  })
}

test.run()
