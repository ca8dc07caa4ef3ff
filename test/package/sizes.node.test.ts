import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { download } from './sizes.ts'

const program = 'compile, f32, grad, openDevice, SGD, variable'
const all = /(?:wasm|webgpu)\/open|reference\/backend|relaxed-threads/

/** Names that a page imports, what it loads later, and how many kilobytes that may be, minified and compressed by brotli. */
const pages = {
  'a first program on wasm': { names: program, entry: 'rmaat/engine', later: /wasm\/open|relaxed-threads/, most: 50.5 },
  'the same by the entry rmaat': { names: program, entry: 'rmaat', later: /wasm\/open|relaxed-threads/, most: 50.5 },
  'RMAAT on all devices': { names: 'openDevice, Rmaat, train', entry: 'rmaat', later: all, most: 88.5 },
  'RMAAT and all tasks on all devices': {
    names: 'openDevice, Rmaat, tasks, train',
    entry: 'rmaat',
    later: all,
    most: 108,
  },
}

for (const [name, { names, entry, later, most }] of Object.entries(pages))
  test(`${name} is at most ${most} kB to download`, async () => {
    const code = `import { ${names} } from '${entry}'\nglobalThis.used = [${names}]`
    const { total, files } = await download(code, later)
    const largest = files.slice(0, 8).map(([file, bytes]) => `  ${(bytes / 1000).toFixed(1).padStart(6)} ${file}`)
    console.log(`${name}: ${(total / 1000).toFixed(1)} kB; before compression, in kB:\n${largest.join('\n')}`)
    const builds = files.filter(([file]) => file.includes('.wasm.'))
    assert.equal(
      builds.map(([file]) => file),
      ['backends/wasm/modules/relaxed-threads.wasm.js'],
    )
    assert.ok(total <= most * 1000, `${total} bytes`)
  })

test.run()
