import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { printable, RmaatError } from '../src/errors.ts'

test('a message holds nothing that acts on a terminal, and keeps its lines and letters', () => {
  const { message } = new RmaatError('data', 'name\u001b[2J\u0007\u009b1m\u007f\u2028\u202e\r of\n\tüφ漢🙂')
  assert.is(message, 'name\\u001b[2J\\u0007\\u009b1m\\u007f\\u2028\\u202e\\u000d of\n\tüφ漢🙂')
  assert.is(printable(message), message)
})

test.run()
