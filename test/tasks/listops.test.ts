import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { bestConstantPerRoot, LONG_RANGE_ARENA, majority, type Task, take, tasks } from '../../src/tasks/index.ts'
import { evaluate, tokenise, write } from '../../src/tasks/listops-expression.ts'
import { expressions } from '../../src/tasks/listops-generator.ts'
import { Random } from '../../src/tasks/random.ts'
import { fails } from '../support/fails.ts'

// Worked out by hand.
const VALUES: readonly (readonly [string, number])[] = [
  ['7', 7],
  ['[MIN 3 8 2 ]', 2],
  ['[MAX 3 8 2 ]', 8],
  ['[MAX 5 ]', 5],
  ['[MED 9 0 4 ]', 4],
  ['[MED 3 6 ]', 4], // 4.5 truncated
  ['[MED 9 9 8 8 ]', 8], // 8.5 truncated
  ['[MED 0 1 ]', 0],
  ['[MED 1 9 2 8 ]', 5],
  ['[SM 9 8 7 ]', 4],
  ['[SM 5 5 ]', 0],
  ['[SM 0 0 ]', 0],
  ['[MAX 4 [SM 7 8 ] [MIN 9 [MED 1 6 ] ] ]', 5],
  ['( ( ( [MAX 4 ) 7 ) ] )', 7],
  ['( ( ( [SM ( ( ( [MED 2 ) 5 ) ] ) ) 9 ) ] )', 2],
]

test('evaluates what was worked out by hand, with and without parentheses', () => {
  for (const [source, value] of VALUES) assert.is(evaluate(tokenise(source)), value, source)
})

test('the 15 tokens have the ids 1 to 15; X is the closing bracket too', () => {
  const all = '0 1 2 3 4 5 6 7 8 9 [MIN [MAX [MED [SM ]'
  assert.equal(
    [...tokenise(all)],
    Array.from({ length: 15 }, (_, index) => index + 1),
  )
  assert.is(write(tokenise(all)), all)
  assert.equal([...tokenise('( ( [SM 4 ) X )')], [14, 5, 15])
})

test('what is no expression is an error with its place', async () => {
  const broken = 'not a whole expression: '
  const cases: readonly (readonly [string, string])[] = [
    ['', 'it has no tokens'],
    ['[MAX 1 [MIN 2', '2 brackets are open at its end'],
    ['1 2', 'token 1 ends the expression, but more follow'],
    ['[MAX 1 ] ]', 'token 3 ends the expression, but more follow'],
    ['] 1', 'token 1 closes nothing'],
    ['[MAX [MIN ] ]', 'token 3 closes an operator without operands'],
  ]
  for (const [source, message] of cases) await fails('data', broken + message, () => evaluate(tokenise(source)))
  await fails('data', `${broken}token 1 is 0, which is no id of a token`, () => evaluate([0]))
  await fails('data', '"12" is no token of ListOps; expected 0 1 2 3 4 5 6 7 8 9 [MIN [MAX [MED [SM ]', () =>
    tokenise('[MAX 12 ]'),
  )
})

// Made by the generator, valued by hand.
const SAMPLE: readonly (readonly [string, number])[] = [
  ['[MED 5 [SM 4 1 8 [MIN 7 0 6 ] [MAX 7 3 4 ] ] ]', 2], // MED(5, 20 mod 10)
  ['[MIN 5 1 [MAX 0 8 ] [MAX [SM 1 2 2 0 ] 9 9 ] ]', 1],
  ['[SM [MIN [MED 6 5 ] 7 [MAX 3 5 3 2 0 ] 7 [MED 9 1 ] ] 1 1 ]', 7], // MIN(5, 7, 5, 7, 5) + 2
  ['[MAX 6 6 [SM 8 5 4 ] [MED 7 [MIN 0 8 ] ] [MIN 8 [MED 6 6 8 6 ] [MIN 7 8 ] ] ]', 7], // MAX(6, 6, 7, 3, 6)
  ['[MED [MAX 4 [MED 7 0 8 4 3 ] ] [MED [SM 8 7 9 4 6 ] [MAX 5 7 9 6 9 ] ] 2 ]', 4], // MED(4, MED(4, 9) = 6, 2)
]
const SMALL = { minLength: 16, maxLength: 48, maxDepth: 4, maxArguments: 5 }
const never = (): boolean => false

test('a seed gives the same expressions in every version, with their values', async () => {
  const task = await tasks.listops()
  assert.equal(
    take(task.train(7), SAMPLE.length).map(({ tokens, label }) => [task.show(tokens), label]),
    SAMPLE,
  )
})

/** The greatest number of operators open at once, and of operands under one of them. */
function measure(tokens: ArrayLike<number>): { nesting: number; operands: number[] } {
  const open: number[] = []
  const operands: number[] = []
  let nesting = 0
  for (const token of Array.from(tokens)) {
    if (token === 15) operands.push(open.pop()!)
    else if (open.length > 0) open[open.length - 1]++
    if (token > 10 && token < 15) nesting = Math.max(nesting, open.push(0))
  }
  return { nesting, operands }
}

