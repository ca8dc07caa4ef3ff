import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { rounded, scalarNames } from '../../src/ops/rounded.ts'
import { scalars } from '../../src/ops/scalar.ts'

test('literals are folded by the operations whose budget is the exact result, rounded', () => {
  const within = scalarNames.filter((name) => ['exact', '0.5 ULP'].includes(scalars[name].budget.text))
  // a random word is exact, but not of its operands alone
  assert.equal(within.filter((name) => name !== 'philox').sort(), Object.keys(rounded).sort())
})

test.run()
