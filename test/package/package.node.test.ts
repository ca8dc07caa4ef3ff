import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { installed, project, root, runIn, tarball, tool } from './project.ts'

const files = readdirSync(installed, { recursive: true, encoding: 'utf8' }).map((name) => name.replaceAll('\\', '/'))
const sizeOf = (name: string): number => statSync(join(installed, name)).size

test('the package holds what was built, its licence, and nothing else', () => {
  assert.equal(readdirSync(installed).sort(), ['LICENSE', 'README.md', 'dist', 'package.json'])
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  const expected = sources.flatMap((name) => (/(?<!\.d)\.ts$/.test(name) ? name.replaceAll('\\', '/') : []))
  for (const name of expected)
    for (const ending of ['.js', '.d.ts']) assert.ok(files.includes(`dist/${name.replace(/\.ts$/, ending)}`), name)
  const built = files.filter((name) => /^dist\/.*\.\w+$/.test(name))
  assert.is(built.length, 2 * expected.length, 'left over from an older build')
  const { license } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'))
  assert.match(readFileSync(join(installed, 'LICENSE'), 'utf8'), license)
})

test('declarations do not repeat what modules hold', () => {
  const declarations = files.filter((name) => name.endsWith('.d.ts'))
  for (const name of declarations) assert.ok(sizeOf(name) < 20_000, `${name}: ${sizeOf(name)} bytes`)
})

test('its entries are what publint and attw expect', () => {
  runIn(project, [process.execPath, tool('publint/src/cli.js')!, tarball, '--strict'])
  runIn(project, [process.execPath, tool('@arethetypeswrong/cli/dist/index.js')!, tarball, '--profile', 'esm-only'])
})

const node = (path: string | undefined) => path && [path]
const runtimes = {
  'the Node that runs the tests': [process.execPath],
  'the oldest Node': node(tool('node-oldest/bin/node')),
  'the newest Node': node(tool('node-newest/bin/node')),
  Deno: [process.execPath, tool('deno/bin.cjs')!, 'run', '--allow-all', '--no-lock'],
  Bun: node(tool('@oven/bun-linux-x64/bin/bun')),
}
const flags = [
  '--segments',
  '2',
  '--segment-length',
  '4',
  '--width',
  '8',
  '--layers',
  '1',
  '--heads',
  '2',
  '--steps',
  '2',
]

for (const [name, command] of Object.entries(runtimes)) {
  const where = command ? test : test.skip

  where(`a model trains in ${name}`, () => {
    const { description, losses, accuracy } = JSON.parse(runIn(project, [...command!, 'train.js']))
    assert.match(description, 'WebAssembly, 2 threads, 128-bit SIMD, relaxed')
    assert.is(losses.length, 40)
    assert.ok(losses[39] < 0.9 * losses[0], `${losses[0]} to ${losses[39]}`)
    assert.ok(accuracy >= 0 && accuracy <= 1, `${accuracy}`)
  })

  where(`the command trains and evaluates in ${name}`, () => {
    const out = `run-${Object.keys(runtimes).indexOf(name)}`
    const rmaat = [...command!, join(installed, 'dist/cli/main.js')]
    const model = ['--task', 'cue', ...flags, '--test-examples', '20', '--device', 'wasm']
    runIn(project, [...rmaat, 'train', ...model, '--out', out])
    const said = runIn(project, [...rmaat, 'evaluate', `${out}/weights.safetensors`, '--device', 'wasm'])
    assert.match(said, 'of 20 test examples right')
  })
}

test.run()
