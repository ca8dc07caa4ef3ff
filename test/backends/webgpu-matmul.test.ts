import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { matmul as definition } from '../../src/backends/reference/kernels.ts'
import { matmul, type Tiling } from '../../src/backends/webgpu/matmul.ts'
import type { Matmul, Place } from '../../src/program/plan.ts'
import { testOn } from '../support/devices.ts'
import { Harness } from './harness.ts'

type Name = 'a' | 'b' | 'out'
type List = 'batch' | 'm' | 'n' | 'k'
const names: readonly Name[] = ['a', 'b', 'out']
const lists: Readonly<Record<Name, readonly List[]>> = {
  a: ['batch', 'm', 'k'],
  b: ['batch', 'k', 'n'],
  out: ['batch', 'm', 'n'],
}

/** How an operand lies in memory. */
interface Layout {
  readonly offset: number
  /** Its axes from the outermost to the innermost, by numbers in the order of `lists`. */
  readonly order?: readonly number[]
  /** Elements left free behind each row of its outermost axis. */
  readonly gap?: number
  /** Axes, likewise by number, along which it is the same everywhere. */
  readonly repeated?: readonly number[]
}

interface Recipe {
  readonly sizes: Readonly<Record<List, readonly number[]>>
  readonly layouts: Readonly<Record<Name, Layout>>
  readonly accumulate: boolean
  /** Loops around it, each with steps of its own in the operands. */
  readonly loops: readonly number[]
}

/** The call of a recipe, and the elements of its operands. */
function build({ sizes, layouts, accumulate, loops }: Recipe): { call: Matmul; elements: Record<Name, number> } {
  const elements = { a: 0, b: 0, out: 0 }
  const strides = {} as Record<Name, Record<List, number[]>>
  const places = {} as Record<Name, Place>
  names.forEach((name, buffer) => {
    const { offset, order, gap = 0, repeated = [] } = layouts[name]
    const axes = lists[name].flatMap((list) => sizes[list].map((size, i) => ({ list, size, i })))
    strides[name] = { batch: [], m: [], n: [], k: [] }
    let length = 1
    const inward = order ?? axes.map((_, i) => i)
    for (const number of [...inward].reverse()) {
      const { list, size, i } = axes[number]
      const same = repeated.includes(number)
      if (number === inward[0]) length += gap
      strides[name][list][i] = same ? 0 : length
      if (!same) length *= size
    }
    const steps = [...loops].reverse().map((count) => {
      const step = length + gap
      length += step * (count - 1)
      return step
    })
    elements[name] = offset + length
    places[name] = { buffer, offset, loopStrides: steps.reverse() }
  })
  const axes = (list: List) =>
    sizes[list].map((size, i) => {
      const [a, b, out] = names.map((name) => strides[name][list][i] ?? 0)
      return { size, a, b, out }
    })
  const call: Matmul = {
    kind: 'matmul',
    accumulate,
    ...places,
    batch: axes('batch'),
    m: axes('m'),
    n: axes('n'),
    k: axes('k'),
  }
  return { call, elements }
}

/** Numbers between -1 and 1, or for sums that only grow between 0 and 1, the same in every run. */
function numbers(length: number, seed: number, positive: boolean): Float32Array<ArrayBuffer> {
  let state = seed
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    return (state >>> 8) * 2 ** -24 * (positive ? 1 : 2) - (positive ? 0 : 1)
  })
}

const BUDGET = 8 * 2 ** -24
/** Little, as for adapters in software: they compile the more slowly the more memory a workgroup has. */
const abilities = { subgroup: 0, workgroupStorage: 2048 }

