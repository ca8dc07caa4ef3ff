import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { philox, randomWord } from '../../src/ops/rounded.ts'

const hex = (words: number[]) => words.map((word) => word.toString(16).padStart(8, '0')).join(' ')

test("the known answers of Random123's kat_vectors for philox4x32-10", () => {
  const ones = 0xffffffff
  assert.is(hex(philox([0, 0, 0, 0], [0, 0])), '6627e8d5 e169c58d bc57ac4c 9b00dbd8')
  assert.is(hex(philox([ones, ones, ones, ones], [ones, ones])), '408f276d 41c83b0e a20bc7c6 6d5451fd')
  assert.is(
    hex(philox([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0])),
    'd16cfe09 94fdcceb 5001e420 24126ea1',
  )
})

test('negative words are taken modulo 2^32', () => {
  assert.equal(philox([-1, -1, -1, -1], [-1, -1]), philox(Array(4).fill(0xffffffff) as never, [0xffffffff, 0xffffffff]))
})

test("randomWord is the element's word of its counter, as 32 signed bits", () => {
  const words = philox([5, 77, 3, 9], [42, 0])
  for (let k = 0; k < 4; k++) assert.is(randomWord(20 + k, 3, 9, 42, 77), words[k] | 0)
})

test.run()
