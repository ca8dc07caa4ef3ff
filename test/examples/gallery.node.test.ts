import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { examples } from '../../examples/index.ts'
import { openDevice } from '../../src/index.ts'

const folder = (name: string): string => fileURLToPath(new URL(`../../examples/${name}/`, import.meta.url))
const names = Object.keys(examples)

test('every example imports the package alone, is short, and stands in both tables', () => {
  const overview = readFileSync(folder('README.md').replace(/\/$/, ''), 'utf8')
  for (const name of names) {
    const sources = readdirSync(folder(name)).filter((file) => file.endsWith('.ts'))
    const texts = sources.map((file) => readFileSync(folder(name) + file, 'utf8'))
    const lines = texts.reduce((sum, text) => sum + text.trimEnd().split('\n').length, 0)
    assert.ok(lines <= 200, `${name}: ${lines} lines`)
    for (const [, from] of texts.join('\n').matchAll(/(?:from|import|import\()\s*'([^']+)'/g))
      assert.ok(
        from === 'rmaat' ||
          /^\.\.\/(decode|gallery|learn|linear-algebra|transformer)\.ts$/.test(from) ||
          /^\.\/[\w-]+\.ts$/.test(from),
        `${name}: ${from}`,
      )
    assert.match(overview, `(${name}/)`, `examples/README.md does not name ${name}`)
    assert.ok(existsSync(`${folder(name)}README.md`), `${name} has no README.md`)
  }
})

test('the basics import the package alone, have less than 60 lines, and stand in their table', () => {
  const sources = readdirSync(folder('basics')).filter((file) => file.endsWith('.ts'))
  assert.ok(sources.length >= 10)
  const overview = readFileSync(`${folder('basics')}README.md`, 'utf8')
  for (const file of sources) {
    const text = readFileSync(folder('basics') + file, 'utf8')
    assert.ok(text.trimEnd().split('\n').length < 60, file)
    assert.equal([...new Set(Array.from(text.matchAll(/from '([^']+)'/g), ([, from]) => from))], ['rmaat'], file)
    assert.match(overview, `(${file})`)
  }
})

for (const name of names)
  test(`${name}: in its short form it reaches what it must`, async () => {
    const example = (await examples[name]()).default
    const device = await openDevice('wasm', { threads: 1 })
    const { columns, rows, acceptance } = await example.run({ device, short: true, progress: () => {} })
    device.close()
    assert.ok(rows.length > 0 && acceptance.length > 0)
    for (const row of rows) assert.is(row.length, columns.length)
    for (const { claim, measured, holds } of acceptance) assert.ok(holds, `${claim}: ${measured}`)
  })

test.run()