/** The largest error, as a share of what is allowed. Everything around the outputs must be as it was. */
async function errorOf(
  harness: Harness,
  recipe: Recipe,
  { tiling, positive = false }: { tiling?: Tiling; positive?: boolean } = {},
): Promise<number> {
  const { call, elements } = build(recipe)
  const memory = names.map((name, i) => numbers(elements[name], i + 1, positive))
  const expected = memory.map((values) => Float64Array.from(values))
  const magnitude = memory.map((values) => Float64Array.from(values, Math.abs))
  const outputs = memory.map(({ length }, i) => new Float64Array(length).fill(i < 2 ? 1 : 0))
  const [outer = 1, inner = 1] = recipe.loops
  const iterations = Array.from({ length: outer * inner }, (_, i) => [Math.floor(i / inner), i % inner])
  for (const iteration of iterations) {
    definition(call, expected, iteration)
    definition(call, magnitude, iteration)
    definition({ ...call, k: [] }, outputs, iteration)
  }
  const [, , found] = await harness.run(matmul(call, abilities, tiling), memory, iterations)
  let worst = 0
  for (let i = 0; i < found.length; i++) {
    const error = Math.abs(found[i] - expected[2][i])
    if (error === 0) continue
    assert.ok(outputs[2][i] !== 0, `element ${i} is none of the outputs, and was written`)
    worst = Math.max(worst, Number.isNaN(error) ? Infinity : error / (BUDGET * magnitude[2][i]))
  }
  return worst
}

/** A product of row-major matrices, but for what `layouts` says. */
const plain = (sizes: Recipe['sizes'], layouts: Partial<Recipe['layouts']> = {}): Recipe => ({
  sizes,
  layouts: { a: { offset: 0 }, b: { offset: 0 }, out: { offset: 0 }, ...layouts },
  accumulate: false,
  loops: [],
})

const sizes = fc.constantFrom(1, 2, 3, 4, 5, 8, 12, 17, 20, 32, 36, 65, 128, 130)
const axes = (most: number, of: fc.Arbitrary<number> = sizes): fc.Arbitrary<number[]> =>
  fc.array(of, { maxLength: most })
const recipes: fc.Arbitrary<Recipe> = fc
  .record({
    batch: axes(2, fc.constantFrom(1, 2, 3, 4)),
    m: axes(2),
    n: axes(2),
    k: fc.oneof({ weight: 9, arbitrary: axes(2) }, fc.constantFrom<number[]>([0], [300], [1030], [2100])),
  })
  .filter(({ batch, m, n, k }) => [...batch, ...m, ...n, ...k].reduce((work, size) => work * (size || 1), 1) <= 60_000)
  .chain((lengths) => {
    const layout = (name: Name): fc.Arbitrary<Layout> => {
      const numbers = lists[name].flatMap((list) => lengths[list]).map((_, i) => i)
      return fc.record({
        offset: fc.constantFrom(0, 0, 4, 8, 1, 6),
        order: fc.oneof(fc.constant(numbers), fc.shuffledSubarray(numbers, { minLength: numbers.length })),
        gap: fc.constantFrom(0, 0, 4, 3),
        repeated:
          name === 'out' ? fc.constant([]) : fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.subarray(numbers)),
      })
    }
    return fc.record({
      sizes: fc.constant(lengths),
      layouts: fc.record({ a: layout('a'), b: layout('b'), out: layout('out') }),
      accumulate: fc.boolean(),
      loops: fc.oneof(
        { weight: 3, arbitrary: fc.constant<number[]>([]) },
        fc.constantFrom<number[]>([2], [1, 3], [2, 2]),
      ),
    })
  })

const webgpu = testOn('webgpu')
/** One for all: most of the time goes into compiling its pipelines. */
let opened: Promise<Harness> | undefined
const open = (): Promise<Harness> => {
  opened ??= Harness.open()
  return opened
}
const kept = (error: number): void => assert.ok(error <= 1, `the error is ${error} times what is allowed`)

webgpu('webgpu: a product of any axes, strides and places is what its definition says', async () => {
  const harness = await open()
  await fc.assert(
    fc.asyncProperty(recipes, fc.boolean(), async (recipe, cut) =>
      kept(await errorOf(harness, recipe, cut ? { tiling: { m: 16, n: 16, k: 16, chunk: 32 } } : {})),
    ),
    { seed: 7, numRuns: 40, includeErrorInReport: true },
  )
})

