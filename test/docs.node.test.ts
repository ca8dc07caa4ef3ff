import { readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { errorBudgets } from '../scripts/docs.ts'
import { scalars } from '../src/ops/scalar.ts'

test('the table of error budgets is what `npm run docs` writes', () => {
  const text = readFileSync(new URL('../docs/error-budgets.md', import.meta.url), 'utf8')
  assert.is(text, errorBudgets(), 'out of date: npm run docs')
  for (const name of Object.keys(scalars)) assert.ok(text.includes(`\`${name}\``), name)
})

test.run()
