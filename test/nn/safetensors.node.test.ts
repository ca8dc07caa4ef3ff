import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { readSafetensors, writeSafetensors } from '../../src/nn/safetensors.ts'
import { fails } from '../support/fails.ts'

test('what is read of a Node Buffer is a copy, too', () => {
  const stored = { dtype: 'F32', shape: [1], data: Float32Array.of(2) } as const
  const bytes = Buffer.from(writeSafetensors(new Map([['a', stored]])))
  const { data } = readSafetensors(bytes).tensors.get('a')!
  bytes.fill(1)
  assert.equal([...data], [2])
})

test('many tensors of the same bytes are refused before a byte is copied', async () => {
  const [count, length] = [2000, 250_000]
  const entries = Array.from({ length: count }, (_, i) => [
    `t${i}`,
    { dtype: 'F32', shape: [length / 4], data_offsets: [0, length] },
  ])
  const header = Buffer.from(JSON.stringify(Object.fromEntries(entries)))
  const begin = Buffer.alloc(8)
  begin.writeBigUInt64LE(BigInt(header.length))
  const file = Buffer.concat([begin, header, Buffer.alloc(length)])
  const before = process.memoryUsage().arrayBuffers
  await fails('data', /tensor "t1": begins at offset \d+ and overlaps the tensor before it/, () =>
    readSafetensors(file),
  )
  const taken = process.memoryUsage().arrayBuffers - before
  assert.ok(taken < 2 * file.length, `${taken} bytes for a file of ${file.length}`)
})

test.run()
