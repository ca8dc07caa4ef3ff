import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { trainedBits } from '../../demo/bits.ts'

/** What the kernels round to: it changes where an order of summation does, and then in every runtime alike. */
const HASH = 'ad7daa2654fbb9bdf73eccbe1c9d7c44bb1a6f82f47b5416f6d04e52376dfe92'

test('twenty steps give the same bits in every runtime, for any number of threads', async () => {
  for (const threads of [1, 2]) {
    const { losses, hash } = await trainedBits(threads)
    assert.is(losses.length, 20)
    assert.ok(losses[19] < losses[0])
    assert.is(hash, HASH, `${threads} threads`)
  }
})

test.run()
