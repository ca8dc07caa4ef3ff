import { readdirSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { golden, goldenFiles, relativeFiles } from './golden.ts'

test('the golden files are those in their folder', async () => {
  assert.equal(readdirSync(new URL('../golden/', import.meta.url)).sort(), [...goldenFiles, ...relativeFiles].sort())
  for (const name of [...goldenFiles, ...relativeFiles]) assert.ok((await golden(name)).length > 8, name)
})

test.run()
