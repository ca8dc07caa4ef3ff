import { execFileSync } from 'node:child_process'
import { existsSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

const root = fileURLToPath(new URL('../../', import.meta.url))

test('the documentation is built without a warning, and each of its links leads somewhere', async () => {
  const said = execFileSync('npm', ['run', '-s', 'site'], { cwd: root, encoding: 'utf8', shell: true })
  assert.match(said, /\d{4,} links are checked, 0 lead nowhere/)
  const dist = join(root, 'site/dist')
  for (const name of ['functions/rmaat.openDevice.html', 'documents/Memory_replay,_derived.html'])
    assert.ok(existsSync(join(dist, name)), name)
  // the check finds what is missing
  const { checkLinks } = await import(new URL('../../scripts/site.mjs', import.meta.url).href)
  const [page, aside] = ['functions/rmaat.grad.html', 'aside'].map((name) => join(dist, name))
  renameSync(page, aside)
  try {
    const { broken } = checkLinks(dist)
    assert.ok(broken.some((line: string) => line.includes('rmaat.grad.html')))
  } finally {
    renameSync(aside, page)
  }
})

test.run()
