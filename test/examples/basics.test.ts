import { test } from 'uvu'
import * as assert from 'uvu/assert'

/** What a program prints, line by line. */
async function printed(run: () => Promise<unknown>): Promise<string[]> {
  const { log } = console
  const lines: string[] = []
  console.log = (...parts: unknown[]) => lines.push(...parts.join(' ').split('\n'))
  try {
    await run()
  } finally {
    console.log = log
  }
  return lines
}
/** The number in a line, behind these words. */
const after = (words: string, lines: readonly string[]): number => {
  const line = lines.filter((text) => text.includes(words)).at(-1) ?? ''
  return Number.parseFloat(line.slice(line.indexOf(words) + words.length))
}

test('a first program', async () => {
  const losses = (await printed(() => import('../../examples/basics/first-program.ts'))).map(Number)
  assert.is(losses.length, 200)
  assert.ok(losses[199] < losses[0] / 10, `${losses[0]} to ${losses[199]}`)
})

test('a regression finds the coefficients, and holds for points that it has not seen', async () => {
  const lines = await printed(() => import('../../examples/basics/regression.ts'))
  assert.ok(after('held out: loss', lines) < 0.001, lines.join('\n'))
  assert.ok(lines.includes('w = 3.00, -2.00; b = 0.50'), lines.join('\n'))
})

test('a network learns which spiral a point lies on', async () => {
  const lines = await printed(() => import('../../examples/basics/spirals.ts'))
  assert.ok(Number(/, ([\d.]+) %/.exec(lines[0])![1]) < 70, lines[0])
  assert.ok(Number(/, ([\d.]+) %/.exec(lines.at(-1)!)![1]) > 98, lines.at(-1))
})

test('a causal transformer learns a text, and goes on with it', async () => {
  const lines = await printed(() => import('../../examples/basics/characters.ts'))
  assert.ok(after('step 0: loss', lines) > 2.5 && after('step 200: loss', lines) < 0.4, lines.join('\n'))
  assert.match(lines.at(-1)!, /^the sun is up, the sea is calm, the wind is low\. the sun goes/)
})

test('a recurrent cell learns to remember; its replayed gradient is the unrolled one, bit for bit', async () => {
  const lines = await printed(() => import('../../examples/basics/recurrent.ts'))
  for (const line of lines.slice(0, 3)) assert.match(line, /are equal, bit for bit/)
  assert.ok(after('step 100: loss', lines) < 0.01, lines.join('\n'))
  assert.ok(after('for results:', lines) < after('by replay,', lines), lines.at(-1))
})

test('RMAAT recalls a cue', async () => {
  const lines = await printed(() => import('../../examples/basics/recall.ts'))
  const result = lines.find((line) => line.includes('are right'))!
  assert.ok(Number.parseFloat(result) > 90, result)
  assert.ok(after('always the same answer:', lines) < 20, result)
})

test('a stream is answered behind more segments than the model has learned from', async () => {
  const lines = await printed(() => import('../../examples/basics/streaming.ts'))
  assert.is(lines.length, 2)
  for (const line of lines) assert.match(line, /: [45] of 5 are right/)
})

test('a new operation has derivatives, and is one kernel with them', async () => {
  const lines = await printed(() => import('../../examples/basics/operation.ts'))
  assert.ok(lines.includes('the slope of snake is off by less than 1e-8 from finite differences'), lines.join('\n'))
  assert.is(lines.at(-1), 'kernels: 1')
  assert.match(lines.at(-5)!, /^second .*6\.000/) // 2 a cos(2 a x) at 0
  assert.match(lines.at(-3)!, /^its slope( +1\.000){5}$/)
})

test('RMAAT learns a new task', async () => {
  const lines = await printed(() => import('../../examples/basics/task.ts'))
  assert.ok(Number.parseFloat(lines.at(-1)!) > 85, lines.at(-1))
  assert.ok(after('always the same answer:', lines) < 50, lines.at(-1))
})

test('a new model is trained and tested by what trains RMAAT, the same by both methods', async () => {
  const lines = await printed(() => import('../../examples/basics/model.ts'))
  const [replay, right, through, same] = lines
  assert.ok(after('amrb:', [replay]) < after('bptt:', [through]), lines.join('\n'))
  assert.ok(Number.parseFloat(right) > 95 && after('always the same:', [right]) < 20, right)
  assert.is(right, same)
})

test.run()
