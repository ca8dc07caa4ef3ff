import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { bytesOf, textOf } from '../../src/backends/wasm/text.ts'

test('every byte comes back from its text, which is printable and needs no escape but that of the backslash', () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i)
  const text = textOf(bytes)
  assert.equal(bytesOf(text), bytes)
  assert.match(text, /^[#-~]+$/)
  assert.is(JSON.stringify(text).length, text.length + 2 + text.split('\\').length - 1)
})

test.run()
