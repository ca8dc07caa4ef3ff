import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { readSafetensors, writeSafetensors } from '../../src/train/safetensors.ts'

test('what is read of a Node Buffer is a copy, too', () => {
  const stored = { dtype: 'F32', shape: [1], data: Float32Array.of(2) } as const
  const bytes = Buffer.from(writeSafetensors(new Map([['a', stored]])))
  const { data } = readSafetensors(bytes).tensors.get('a')!
  bytes.fill(1)
  assert.equal([...data], [2])
})

test.run()
