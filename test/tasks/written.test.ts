import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type TaskName, tasks } from '../../src/tasks/index.ts'
import { tokenise } from '../../src/tasks/listops-expression.ts'
import type { Task } from '../../src/tasks/task.ts'
import { written } from '../../src/tasks/written.ts'
import { fails } from '../support/fails.ts'

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function read(
  task: Exclude<TaskName, 'retrieval'>,
  content: string | Uint8Array,
  size = 1000,
): Promise<number[]> {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content
  const tokens: number[] = []
  for await (const some of written[task]().tokens(inPieces(bytes, size), 'here')) tokens.push(...Array.from(some))
  return tokens
}

const sizes = [1, 2, 3, 5, 1000]
const wide = (text: string, little: boolean): Uint8Array => {
  const view = new DataView(new ArrayBuffer(2 * text.length))
  for (let i = 0; i < text.length; i++) view.setUint16(2 * i, text.charCodeAt(i), little)
  return new Uint8Array(view.buffer)
}

test('a text is its bytes, in UTF-8 where a mark says that it is another encoding', async () => {
  const text = 'née\t𝄞\r\n'
  const plain = new TextEncoder().encode(text)
  const expected = Array.from(plain, (byte) => byte + 1)
  for (const size of sizes) {
    for (const bytes of [plain, Uint8Array.of(0xef, 0xbb, 0xbf, ...plain)])
      assert.equal(await read('text', bytes, size), expected)
    for (const little of [true, false]) assert.equal(await read('text', wide(`\ufeff${text}`, little), size), expected)
    assert.equal(await read('text', '\u0000\u00ff', size), [1, 0xc3 + 1, 0xbf + 1])
    for (const short of ['', 'a', 'ab']) assert.is((await read('text', short, size)).length, short.length)
  }
  const half = wide('\ufeffab', true).subarray(0, 5)
  await fails('data', 'here: expected text in UTF-16LE, but its bytes are not', () => read('text', half))
})

test('pixels, and the bytes of any file, are values, whatever the first ones look like', async () => {
  const bytes = Uint8Array.of(0xff, 0xfe, 0, 10, 0xef)
  for (const task of ['image', 'pathfinder', 'bytes'] as const)
    for (const size of sizes) assert.equal(await read(task, bytes, size), [256, 255, 1, 11, 240])
})

test('an expression is its words, wherever it is cut', async () => {
  const source = '( ( ( [MAX 4 ) [SM 7 8 ] ) ] )\n[MED((1)2)X\t]'
  for (const size of sizes) assert.equal(await read('listops', source, size), [...tokenise(source)])
})

for (const name of ['cue', 'order', 'add', 'mqar', 'copy', 'selective-copy', 'parity', 's3'] as const) {
  test(`${name} reads what it shows`, async () => {
    const task: Task = tasks[name]()
    assert.equal(written[name]().classNames, task.classNames)
    assert.is(written[name]().vocabulary, task.vocabulary)
    for (const { tokens } of task.test.slice(0, 20))
      for (const size of sizes) assert.equal(await read(name, task.show(tokens), size), Array.from(tokens))
  })
}

test('what is no token is named with its place', async () => {
  const said = /^here, after the token 2: "D" is no token of order; expected A B C \. , : ;$/
  for (const size of sizes) await fails('data', said, () => read('order', 'A B D A', size))
  await fails('data', /^here, after the token \d+: "\[MAXX?" is no token of ListOps; /, () =>
    read('listops', '1 [MAXX 2'),
  )
  await fails('data', /^here, after the token 0: "\ufffd" is no token of cue; /, () => read('cue', Uint8Array.of(0xff)))
})

test('a word without end is an error before the end', async () => {
  let pieces = 0
  async function* endless(): AsyncGenerator<Uint8Array, void> {
    for (;;) {
      pieces++
      yield new TextEncoder().encode('aaaaaaaaaa')
    }
  }
  for (const task of ['order', 'listops'] as const) {
    pieces = 0
    await fails('data', /^here, after the token 0: "a+…?" is no token of/, async () => {
      for await (const tokens of written[task]().tokens(endless(), 'here')) assert.is(tokens.length, 0)
    })
    assert.ok(pieces <= 11, `${pieces}`)
  }
})

test.run()