/** The products of a step of RMAAT, smaller: H = 2 heads of 4 features, S = 12 tokens, B = 3 sequences. */
const products: Readonly<Record<string, Recipe>> = {
  'a projection': plain({ batch: [], m: [36], k: [8], n: [24] }),
  'its gradient by the input': plain({ batch: [], m: [36], k: [24], n: [8] }, { b: { offset: 0, order: [1, 0] } }),
  'its gradient by the weights': {
    ...plain({ batch: [], m: [8], k: [700], n: [24] }, { a: { offset: 0, order: [1, 0] } }),
    accumulate: true,
  },
  'features of heads against values': plain(
    { batch: [3, 2], m: [4], k: [12], n: [4] },
    { a: { offset: 0, order: [0, 3, 1, 2] }, b: { offset: 0, order: [0, 2, 1, 3] } },
  ),
  'heads read their state': plain(
    { batch: [3, 2], m: [12], k: [4], n: [4] },
    { a: { offset: 0, order: [0, 2, 1, 3] }, out: { offset: 0, order: [0, 2, 1, 3] } },
  ),
  'a gradient that sums over sequences': plain(
    { batch: [2], m: [12], k: [3, 4], n: [4] },
    {
      a: { offset: 0, order: [2, 1, 0, 3] },
      b: { offset: 0, order: [1, 0, 2, 3] },
      out: { offset: 0, order: [0, 1, 2] },
    },
  ),
  'one row': plain({ batch: [3], m: [], k: [12], n: [8] }),
  'one column': plain({ batch: [3, 2], m: [12], k: [4], n: [] }),
  'an outer product': { ...plain({ batch: [3], m: [12], k: [], n: [8] }), accumulate: true },
}

webgpu('webgpu: the products of a training step', async () => {
  const harness = await open()
  for (const [name, recipe] of Object.entries(products)) {
    const error = await errorOf(harness, recipe)
    assert.ok(error <= 1, `${name}: the error is ${error} times what is allowed`)
  }
})

webgpu('webgpu: a product in large tiles, over their borders and in chunks', async () => {
  const harness = await open()
  const recipe = plain({ batch: [], m: [132], k: [24], n: [136] }, { a: { offset: 0, order: [1, 0] } })
  for (const tiling of [
    { m: 128, n: 128, k: 4, chunk: 24 },
    { m: 64, n: 128, k: 4, chunk: 8 },
  ])
    kept(await errorOf(harness, recipe, { tiling }))
})

webgpu('webgpu: the error of a long sum stays small, even where all terms have one sign', async () => {
  const harness = await open()
  const recipe = plain({ batch: [], m: [16], k: [3000], n: [16] })
  kept(await errorOf(harness, recipe, { positive: true }))
  kept(await errorOf(harness, recipe, { positive: true, tiling: { m: 16, n: 16, k: 16, chunk: 3000 } }))
})

test('webgpu: whatever tiling is chosen fits into a workgroup', () => {
  const size = fc.integer({ min: 1, max: 5000 })
  fc.assert(
    fc.property(size, size, size, size, fc.constantFrom(2048, 16384, 49152), (batch, m, k, n, workgroupStorage) => {
      const { call } = build(plain({ batch: [batch], m: [m], k: [k], n: [n] }))
      const { dispatches, scratch } = matmul(call, { subgroup: 0, workgroupStorage })
      const constant = (name: string): number =>
        Number(new RegExp(`^const ${name} = (\\d+);`, 'm').exec(dispatches[0].source)![1])
      const invocations = constant('ROWS') * constant('COLUMNS') * constant('SLICES')
      const vectors = constant('ROWS') * constant('ROW_BLOCKS') + constant('COLUMNS') * constant('COLUMN_BLOCKS')
      assert.ok(invocations <= 256)
      assert.ok((vectors * constant('TILE_K')) / 4 <= invocations, 'every piece needs an invocation')
      assert.ok(vectors * constant('TILE_K') * 16 <= workgroupStorage)
      assert.ok(constant('SLICES') <= constant('TILE_K'))
      assert.ok(constant('SLICES') === 1 || constant('ROW_BLOCKS') * constant('COLUMN_BLOCKS') === 1)
      assert.ok(scratch <= 2 ** 22)
    }),
    { numRuns: 2000 },
  )
})

test.after(async () => (await opened)?.close())

test.run()
