import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { vjp } from '../../src/autograd/grad.ts'
import { einsum } from '../../src/ops/contraction.ts'
import { tensor } from '../../src/ops/entry.ts'
import { irfft, rfft } from '../../src/ops/fourier.ts'
import '../../src/ops/methods.ts'
import { compile, type InputSpec } from '../../src/program/program.ts'
import { sizeOf } from '../../src/tensor/shape.ts'
import { Tensor } from '../../src/tensor/tensor.ts'
import { held } from '../support/devices.ts'
import { golden } from '../support/golden.ts'
import { isSlow } from '../support/runs.ts'

/**
 * Operations beside values and gradients that scripts/operations.py computed with PyTorch in double precision, by the function
 * of the same name (`slice` by Python's slices, `narrow` likewise, `takeAlong` as take_along_dim, `scatterUpdate` as
 * index_copy, `mod` as remainder, `floorDivide` as div with rounding_mode 'floor'). The gradient is that of all f32 outputs,
 * the cotangent of element i being 0.5 + (3 i mod 7) / 8.
 */
interface Case {
  readonly name: string
  readonly arguments: readonly unknown[]
  readonly inputs: readonly (InputSpec & { readonly values: readonly Written[] })[]
  readonly outputs: readonly { readonly shape: readonly number[]; readonly values: readonly Written[] }[]
  /** One list for each f32 input. */
  readonly gradients?: readonly (readonly Written[])[]
  /** NaN or infinity takes part, of which a GPU promises nothing. */
  readonly special?: true
}
/** What JSON has no number for is a text. */
type Written = number | string
const read = (values: readonly Written[]): number[] => values.map(Number)
const isNumber = (value: unknown): boolean => ['NaN', 'Infinity', '-Infinity', '-0'].includes(value as string)

const cases: readonly Case[] = JSON.parse(new TextDecoder().decode(await golden('operations.json')))

function apply({ name, arguments: given }: Case, inputs: readonly Tensor[]): Tensor[] {
  const rest = given.map((one) => (isNumber(one) ? Number(one) : one))
  if (name === 'einsum') return [einsum(rest[0] as string, ...inputs)]
  const [x, ...others] = inputs
  if (name === 'rfft') return [rfft(x, rest[0] as number)]
  if (name === 'irfft') return [irfft(x, ...(rest as [number, number]))]
  const method = x[name as 'mul'] as (...args: unknown[]) => Tensor | Record<string, Tensor>
  const result = method.call(x, ...others, ...rest)
  return result instanceof Tensor ? [result] : Object.values(result)
}

function gradients(one: Case, inputs: readonly Tensor[], outputs: readonly Tensor[]): Tensor[] {
  if (!one.gradients) return []
  const floats = outputs.filter(({ dtype }) => dtype === 'f32')
  const cotangents = floats.map(({ shape }) =>
    tensor(
      Array.from({ length: sizeOf(shape) }, (_, i) => 0.5 + ((3 * i) % 7) / 8),
      shape,
    ),
  )
  return vjp(
    floats,
    cotangents,
    inputs.filter(({ dtype }) => dtype === 'f32'),
  )
}

/** By the number's own size and that of the largest beside it; NaN, infinities and the sign of a zero as they are. */
function check(
  found: ArrayLike<number>,
  written: readonly Written[],
  unit: number,
  zeros: boolean,
  what: string,
): void {
  const expected = read(written)
  const shown = `${what}: ${Array.from(found)}, expected ${expected}`
  assert.is(found.length, expected.length, shown)
  const largest = expected.reduce((most, x) => (Number.isFinite(x) ? Math.max(most, Math.abs(x)) : most), 0)
  for (const [i, x] of expected.entries()) {
    const exactly = !Number.isFinite(x) || (x === 0 && zeros)
    const fits = !exactly ? Math.abs(found[i] - x) <= unit * (Math.abs(x) + largest) : Object.is(found[i], x)
    assert.ok(fits, shown)
  }
}

const names = [...new Set(cases.map(({ name }) => name))]
test('the table holds what it should', () => {
  assert.ok(cases.length >= 245 && names.length >= 39, `${cases.length} cases of ${names.length} operations`)
})

/** Where a program takes long to load, a part of them. */
const part = (device: string): number => (isSlow(device) ? 3 : 1)

for (const [device, open] of Object.entries(held)) {
  if (device.endsWith('threads')) continue // the bits of one thread
  for (const name of names) {
    test(`${name} on ${device} is what PyTorch computes`, async () => {
      const promised = cases.filter((one) => one.name === name && !(one.special && device.startsWith('webgpu')))
      const own = promised.filter((_, i) => i % part(device) === 0)
      const keyed = own.flatMap(({ inputs }, at) => inputs.map((input, i) => [`${at} ${i}`, input] as const))
      const outputs: { key: string; written: readonly Written[] }[] = []
      const opened = await open()
      const program = compile(opened, Object.fromEntries(keyed), (given) => {
        const results: Record<string, Tensor> = {}
        for (const [at, one] of own.entries()) {
          const inputs = one.inputs.map((_, i) => given[`${at} ${i}`])
          const found = apply(one, inputs)
          assert.equal(
            found.map(({ shape }) => shape),
            one.outputs.map(({ shape }) => shape),
          )
          const expected = [...one.outputs.map(({ values }) => values), ...(one.gradients ?? [])]
          for (const [i, x] of [...found, ...gradients(one, inputs, found)].entries()) {
            const key = `${i < found.length ? 'output' : 'gradient'} ${i} of case ${at}`
            results[key] = x.reshape([-1])
            outputs.push({ key, written: expected[i] })
          }
        }
        return results
      })
      const results = await program.arrays(Object.fromEntries(keyed.map(([key, { values }]) => [key, read(values)])))
      const unit = device === 'reference' ? 1e-12 : 2e-6
      for (const { key, written } of outputs)
        check(
          results[key],
          written,
          unit,
          key.startsWith('output') && !device.startsWith('webgpu'),
          `${name}, ${key}, on ${device}`,
        )
      program.close()
      opened.close()
    })
  }
}

test.run()
