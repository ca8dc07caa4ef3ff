import { readdirSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { golden, goldenFiles } from './golden.ts'

test('the golden files are those in their folder', async () => {
  assert.equal(readdirSync(new URL('../golden/', import.meta.url)).sort(), goldenFiles)
  for (const name of goldenFiles) assert.ok((await golden(name)).length > 8, name)
})

test.run()
