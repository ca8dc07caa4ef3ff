import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { init } from '../../src/nn/init.ts'
import { Parameters, parameter } from '../../src/nn/parameters.ts'
import { zeros } from '../../src/ops/entry.ts'
import '../../src/ops/methods.ts'
import { AdamW } from '../../src/optim/adamw.ts'
import { SGD } from '../../src/optim/sgd.ts'
import { compile } from '../../src/program/program.ts'
import { held } from '../support/devices.ts'
import { fails } from '../support/fails.ts'

for (const [name, open] of Object.entries(held)) {
  for (const type of [AdamW, SGD])
    test(`${type.name} on ${name} moves what it is told to, and leaves the rest as it was`, async () => {
      const device = await open()
      const tree = {
        up: { w: parameter([3, 2], init.values([1, 2, 3, 4, 5, 6]), true), b: parameter([2], init.values([7, 8])) },
        head: { w: parameter([2], init.values([9, 10]), true) },
      }
      for (const [trains, moved] of [
        [['head'], ['head.w']],
        [['w'], ['up.w', 'head.w']],
        [['up.b'], ['up.b']],
        [(one: string) => one.startsWith('up'), ['up.w', 'up.b']],
      ] as const) {
        const [some, all] = [0, 1].map(() => new Parameters(device, tree, 0))
        const [one, other] = [
          new type(some, { decay: 0.5, trains, rate: 0.1 }),
          new type(all, { decay: 0.5, rate: 0.1 }),
        ]
        const gradients = some.list.map(({ shape }) => zeros(shape).add(0.25))
        const before = await device.readVariable(some.variable)
        const program = compile(device, {}, () => ({ updates: [...one.update(gradients), ...other.update(gradients)] }))
        for (let step = 0; step < 2; step++) await program.run({})
        const [after, moves] = [await device.readVariable(some.variable), await device.readVariable(all.variable)]
        for (const { name, offset, spec } of some.named) {
          const own = (values: typeof before): number[] => [
            ...values.slice(offset, offset + spec.shape.reduce((a, b) => a * b)),
          ]
          const isMoved = (moved as readonly string[]).includes(name)
          assert.is(one.trains(name), isMoved, name)
          assert.equal(own(after), own(isMoved ? moves : before), `${trains}: ${name}`)
          assert.not.equal(own(moves), own(before), name)
        }
      }
      const list = [0, 1].map(() => device.variable([2], 'f32', [1, 2]))
      const second = new type(list, { trains: ['1'], rate: 1 })
      const gradients = list.map(() => zeros([2]).add(1))
      await compile(device, {}, () => ({ updates: second.update(gradients) })).run({})
      assert.equal([...(await device.readVariable(list[0]))], [1, 2])
      assert.equal([...(await device.readVariable(second.steps))], [1])
      await fails(
        'config',
        `${type.name}: trains is [], which chooses nothing; expected one name at least`,
        () => new type(list, { trains: [] }),
      )
      device.close()
    })

  for (const type of [AdamW, SGD])
    test(`${type.name} on ${name} goes at the rates that it is told, of several the last`, async () => {
      const device = await open()
      const tree = {
        up: { w: parameter([3, 2], init.values([1, 2, 3, 4, 5, 6]), true), b: parameter([2], init.values([7, 8])) },
        head: { w: parameter([2], init.values([9, 10]), true) },
      }
      // powers of two: the same bits as with the product as the rate
      const factors = { 'up.w': 0.25, 'up.b': 1, 'head.w': 8 }
      const made = [0, 1, 2, 3].map(() => new Parameters(device, tree, 0))
      const [rated, ...alone] = made
      const gradients = rated.list.map(({ shape }) => zeros(shape).add(0.25))
      const updates = [
        ...new type(rated, { decay: 0.5, rate: 0.5, rates: { w: 0.25, head: 8 } }).update(gradients),
        ...Object.values(factors).flatMap((factor, i) =>
          new type(alone[i], { decay: 0.5, rate: 0.5 * factor }).update(gradients),
        ),
      ]
      const program = compile(device, {}, () => ({ updates }))
      for (let step = 0; step < 2; step++) await program.run({})
      const [found, ...expected] = await Promise.all(made.map(({ variable }) => device.readVariable(variable)))
      for (const [i, name] of Object.keys(factors).entries()) {
        const { offset, spec } = rated.named.find((one) => one.name === name)!
        const end = offset + spec.shape.reduce((a, b) => a * b)
        assert.equal(found.slice(offset, end), expected[i].slice(offset, end), name)
      }
      const list = [0, 1].map(() => device.variable([2], 'f32', [1, 2]))
      const each = new SGD(list, { rate: 1, rates: { 1: 0 } })
      await compile(device, {}, () => ({ updates: each.update(list.map(() => zeros([2]).add(1))) })).run({})
      assert.equal(await Promise.all(list.map(async (one) => [...(await device.readVariable(one))])), [
        [0, 1],
        [1, 2],
      ])
      const wrong = (rates: unknown, message: RegExp) =>
        fails('config', message, () => new type(rated, { rates: rates as Record<string, number> }))
      await wrong({ tail: 1 }, /: rates names "tail"; there are /)
      await wrong({ up: -1 }, /: rates: up is -1; expected a finite number of at least 0$/)
      device.close()
    })
}

test.run()
