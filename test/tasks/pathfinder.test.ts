import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { take, tasks } from '../../src/tasks/index.ts'
import { DRAWINGS, type Side } from '../../src/tasks/pathfinder-drawings.ts'
import { Painter } from '../../src/tasks/pathfinder-generator.ts'
import { resized, stampOf } from '../../src/tasks/pathfinder-stamps.ts'
import { Random } from '../../src/tasks/random.ts'
import { fails } from '../support/fails.ts'
import { isNode } from '../support/runtime.ts'

const row = (values: Uint8Array, width: number, at: number): string =>
  Array.from(values.slice(at * width, (at + 1) * width), (value) => String(Math.round((value / 255) * 100))).join(' ')

test('a paddle of the published size has the values that the image library of 2019 gave it', () => {
  const { reach, line, mask } = stampOf(0, { length: 2, thickness: 0.5, margin: 1 })
  assert.is(reach, 4)
  assert.is(row(line, 9, 4), '0 0 1 0 40 53 45 0 0')
  assert.is(row(mask, 9, 3), '0 0 1 8 68 80 73 11 0')
  assert.is(row(mask, 9, 4), '0 1 0 61 100 100 100 72 1')
  assert.is(row(mask, 9, 5), row(mask, 9, 3))
})

test('a paddle goes into its direction, half its length on average, however wide it is', () => {
  for (const size of [
    { length: 2, thickness: 0.5, margin: 1 },
    { length: 5, thickness: 1, margin: 1 },
    { length: 5, thickness: 1.5, margin: 2 },
  ])
    for (let degrees = -180; degrees < 180; degrees += 15) {
      const angle = (degrees * Math.PI) / 180
      const { reach, line } = stampOf(angle, size)
      let [light, down, right] = [0, 0, 0]
      line.forEach((value, at) => {
        light += value
        down += value * (Math.floor(at / (2 * reach + 1)) - reach)
        right += value * ((at % (2 * reach + 1)) - reach)
      })
      const half = size.length / 2
      const off = Math.hypot(down / light - half * Math.sin(angle), right / light - half * Math.cos(angle))
      assert.ok(off < 0.9, `${off} at ${degrees} degrees`)
    }
})

test('a picture of one shade keeps it in any size', () => {
  for (const side of [3, 4, 8, 17]) {
    const { pixels } = resized({ side: 8, pixels: new Uint8Array(64).fill(77) }, side)
    assert.is(pixels.length, side * side)
    assert.ok(pixels.every((value) => value === 77))
  }
})

/** What a hundred pictures or so look like. */
function statistics(rim: boolean, count: number) {
  const painter = new Painter(32, rim)
  const sums = { distractors: 0, mean: 0, zeros: 0, bright: 0 }
  for (let i = 0; i < count; i++) {
    const { pixels, distractors } = painter.draw(new Random(i, 0), i % 2)
    assert.is(Math.max(...pixels), 255)
    assert.is(Math.min(...pixels), 0)
    sums.distractors += distractors / count
    for (const value of pixels) {
      sums.mean += value / 1024 / count
      if (value === 0) sums.zeros += 100 / 1024 / count
      if (value > 64) sums.bright += 100 / 1024 / count
    }
  }
  return sums
}

// measured on the published generator over 1,500 pictures each; those of distractors need more of them than a test draws
const published = {
  true: { distractors: 1.17, mean: 20.2, zeros: 65.9, bright: 12.6 },
  false: { distractors: 4.66, mean: 27.7, zeros: 54.9, bright: 17.3 },
} as const

for (const rim of [true, false]) {
  test(`pictures ${rim ? 'with the fault at the rim' : 'as they were meant'} are those of the published generator`, () => {
    const found = statistics(rim, isNode ? 200 : 50)
    const { distractors, ...shades } = published[`${rim}`]
    const within = isNode ? 0.05 : 0.1
    for (const [name, value] of Object.entries(shades) as [keyof typeof shades, number][])
      assert.ok(Math.abs(found[name] / value - 1) < within, `${name}: ${found[name]}, published ${value}`)
    assert.ok(Math.abs(found.distractors - distractors) < 0.5, `${found.distractors}`)
  })
}

