import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

test('a machine without a graphics driver is told of in our own words alone', () => {
  // the loader and the driver of the tests are in that path
  const env = { ...process.env, LD_LIBRARY_PATH: '', VK_ICD_FILENAMES: '' }
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', main, 'devices'], {
    encoding: 'utf8',
    env,
  })
  assert.is(status, 0, stderr)
  assert.match(stdout, /^webgpu /)
  assert.not.match(stderr, /Vulkan/)
})

test.run()
