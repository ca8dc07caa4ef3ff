import { spawnSync } from 'node:child_process'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { buildCommand } from './built.ts'
import { temporaryFolder } from './run.ts'

const folder = temporaryFolder()
test.after(folder.remove)

test('a machine without a graphics driver is told of in our own words alone', () => {
  // the loader and the driver of the tests are in that path
  const env = { ...process.env, LD_LIBRARY_PATH: '', VK_ICD_FILENAMES: '' }
  const { status, stdout, stderr } = spawnSync(process.execPath, [buildCommand(folder.path()), 'devices'], {
    encoding: 'utf8',
    env,
  })
  assert.is(status, 0, stderr)
  assert.match(stdout, /^webgpu /)
  assert.not.match(stderr, /Vulkan/)
})

test.run()
