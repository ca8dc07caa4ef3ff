import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { beside } from '../../src/backends/webgpu/beside.ts'
import { encode } from '../../src/backends/webgpu/encode.ts'
import { reduce } from '../../src/backends/webgpu/reduce.ts'
import type { Device } from '../../src/program/device.ts'
import type { Instruction, Reduce } from '../../src/program/plan.ts'
import { compile, f32, plan } from '../../src/program/program.ts'
import type { Tensor } from '../../src/tensor/tensor.ts'
import { devices, relativeError, testOn } from '../support/devices.ts'

const abilities = { subgroup: 0, workgroupStorage: 16384 }
const inputs = { a: f32(40, 32), b: f32(32, 72), c: f32(3072), d: f32(9, 520) }
type Given = Readonly<Record<keyof typeof inputs, Tensor>>

/** Products of other shapes, sums and chains of other lengths: none has to do with another one. */
const independent = ({ a, b, c, d }: Given) => ({
  product: a.matmul(b),
  other: a.transpose().matmul(a),
  third: b.matmul(b.transpose()),
  sines: a.sin(),
  squares: c.square(),
  normed: d.sub(d.mean(-1, true)).exp(),
  columns: a.sum(0),
  longer: d.sum(0),
})
/** Each of what the one before made. */
const chained = ({ a }: Given) => {
  let x = a
  for (let i = 0; i < 4; i++) x = x.matmul(a.transpose()).matmul(a).mul(0.01)
  return { x }
}

type Formula = (given: Given) => Readonly<Record<string, Tensor>>
const made = (device: Device, formula: Formula) => {
  const { instructions } = plan(device, inputs, formula)
  const dispatches = encode(plan(device, inputs, formula), abilities, 256).dispatches.flat()
  return { instructions, dispatches }
}

test('calls that have nothing to do with each other are one dispatch of each kernel', async () => {
  const device = await devices.reference()
  const { instructions, dispatches } = made(device, independent)
  assert.is(instructions.length, 8)
  assert.equal(
    dispatches.map(({ name }) => name),
    ['matmul', 'fused', 'reduce'],
  )
  const shares = dispatches.flatMap(({ shares }) => shares)
  assert.equal(
    shares.map(({ instruction }) => instruction).sort((a, b) => a - b),
    instructions.map((_, at) => at),
  )
  for (const { groups, shares } of dispatches)
    assert.is(
      shares.reduce((sum, share) => sum + share.groups, 0),
      groups,
    )
  device.close()
})

test('what reads another one waits for it', async () => {
  const device = await devices.reference()
  const { instructions, dispatches } = made(device, chained)
  assert.is(dispatches.length, instructions.length)
  device.close()
})

test('shaders are joined also as a package has them', () => {
  const place = (offset: number) => ({ buffer: 0, offset, loopStrides: [] })
  const sum = (offset: number, size: number): Reduce => ({
    kind: 'reduce',
    op: 'sum',
    dtype: 'f32',
    accumulate: false,
    out: place(offset),
    x: place(offset + 100),
    kept: [{ size, stride: 1 }],
    reduced: [{ size: 3, stride: size }],
  })
  const calls: Instruction[] = [sum(0, 40), sum(1000, 50)]
  const short = (source: string): string => source.replace(/ ?([=,{}():;+]) ?/g, '$1')
  for (const as of [(source: string) => source, short]) {
    const encoded = (calls as Reduce[]).map((call) => {
      const { dispatches, scratch } = reduce(call, abilities)
      return { dispatches: dispatches.map((one) => ({ ...one, source: as(one.source) })), scratch }
    })
    const [[{ source, block }], none] = beside(calls, encoded, abilities).dispatches
    assert.equal(none, [])
    assert.not.match(source, /\bcall\.\w|var<uniform> call\b/)
    assert.is(source.match(/own_share\(/g)?.length, 2)
    assert.is(source.match(/share\.y;/g)?.length, 1)
    assert.equal(
      block.places.map(({ offset }) => offset),
      [0, 100, 1000, 1100],
    )
  }
})

testOn('webgpu')('what runs beside each other gives what it gives alone', async () => {
  const device = await devices.webgpu()
  const reference = await devices.reference()
  const values = Object.fromEntries(
    Object.entries(inputs).map(([name, { shape }]) => {
      const length = shape.reduce((product, size) => product * size, 1)
      return [name, Float32Array.from({ length }, (_, i) => Math.sin(i + name.length))]
    }),
  ) as Record<keyof typeof inputs, Float32Array>
  for (const formula of [independent, chained] as Formula[]) {
    const found = await compile(device, inputs, formula).arrays(values)
    const expected = await compile(reference, inputs, formula).arrays(values)
    for (const [name, array] of Object.entries(expected))
      assert.ok(relativeError(found[name as never], array as ArrayLike<number>) < 1e-5, name)
  }
  reference.close()
  device.close()
})

test.run()