test('the fault at the rim leaves the directions that were measured on the published generator', () => {
  const directions = (side: Side, margin: number, rim: boolean): number[] => {
    const painter = new Painter(side, rim) as unknown as {
      freeFor(degrees: number, margin: number, rim: number): unknown[]
    }
    const all = Array.from({ length: 360 }, (_, i) => i - 180)
    return all.filter((degrees) => painter.freeFor(degrees, margin, 2 * DRAWINGS[side].apart).length > 0)
  }
  const at32 = directions(32, 1, true)
  assert.equal([at32.length, at32[0], at32.at(-1)], [30, -150, -121])
  assert.is(directions(32, 1, false).length, 360)
  if (!isNode) return
  assert.is(directions(128, 2, true).length, 354)
  assert.is(directions(128, 3, true).length, 360)
})

test('every side is drawn, each picture alike from its numbers, the other class in other dots alone', () => {
  for (const side of Object.keys(DRAWINGS).map(Number) as Side[]) {
    const draw = (label: number) => new Painter(side, false).draw(new Random(2, 0), label).pixels
    const [apart, together] = [draw(0), draw(1)]
    assert.is(apart.length, side * side)
    assert.equal(draw(0), apart)
    const other = apart.filter((value, at) => value !== together[at]).length
    assert.ok(other > 0 && other < (side * side) / 10, `${other} of ${side}`)
  }
})

test('the task: half of it positive, sets of their own, fixed by seeds, pixels and one', async () => {
  const task = await tasks.pathfinder({ heldOut: 1000 })
  assert.equal([task.vocabulary, task.classes, task.segments, task.segmentLength], [257, 2, 8, 128])
  assert.equal([task.test.length, task.validation.length], [1000, 1000])
  const positive = [...task.test, ...take(task.train(0), 1000)].filter(({ label }) => label === 1).length
  assert.ok(Math.abs(positive - 1000) < 115, `${positive}`) // 5 standard deviations
  const [first] = task.test.slice(0, 1)
  assert.is(first.tokens.length, 1024)
  for (const token of Array.from(first.tokens)) assert.ok(token >= 1 && token <= 256)
  const tokensOf = (examples: Iterable<{ tokens: ArrayLike<number> }>) =>
    [...examples].map(({ tokens }) => [...Array.from(tokens)].join())
  const again = await tasks.pathfinder({ heldOut: 3 })
  assert.equal(tokensOf(again.test), tokensOf(task.test.slice(0, 3)))
  const all = [
    ...tokensOf(again.test),
    ...tokensOf(again.validation),
    ...tokensOf(take(task.train(0), 3)),
    ...tokensOf(take(task.train(1), 3)),
  ]
  assert.is(new Set(all).size, 12)
  const few = await tasks.pathfinder({ trainExamples: 2, heldOut: 1 })
  assert.is(new Set(tokensOf(take(few.train(0), 8))).size, 2)
  assert.is(task.show(first.tokens).split('\n').length, 32)
})

test('settings that do not fit are errors', async () => {
  await fails('config', 'pathfinder: side is 33; expected 32 or 64 or 128', () => tasks.pathfinder({ side: 33 as 32 }))
  await fails('config', 'pathfinder: a picture of 64 x 64 has 4096 tokens, but 2 segments of 256 hold 512', () =>
    tasks.pathfinder({ side: 64, segments: 2 }),
  )
  await fails('config', 'pathfinder: a cache keeps pictures that are used again; it needs trainExamples', () =>
    tasks.pathfinder({ cache: 'somewhere' }),
  )
  await fails(
    'config',
    'pathfinder from a folder: no setting is called side; there are path, segments, segmentLength',
    () => tasks.pathfinder({ path: 'somewhere', side: 32 }),
  )
})

test.run()
