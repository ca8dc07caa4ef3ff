import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { vjp } from '../../src/autograd/grad.ts'
import { applyOperation, type operations } from '../../src/compare/cases.ts'
import type { Domain } from '../../src/compare/domains.ts'
import { domains } from '../../src/compare/domains.ts'
import { sample } from '../../src/compare/sample.ts'
import { einsum } from '../../src/ops/contraction.ts'
import { where } from '../../src/ops/elementwise.ts'
import { tensor } from '../../src/ops/entry.ts'
import { concat, stack } from '../../src/ops/views.ts'
import type { Device } from '../../src/program/device.ts'
import { compile } from '../../src/program/program.ts'
import type { Tensor } from '../../src/tensor/tensor.ts'
import { devices, held, relativeError } from '../support/devices.ts'
import { isSlow } from '../support/runs.ts'
import { isNode } from '../support/runtime.ts'

/** Operations of several tensors that are no methods of one. */
const functions: Readonly<Record<string, readonly [Domain[], (inputs: Tensor[]) => Tensor]>> = {
  concat: [
    [
      {
        shapes: [
          [2, 3],
          [2, 1],
          [2, 4],
        ],
      },
    ],
    (parts) => concat(parts, 1),
  ],
  einsum: [
    [
      {
        shapes: [
          [2, 5, 3, 4],
          [2, 3, 4, 6],
        ],
        from: -1,
      },
    ],
    ([a, b]) => einsum('bnhm,bhmv->bnhv', a, b),
  ],
  'einsum with axes of one operand alone': [
    [
      {
        shapes: [
          [3, 4, 2],
          [4, 5],
        ],
        from: -1,
      },
    ],
    ([a, b]) => einsum('ijk,jl->li', a, b),
  ],
  stack: [
    [
      {
        shapes: [
          [2, 3],
          [2, 3],
        ],
      },
    ],
    (parts) => stack(parts, 1),
  ],
  where: [
    [{ shapes: [[4, 3], [3], [4, 1]], dtypes: ['i32', 'f32', 'f32'], from: 0, to: 2 }],
    ([condition, a, b]) => where(condition, a, b),
  ],
}

const allDomains: Readonly<Record<string, readonly Domain[]>> = {
  ...domains,
  ...Object.fromEntries(Object.entries(functions).map(([name, [list]]) => [name, list])),
}
const names = Object.keys(allDomains)

const apply = (name: string, inputs: Record<string, Tensor>, rest: readonly unknown[] = []): Tensor => {
  const operands = Object.values(inputs)
  return name in functions
    ? functions[name][1](operands)
    : applyOperation(name as keyof typeof operations, operands, rest)
}

/** The operation, and its vector-Jacobian product with a fixed cotangent, for all f32 inputs. */
async function evaluate(device: Device, name: string, index: number): Promise<Record<string, ArrayLike<number>>> {
  const domain = allDomains[name][index]
  const { specs, values } = sample(domain, 7)
  const program = compile(device, specs, (inputs) => {
    const y = apply(name, inputs, domain.arguments)
    const wrt = Object.values(inputs).filter(({ dtype }) => dtype === 'f32')
    if (y.dtype !== 'f32' || domain.differentiable === false) return { y }
    const size = y.shape.reduce((a, b) => a * b, 1)
    const cotangent = tensor(
      Float64Array.from({ length: size }, (_, i) => Math.fround(Math.cos(i))),
      y.shape,
    )
    return { y, ...Object.fromEntries(vjp([y], [cotangent], wrt).map((g, i) => [`gradient ${i}`, g])) }
  })
  const results = await program.run(values)
  program.close()
  return Object.fromEntries(
    Object.entries(results).map(([key, value]) => [key, typeof value === 'number' ? [value] : value]),
  )
}

/** For all operations: threads take long to start. */
let open: { readonly of: string; readonly device: Device }[] = []
test.before(async () => {
  open = await Promise.all(Object.entries(held).map(async ([of, make]) => ({ of, device: await make() })))
})
test.after(() => {
  for (const { device } of open) device.close()
})

for (const name of names) {
  test(`${name}: every device agrees with the reference`, async () => {
    for (let index = 0; index < allDomains[name].length; index++) {
      const held = open.filter(({ of }) => isNode || index === 0 || !isSlow(of))
      const [expected, ...others] = await Promise.all(held.map(({ device }) => evaluate(device, name, index)))
      for (const found of others) {
        for (const [key, values] of Object.entries(expected)) {
          const error = relativeError(found[key], values)
          assert.ok(error < 3e-6, `${key} of domain ${index} is off by ${error}`)
        }
      }
    }
  })

  test(`${name}: its gradient is the slope along a direction`, async () => {
    const device = await devices.reference()
    for (const domain of allDomains[name]) {
      if (domain.differentiable === false) continue
      const { specs, values } = sample(domain, 11)
      const program = compile(device, specs, (inputs) => {
        const y = apply(name, inputs, domain.arguments)
        const size = y.shape.reduce((a, b) => a * b, 1)
        const weights = tensor(
          Float64Array.from({ length: size }, (_, i) => 1 + Math.sin(i)),
          y.shape,
        )
        const wrt = Object.values(inputs).filter(({ dtype }) => dtype === 'f32')
        const gradients = vjp([y], [weights], wrt)
        return { value: y.mul(weights).sum(), ...Object.fromEntries(gradients.map((g, i) => [`g${i}`, g])) }
      })
      const floats = Object.keys(specs).filter((key) => specs[key].dtype === 'f32')
      const direction = (key: string, i: number): number => Math.cos(3 * i + key.length)
      const at = async (step: number): Promise<number> => {
        const moved = Object.fromEntries(
          Object.entries(values).map(([key, x]) => [
            key,
            floats.includes(key) ? x.map((v, i) => v + step * direction(key, i)) : x,
          ]),
        )
        return (await program.run(moved)).value
      }
      const results: Record<string, ArrayLike<number>> = await program.arrays(values)
      let slope = 0
      floats.forEach((key, i) => {
        const gradient =
          typeof results[`g${i}`] === 'number' ? [results[`g${i}`] as unknown as number] : results[`g${i}`]
        for (let j = 0; j < gradient.length; j++) slope += gradient[j] * direction(key, j)
      })
      const h = 1e-5
      // five points: the error is of order h^4, and what the values are rounded by
      const rounding = (4 * Number.EPSILON * Math.abs(await at(0))) / h
      const difference = (8 * ((await at(h)) - (await at(-h))) - ((await at(2 * h)) - (await at(-2 * h)))) / (12 * h)
      assert.ok(
        Math.abs(difference - slope) <= 1e-8 * (1 + Math.abs(slope)) + rounding,
        `slope ${difference}, gradient ${slope}, at ${JSON.stringify(domain)}`,
      )
    }
    device.close()
  })
}

test.run()
