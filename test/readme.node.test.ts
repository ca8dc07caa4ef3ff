import { existsSync, readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { presets } from '../src/cli/presets.ts'
import * as engine from '../src/engine.ts'
import * as rmaat from '../src/index.ts'
import { methods } from '../src/ops/methods.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

const contributing = readFileSync(new URL('../CONTRIBUTING.md', import.meta.url), 'utf8')

const [[, source], [, training]] = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)]

/** Runs a program that imports of an entry what it names in one line, with another console. */
async function runs(source: string, entry: object, log: (...values: number[]) => void): Promise<void> {
  const names = /import \{ (.*?) \} from 'rmaat'/.exec(source)![1]
  const AsyncFunction = (async () => {}).constructor as new (...args: string[]) => (...args: unknown[]) => Promise<void>
  const body = source.replace(/import .*\n/, '')
  await new AsyncFunction('entry', 'console', `const { ${names} } = entry\n${body}`)(entry, { log })
}

for (const [entry, exported] of Object.entries({ rmaat, 'rmaat/engine': engine }))
  test(`the first program of the README runs and learns on the entry ${entry}`, async () => {
    const losses: number[] = []
    await runs(source, exported, (loss) => losses.push(loss))
    assert.is(losses.length, 200)
    assert.ok(losses[199] < losses[0] / 10, `${losses[0]} to ${losses[199]}`)
  })

test('its training of RMAAT runs and learns', async () => {
  const steps: number[][] = []
  // the CPU suits such a model best, whatever GPU there is
  await runs(training.replace("'auto'", "'wasm'"), rmaat, (...values) => steps.push(values))
  assert.equal([steps.length, steps[299][0]], [300, 300])
  const right = steps.slice(-20).reduce((sum, [, , accuracy]) => sum + accuracy / 20, 0)
  assert.ok(right > 0.9, `${right} of the last batches are right`)
})

test('its first program is that of the examples', () => {
  assert.is(source, readFileSync(new URL('../examples/basics/first-program.ts', import.meta.url), 'utf8'))
})

test('every file that the README sends a reader to is there', () => {
  const paths = [...`${readme}${contributing}`.matchAll(/`((?:src|test|assembly|examples)\/[\w./-]*)`/g)].map(
    ([, path]) => path,
  )
  assert.ok(paths.length > 10)
  for (const path of paths) assert.ok(existsSync(new URL(`../${path}`, import.meta.url)), path)
})

test('the README names every export of each entry once, with a line, and every operation', () => {
  const section = readme.slice(readme.indexOf('## Every export'), readme.indexOf('**Operations**'))
  const named = [...section.matchAll(/^- `(\w+)`: .{6,}$/gm)].map(([, name]) => name)
  assert.equal([...named].sort(), Object.keys(rmaat).sort())
  const ofEngine = section.slice(0, section.indexOf('`rmaat` alone'))
  assert.equal([...ofEngine.matchAll(/^- `(\w+)`/gm)].map(([, name]) => name).sort(), Object.keys(engine).sort())
  const [, list] = /\*\*Operations\*\*([\s\S]*?)\n## /.exec(readme)!
  const operations = [...list.matchAll(/`(\w+)`/g)].map(([, name]) => name)
  assert.equal(operations.sort(), Object.keys(methods).sort())
})

test('the README names every preset', () => {
  for (const name of Object.keys(presets)) assert.match(readme, new RegExp(`^\\| .*\`${name}\``, 'm'))
})

test('its first lines say how to install, to start and to test', () => {
  const first = readme.split('\n').slice(0, 24).join('\n')
  for (const command of ['npm install rmaat', 'npx rmaat start', 'npm start', 'npm test'])
    assert.match(first, new RegExp(`^    ${command}`, 'm'))
})

test.run()
