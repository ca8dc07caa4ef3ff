import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { errorBudgets } from '../scripts/docs.ts'
import { fileOf, guides, withoutTimes, written } from '../scripts/guides.ts'
import * as rmaat from '../src/index.ts'
import { scalars } from '../src/ops/scalar.ts'

const root = new URL('../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')

test('the table of error budgets is what `npm run docs` writes', () => {
  assert.is(read('docs/error-budgets.md'), errorBudgets(), 'out of date: npm run docs')
  for (const name of Object.keys(scalars)) assert.ok(errorBudgets().includes(`\`${name}\``), name)
})

for (const name of guides)
  test(`the code and the listings in docs/${name}.md are those of the sources`, async () => {
    const guide = readFileSync(fileOf(name), 'utf8')
    assert.ok(guide.includes('<!-- end -->'))
    assert.is(withoutTimes(guide), withoutTimes(await written(guide)), 'out of date: npm run docs')
  })

test('the idioms of the column `here` run', async () => {
  const device = await rmaat.openDevice('reference')
  const floats = (...shape: number[]) => {
    const size = shape.reduce((a, b) => a * b, 1)
    return rmaat.tensor(
      Array.from({ length: size }, (_, i) => Math.sin(i + 1)),
      shape,
    )
  }
  const whole = (values: number[], shape = [values.length]) => rmaat.tensor(values, shape, 'i32')
  const v = rmaat.variable(device, [3], { init: 'normal', seed: 1 })
  const scope = {
    ...rmaat,
    device,
    v,
    loss: v.square().sum(),
    parameters: new rmaat.Parameters(device, rmaat.linearParameters(3, 2), 1),
    ...{ x: floats(4, 3), y: floats(4, 3).mul(-2), w: floats(3, 2), b: floats(3) },
    ...{ q: floats(2, 4, 3), k: floats(2, 4, 3), logits: floats(4, 5), table: floats(7, 3) },
    ...{ labels: whole([0, 4, 2, 1]), ids: whole([6, 0, 0, 3]), index: whole([0, 2, 1, 1, 0, 0, 2, 2], [4, 2]) },
  }
  const rows = [...read('docs/idioms.md').matchAll(/^\| ([^|]+) \|[^|]+\|[^|]+\| `([^|`]+)` \|$/gm)]
  assert.ok(rows.length >= 40, `${rows.length} idioms`)
  const AsyncFunction = (async () => {}).constructor as new (...code: string[]) => (of: object) => Promise<unknown>
  for (const [, idiom, code] of rows) {
    const run = new AsyncFunction('scope', `const { ${Object.keys(scope)} } = scope\nreturn ${code}`)
    const found = await run(scope).catch(({ message }) => assert.unreachable(`${idiom}: ${code}: ${message}`))
    assert.ok(found !== undefined, idiom)
    const tensors = [found].flat().filter((value) => value instanceof rmaat.Tensor)
    for (const values of tensors.length > 0 ? await rmaat.read(device, ...tensors) : [])
      assert.ok(values.length > 0 && values.every(Number.isFinite), `${idiom}: ${values}`)
  }
  device.close()
})

/** As the headings of a page are addressed. */
const anchors = (text: string): string[] =>
  [...text.matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )

test('every link between documents leads somewhere', () => {
  const documents = [
    ...['', 'docs/', 'bench/', 'examples/', 'findings/'].flatMap((folder) =>
      readdirSync(new URL(folder, root), { recursive: folder === 'examples/', encoding: 'utf8' })
        .filter((name) => name.endsWith('.md'))
        .map((name) => `${folder}${name}`),
    ),
  ]
  let count = 0
  for (const document of documents) {
    const whole = read(document)
    for (const [, path] of whole.matchAll(/`((?:src|test|assembly|kernels|examples|bench|docs)\/[\w./-]*)`/g))
      assert.ok(existsSync(new URL(path, root)) || !document.startsWith('docs/'), `${document}: ${path}`)
    const text = whole.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '')
    for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue
      const [path, anchor] = target.split('#')
      const place = path === '' ? new URL(document, root) : new URL(path, new URL(document, root))
      assert.ok(existsSync(place), `${document}: ${target}`)
      if (anchor) assert.ok(anchors(readFileSync(place, 'utf8')).includes(anchor), `${document}: ${target}`)
      count++
    }
  }
  assert.ok(count >= 15, `${count} links`)
})

test.run()
