import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { machineCode } from '../../src/backends/wasm/steps.ts'
import '../../src/ops/methods.ts'
import type { Fused } from '../../src/program/plan.ts'
import { compile, f32, plan } from '../../src/program/program.ts'
import type { Tensor } from '../../src/tensor/tensor.ts'
import { devices } from '../support/devices.ts'

const f = Math.fround
const noise = (count: number, seed: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => Math.sin(1 + i * 1.7 + seed) * 3)

type Inputs = Record<'x' | 'y' | 'row' | 'line', Tensor>
// every pair of steps, with each way an argument may stand
const formula = ({ x, y, row, line }: Inputs): Record<string, Tensor> => ({
  centred: x.sub(row).mul(line),
  scaled: x.mul(line).add(y),
  rest: y.sub(x.mul(row)),
  above: row.sub(x.mul(0.5)),
  cubed: x.mul(x).mul(0.25),
  three: x.add(row).add(y),
  shifted: line.add(x).mul(row),
  less: x.mul(y).sub(line),
})
const exact = (x: number, y: number, row: number, line: number): Record<string, number> => ({
  centred: f(f(x - row) * line),
  scaled: f(f(x * line) + y),
  rest: f(y - f(x * row)),
  above: f(row - f(x * 0.5)),
  cubed: f(f(x * x) * 0.25),
  three: f(f(x + row) + y),
  shifted: f(f(line + x) * row),
  less: f(f(x * y) - line),
})
const spec = (rows: number, width: number) => ({
  x: f32(rows, width),
  y: f32(rows, width),
  row: f32(rows, 1),
  line: f32(width),
})

for (const name of ['wasm relaxed', 'wasm simd']) {
  test(`${name}: pairs of steps round twice, wherever their arguments stand`, async () => {
    const device = await devices[name]()
    for (const width of [1, 3, 4, 16, 18, 20, 64, 516])
      for (const rows of [1, 2, 7, 150]) {
        const n = rows * width
        const inputs = { x: noise(n, 1), y: noise(n, 2), row: noise(rows, 3), line: noise(width, 4) }
        const program = compile(device, spec(rows, width), formula)
        const found = await program.arrays(inputs)
        for (let i = 0; i < n; i++) {
          const { x, y, row, line } = inputs
          const expected = exact(x[i], y[i], row[Math.floor(i / width)], line[i % width])
          for (const key in expected) assert.is(found[key][i], expected[key], `${key} of ${rows} x ${width} at ${i}`)
        }
        program.close()
      }
    device.close()
  })

  test(`${name}: the sum of a product is that of the product kept`, async () => {
    const device = await devices[name]()
    for (const width of [2, 19, 64, 255, 256, 1030]) {
      const inputs = { x: noise(9 * width, 1), y: noise(9 * width, 2) }
      const given = { x: f32(9, width), y: f32(9, width) }
      const [alone, kept] = [
        compile(device, given, ({ x, y }) => ({ sum: x.mul(y).sum(-1) })),
        compile(device, given, ({ x, y }) => ({ product: x.mul(y), sum: x.mul(y).sum(-1) })),
      ]
      assert.equal((await alone.run(inputs)).sum, (await kept.run(inputs)).sum, `${width} lanes`)
      alone.close()
      kept.close()
    }
    device.close()
  })
}

test('steps are paired, and values stored where they are made', () => {
  const { instructions } = plan(undefined, spec(40, 64), formula)
  const calls = instructions.filter((call): call is Fused => call.kind === 'fused')
  const names = calls.flatMap((call) => machineCode(call).steps.map(({ op }) => op))
  for (const pair of ['sub mul', 'mul add', 'mul from', 'mul mul', 'add add', 'add mul', 'mul sub'])
    assert.ok(names.includes(pair), `${pair} among ${names.join(', ')}`)
  for (const call of calls) {
    const { steps } = machineCode(call)
    steps.forEach(({ op }, i) => {
      if (op === 'store') assert.is.not(steps[i - 1].op, 'store')
    })
  }
})

test.run()
