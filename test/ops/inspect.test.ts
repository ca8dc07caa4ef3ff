import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { tensor, zeros } from '../../src/engine.ts'
import { devices } from '../support/devices.ts'
import { isNode } from '../support/runtime.ts'

interface Inspects {
  readonly Deno?: { inspect(value: unknown): string }
  readonly console: { Console: new (options: { stdout: object; ignoreErrors: boolean }) => Console }
}

/** What `console.log` prints; undefined in a browser, whose console shows the fields of an object. */
function printed(value: unknown): string | undefined {
  const { Deno, console } = globalThis as unknown as Inspects
  if (Deno) return Deno.inspect(value)
  if (!isNode) return undefined
  let text = ''
  const write = (part: string): void => {
    text += part
  }
  new console.Console({ stdout: { write }, ignoreErrors: false }).log(value)
  return text.trimEnd()
}

test('console.log of a tensor shows its type, its shape, and the values that the graph holds', async () => {
  const device = await devices.reference()
  const w = device.variable([3, 1])
  const counts = tensor([1, -2, 3, 4, 5, 6], [2, 3], 'i32')
  const expected = new Map([
    [counts, `data#${counts.id} i32[2, 3] [[1, -2, 3], [4, 5, 6]]`],
    [w, `variable#${w.id} f32[3, 1] on reference`],
  ])
  for (const [x, [end]] of [
    [w.mul(2), ['f32[3, 1] on reference']],
    [zeros([2, 9]), ['f32[2, 9] [[0, 0, 0, 0, 0, 0, 0, 0, …], [0, 0, 0, 0, 0, 0, 0, 0, …]]']],
    [tensor([0.5], []), ['f32[] 0.5']],
    [tensor([], [0, 3]), ['f32[0, 3] []']],
    [counts.add(1), ['i32[2, 3]']],
  ] as const)
    expected.set(x, `${x.op}#${x.id} ${end}`)
  for (const [x, text] of expected) {
    const found = printed(x)
    if (found !== undefined) assert.is(found, text)
    else for (const field of ['op', 'shape', 'dtype'] as const) assert.ok(Object.keys(x).includes(field), field)
  }
  device.close()
})

test.run()
