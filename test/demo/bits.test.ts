import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { trainedBits } from '../../demo/bits.ts'

/** What the kernels round to: it changes where an order of summation does, and then in every runtime alike. */
const HASH = 'a17dcfffd63c2dba3710204df3643c41f73c70e023f3b4db4c932fdb8077797f'

test('twenty steps give the same bits in every runtime, for any number of threads', async () => {
  for (const threads of [1, 2]) {
    const { losses, hash } = await trainedBits(threads)
    assert.is(losses.length, 20)
    assert.ok(losses[19] < losses[0])
    assert.is(hash, HASH, `${threads} threads`)
  }
})

test.run()
