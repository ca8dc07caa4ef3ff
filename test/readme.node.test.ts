import { existsSync, readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as rmaat from '../src/index.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

test('the first program of the README runs and learns', async () => {
  const source = /```ts\n([\s\S]*?)```/.exec(readme)![1]
  const names = /import \{ (.*?) \} from 'rmaat'/.exec(source)![1]
  const body = source.replace(/import .*\n/, '')
  const losses: number[] = []
  const AsyncFunction = (async () => {}).constructor as new (...args: string[]) => (...args: unknown[]) => Promise<void>
  const program = new AsyncFunction('rmaat', 'console', `const { ${names} } = rmaat\n${body}`)
  await program(rmaat, { log: (loss: number) => losses.push(loss) })
  assert.is(losses.length, 200)
  assert.ok(losses[199] < losses[0] / 10, `${losses[0]} to ${losses[199]}`)
})

test('every file that the README sends a reader to is there', () => {
  const paths = [...readme.matchAll(/`((?:src|test|assembly)\/[\w./-]*)`/g)].map(([, path]) => path)
  assert.ok(paths.length > 10)
  for (const path of paths) assert.ok(existsSync(new URL(`../${path}`, import.meta.url)), path)
})

test.run()
