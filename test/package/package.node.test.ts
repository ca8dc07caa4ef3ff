import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { installed, project, root, runIn, tarball, tool } from './project.ts'

const files = readdirSync(installed, { recursive: true, encoding: 'utf8' }).map((name) => name.replaceAll('\\', '/'))
const sizeOf = (name: string): number => statSync(join(installed, name)).size

test('the package holds what was built, its sources and its licence, and nothing else', () => {
  const folders = [
    'CONTRIBUTING.md',
    'LICENSE',
    'README.md',
    'assembly',
    'dist',
    'docs',
    'examples',
    'kernels',
    'package.json',
    'src',
  ]
  assert.equal(readdirSync(installed).sort(), folders)
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  const expected = sources.flatMap((name) => (/(?<!\.d)\.ts$/.test(name) ? name.replaceAll('\\', '/') : []))
  const wanted = expected.flatMap((name) => {
    const path = `dist/${name.slice(0, -'.ts'.length)}`
    // maps of what has a source, declarations of what can be imported
    const maps = name.includes('/modules/') ? [] : [`${path}.js.map`]
    return [
      `${path}.js`,
      ...maps,
      ...(name.startsWith('cli/') ? [] : [`${path}.d.ts`, ...maps.map(() => `${path}.d.ts.map`)]),
    ]
  })
  const built = files.filter((name) => /^dist\/.*\.\w+$/.test(name) && !name.includes('/vendor/'))
  assert.equal(built.sort(), [...wanted, 'dist/worker.d.ts', 'dist/worker.js'].sort())
  const { license } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'))
  assert.match(readFileSync(join(installed, 'LICENSE'), 'utf8'), license)
})

test('every source that a map names is there', () => {
  const maps = files.filter((name) => name.endsWith('.map') && !name.includes('/vendor/'))
  assert.ok(maps.length > 200)
  for (const name of maps)
    for (const source of JSON.parse(readFileSync(join(installed, name), 'utf8')).sources)
      assert.ok(existsSync(join(installed, name, '..', source)), `${name}: ${source}`)
})

test('it depends on nothing: what it bundles has its licence, and webgpu is asked for', () => {
  const { dependencies, optionalDependencies, peerDependenciesMeta } = JSON.parse(
    readFileSync(join(installed, 'package.json'), 'utf8'),
  )
  assert.equal([dependencies, optionalDependencies], [undefined, undefined])
  assert.equal(peerDependenciesMeta, { webgpu: { optional: true } })
  assert.equal(
    readdirSync(join(project, 'node_modules')).filter((name) => !name.startsWith('.')),
    ['rmaat'],
  )
  const bundled = files.filter((name) => /\/vendor\/[\w-]+\.js$/.test(name))
  assert.ok(bundled.length >= 4)
  for (const name of bundled)
    assert.match(readFileSync(join(installed, name), 'utf8').slice(0, 3000), /permission/i, name)
  // no import of anything that is not in it, but Node's own by the command
  for (const name of files.filter((name) => /^dist\/.*\.js$/.test(name))) {
    const text = readFileSync(join(installed, name), 'utf8')
    for (const [, specifier] of text.matchAll(/^\s*(?:import|export)\b[^'"\n;]*?\bfrom\s+['"]([^'"]+)['"]/gm))
      assert.ok(specifier.startsWith('.') || name.startsWith('dist/cli/'), `${name} imports ${specifier}`)
  }
  const said = runIn(project, [process.execPath, join(installed, 'dist/cli/main.js'), 'devices', '--json'])
  assert.match(said, 'npm install webgpu')
})

test('declarations do not repeat what modules hold', () => {
  const declarations = files.filter((name) => name.endsWith('.d.ts'))
  for (const name of declarations) assert.ok(sizeOf(name) < 20_000, `${name}: ${sizeOf(name)} bytes`)
})

test('its entries are what publint and attw expect', () => {
  runIn(project, [process.execPath, tool('publint/src/cli.js')!, tarball, '--strict'])
  runIn(project, [process.execPath, tool('@arethetypeswrong/cli/dist/index.js')!, tarball, '--profile', 'esm-only'])
})

test('what knows no exports, such as Parcel as it comes, finds the same entry', () => {
  const { main, types, exports } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'))
  assert.equal({ default: main, types }, { default: exports['.'].default, types: exports['.'].types })
})

// its check of slow types aside: methods are added to tensors where operations are defined, which it cannot follow
test('JSR would take its sources', () => {
  const folder = join(project, 'jsr')
  mkdirSync(folder)
  for (const name of ['src', 'package.json', 'LICENSE', 'README.md'])
    cpSync(join(root, name), join(folder, name), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction')
  const { version, license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const about = { name: '@scope/rmaat', version, license }
  const exports = { '.': './src/index.ts', './engine': './src/engine.ts' }
  const types = ['./node_modules/@webgpu/types/dist/index.d.ts']
  const compilerOptions = { lib: ['dom', 'dom.iterable', 'dom.asynciterable', 'esnext'], types }
  writeFileSync(join(folder, 'deno.json'), JSON.stringify({ ...about, exports, compilerOptions }))
  runIn(folder, [process.execPath, tool('deno/bin.cjs')!, 'publish', '--dry-run', '--allow-slow-types'])
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

  where(`the engine alone computes in ${name}, and console.log shows its tensors`, () => {
    const [json, values, w] = runIn(project, [...command!, 'engine.js'])
      .trim()
      .split('\n')
    assert.equal(JSON.parse(json), { missing: [], model: false, loss: 13, w: [3, 5] })
    assert.match(values, /^data#\d+ f32\[2, 2\] \[\[1, 2\], \[3, 4\]\]$/)
    assert.match(w, /^variable#\d+ f32\[2\] on wasm$/)
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