test('the generator keeps to its limits and reaches them', () => {
  const examples = take(expressions(new Random(0, 0), SMALL, never), 5000)
  const lengths = examples.map(({ tokens }) => tokens.length)
  assert.equal([Math.min(...lengths), Math.max(...lengths)], [16, 48])
  const measures = examples.map(({ tokens }) => measure(tokens))
  assert.is(Math.max(...measures.map(({ nesting }) => nesting)), 3)
  assert.equal([...new Set(measures.flatMap(({ operands }) => operands))].sort(), [2, 3, 4, 5])
  assert.equal([...new Set(examples.map(({ label }) => label))].sort(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
})

test('expressions of a single digit are drawn where they are allowed, three in four', () => {
  const limits = { minLength: 1, maxLength: 40, maxDepth: 3, maxArguments: 5 }
  const digits = take(expressions(new Random(0, 0), limits, never), 4000).filter(({ tokens }) => tokens.length === 1)
  assert.ok(Math.abs(digits.length - 3000) < 140, `${digits.length}`) // 5 standard deviations
})

test('the limits of Long Range Arena give its lengths and its most frequent values', () => {
  const examples = take(expressions(new Random(0, 0), LONG_RANGE_ARENA, never), 1000)
  const lengths = examples.map(({ tokens }) => tokens.length)
  assert.ok(Math.min(...lengths) > 500 && Math.max(...lengths) < 2000)
  const mean = lengths.reduce((sum, length) => sum + length, 0) / 1000
  assert.ok(Math.abs(mean - 1043) < 65, `${mean}`) // 5 standard deviations of a mean of 1,000
  const share = (label: number): number => examples.filter((example) => example.label === label).length / 1000
  assert.ok(share(0) > 0.12 && share(9) > 0.12)
})

const keysOf = (examples: Task['test']): string[] => [...examples].map(({ tokens }) => Array.from(tokens).join())

test('no expression is in two sets, and none is twice in one', async () => {
  const task = await tasks.listops({ trainExamples: 3000 })
  const all = [...task.test, ...task.validation, ...take(task.train(0), 3000)]
  assert.is(new Set(keysOf(all)).size, 6000)
  assert.equal(new Set(keysOf(take(task.train(1), 3000))), new Set(keysOf(take(task.train(0), 3000))))
})

test('an endless training stream passes over what is held out, where there is little to draw', async () => {
  const tiny = { minLength: 4, maxLength: 5, maxDepth: 2, maxArguments: 3 } // 400 + 4,000 expressions
  const task = await tasks.listops(tiny)
  const heldOut = new Set(keysOf([...task.test, ...task.validation]))
  assert.is(heldOut.size, 3000)
  const train = new Set(keysOf(take(task.train(0), 20000)))
  assert.ok(train.size > 1350 && train.size <= 1400, `${train.size}`)
  for (const key of train) assert.not(heldOut.has(key))
})

test('settings that leave nothing to draw are errors with the numbers', async () => {
  await fails(
    'config',
    'listops: minLength is 16, but maxLength is 48, and with maxDepth 2 and maxArguments 5 the longest expression has 7 tokens',
    () => tasks.listops({ maxDepth: 2 }),
  )
  await fails('config', 'listops: the longest expression has 48 tokens, but 2 segments of 12 hold 24', () =>
    tasks.listops({ segments: 2 }),
  )
  await fails(
    'config',
    'listops: 20000000 tokens were drawn without a new expression of 3..4 tokens (maxDepth 2, maxArguments 2); ' +
      'allow more lengths, levels or operands',
    () => tasks.listops({ minLength: 3, maxLength: 4, maxDepth: 2, maxArguments: 2 }),
  )
  await fails('config', 'listops: trainExamples is 0; expected a whole number from 1 to 10000000', () =>
    tasks.listops({ trainExamples: 0 }),
  )
})

test('the best constant for each root operator is learnt from one set and scored on another', () => {
  const example = (source: string, label: number) => ({ tokens: tokenise(source), label })
  const train = [example('[MAX 9 1 ]', 9), example('[MAX 9 2 ]', 9), example('[MAX 3 1 ]', 3), example('[MIN 0 1 ]', 0)]
  const unseen = example('[SM 4 5 ]', 9) // no such root in training: the most frequent value of all
  const examples = [example('[MAX 9 8 ]', 9), example('[MIN 0 8 ]', 0), example('[MIN 3 8 ]', 3), unseen]
  assert.is(bestConstantPerRoot(train, examples), 0.75)
})

test('the small setting has the baselines that stand beside its scores', async () => {
  const task = await tasks.listops()
  assert.ok(majority(task.test, 10).share < 0.15)
  const share = bestConstantPerRoot(take(task.train(0), 20000), task.test)
  assert.ok(share > 0.21 && share < 0.28, `${share}`)
})

test.run()
