import { elementsOf } from '../../program/axes.ts'
import type { ProductAxis as Axis, Matmul, Place } from '../../program/plan.ts'
import { ALONG_K, ALONG_SIDE, CHUNK_OUTPUTS, SCATTERED, WORKGROUP } from '../sizes.ts'
import { type Abilities, type Beside, Block, constants, type Dispatch, type Encoded } from './dispatch.ts'
import axesText from './modules/axes.wgsl.ts'
import shared from './modules/call.wgsl.ts'
import text from './modules/matmul.wgsl.ts'
import chunksText from './modules/matmul-chunks.wgsl.ts'
import vectors from './modules/matmul-vectors.wgsl.ts'
import words from './modules/matmul-words.wgsl.ts'

type Name = 'a' | 'b' | 'out'

/** A product without axes of size 1. Where `out` is undefined it goes to scratch. */
interface Product {
  readonly a: Place
  readonly b: Place
  readonly out: Place | undefined
  readonly batch: readonly Axis[]
  readonly m: readonly Axis[]
  readonly n: readonly Axis[]
  readonly k: readonly Axis[]
}

/** How a product is tiled. */
export interface Tiling {
  /** Rows and columns of the outputs of a workgroup: 16, 32, 64 or 128. */
  readonly m: number
  readonly n: number
  /** Its extent along k in workgroup memory: a power of two from 4 on. */
  readonly k: number
  /** How many k a workgroup multiplies. If that is not all of k, partial results are added in a second dispatch (split k). */
  readonly chunk: number
}

/** Rows and columns of what an invocation loads: vectors of four. */
const PIECE = 4
/** Elements of a and b in workgroup memory: each invocation loads one piece. */
const MOST_HELD = WORKGROUP * PIECE ** 2
/** Axes that a uniform block has room for: as many as fit into the 256 bytes that it is aligned to. */
const AXES = 9

/** The product as one dispatch, or two where k is cut into chunks. `tiling`: another one than that for it alone. */
export function matmul(call: Matmul, abilities: Abilities, tiling?: Tiling): Encoded {
  const product = normalize(call)
  const sizes = sizesOf(product)
  const [batch, m, n, k] = sizes
  if (batch * m * n === 0 || (k === 0 && call.accumulate)) return { dispatches: [], scratch: 0 }
  if (k === 0) return { dispatches: [addChunks(product, 0, false)], scratch: 0 }
  const cut = tiling ?? chooseTilings([sizes], abilities).tilings[0]
  const chunks = Math.ceil(k / cut.chunk)
  if (chunks === 1) return { dispatches: [multiply(product, cut, call.accumulate)], scratch: 0 }
  return {
    dispatches: [multiply(intoScratch(product), cut, false), addChunks(product, chunks, call.accumulate)],
    scratch: scratchOf(sizes, cut),
  }
}

/** Products with tilings with which they share a shader; undefined where that costs more than a dispatch of each. */
export function matmulsBeside(calls: readonly Matmul[], abilities: Abilities): Beside | undefined {
  const products = calls.map(normalize)
  const sizes = products.map(sizesOf)
  if (sizes.flat().includes(0)) return undefined
  const { tilings, cost } = chooseTilings(sizes, abilities)
  const apart = sizes.reduce((sum, one) => sum + DISPATCH_COST + chooseTilings([one], abilities).cost, 0)
  if (cost + DISPATCH_COST > apart) return undefined
  const inVectors = products.map((product, i) =>
    isInVectors(tilings[i].chunk < sizes[i][3] ? intoScratch(product) : product),
  )
  if (inVectors.some((one) => one !== inVectors[0])) return undefined
  const scratch = sizes.reduce((sum, one, i) => sum + scratchOf(one, tilings[i]), 0)
  return { scratch, encode: () => calls.map((call, i) => matmul(call, abilities, tilings[i])) }
}

/** Elements of partial results. */
function scratchOf([batch, m, n, k]: readonly number[], { chunk }: Tiling): number {
  return chunk < k ? batch * m * n * Math.ceil(k / chunk) : 0
}

const sizesOf = ({ batch, m, n, k }: Product): number[] => [batch, m, n, k].map(elementsOf)

function normalize({ a, b, out, ...axes }: Matmul): Product {
  const of = (list: readonly Axis[]): Axis[] => list.filter(({ size }) => size !== 1)
  const [batch, m, n, k] = [axes.batch, axes.m, axes.n, axes.k].map(of)
  // out is written along n: if it is contiguous along m, the transposed product is computed
  if (n.at(-1)?.out === 1 || m.at(-1)?.out !== 1) return { a, b, out, batch, m, n, k }
  const swap = (list: readonly Axis[]): Axis[] => list.map((axis) => ({ ...axis, a: axis.b, b: axis.a }))
  return { a: b, b: a, out, batch: swap(batch), m: swap(n), n: swap(m), k: swap(k) }
}

/** With contiguous partial results, in the scratch. */
function intoScratch({ batch, m, n, ...rest }: Product): Product {
  let stride = 1
  const place = (axes: readonly Axis[]): Axis[] =>
    axes.reduceRight<Axis[]>((placed, axis) => {
      placed.unshift({ ...axis, out: stride })
      stride *= axis.size
      return placed
    }, [])
  const [columns, rows, batches] = [place(n), place(m), place(batch)]
  return { ...rest, out: undefined, batch: batches, m: rows, n: columns }
}

// Costs on a large GPU, in multiply-adds: of loading an element, of a workgroup, of a second dispatch. And how many
// workgroups keep such a GPU busy.
const LOAD_COST = 16
const GROUP_COST = 20_000
const DISPATCH_COST = 500_000
const BUSY = 256
/** Rows and columns of a tile. */
const SIZES = [16, 32, 64, 128]
/** The extents of tiles along short k: few, because each takes another pipeline. */
const DEPTHS = [16, 64]
/** The fewest k of a chunk. */
const LEAST_CHUNK = 256

interface Tilings {
  readonly tilings: readonly Tiling[]
  readonly cost: number
}
/** By the sizes of products: a model has few. */
const known = new WeakMap<Abilities, Map<string, Tilings>>()

/** The cheapest tilings with tiles of one size for products of these sizes, and what they cost. They follow from the shapes alone. */
function chooseTilings(sizes: readonly (readonly number[])[], abilities: Abilities): Tilings {
  const own = known.get(abilities) ?? new Map<string, Tilings>()
  known.set(abilities, own)
  const found = own.get(sizes.join()) ?? searchTilings(sizes, abilities)
  own.set(sizes.join(), found)
  return found
}

function searchTilings(sizes: readonly (readonly number[])[], { workgroupStorage }: Abilities): Tilings {
  const room = Math.min(MOST_HELD, workgroupStorage / 4)
  const longest = Math.max(...sizes.map(([, , , k]) => k))
  const candidates = SIZES.flatMap((m) =>
    SIZES.flatMap((n) => {
      const k = depthOf(m, n, longest, room)
      if (k < PIECE) return []
      const cuts = sizes.map((one) => chooseChunk(one, { m, n, k }))
      return [{ tilings: cuts, cost: cuts.reduce((sum, { cost }) => sum + cost, 0) }]
    }),
  )
  return candidates.reduce((best, candidate) => (candidate.cost < best.cost ? candidate : best))
}

/** The cheapest tiling of a product with tiles of that size. */
function chooseChunk([batch, m, n, k]: readonly number[], tile: Omit<Tiling, 'chunk'>): Tiling & { cost: number } {
  const tiles = batch * Math.ceil(m / tile.m) * Math.ceil(n / tile.n)
  const chunks = Math.min(Math.floor(BUSY / tiles), Math.ceil(k / LEAST_CHUNK))
  const cuts = [k, Math.ceil(k / Math.max(chunks, 1) / tile.k) * tile.k].map((chunk) => {
    const group = Math.max(chunk, PIECE) * (tile.m * tile.n + LOAD_COST * (tile.m + tile.n)) + GROUP_COST
    const groups = tiles * Math.ceil(k / chunk)
    return { ...tile, chunk, cost: group * Math.max(1, groups / BUSY) + (chunk < k ? DISPATCH_COST : 0) }
  })
  return cuts.reduce((best, cut) => (cut.cost < best.cost ? cut : best))
}

/** The extent of a tile along k: as large as there is room for, smaller if k is short; less than PIECE if nothing fits. */
function depthOf(m: number, n: number, k: number, room: number): number {
  const deepest = 2 ** Math.floor(Math.log2(room / (m + n)))
  return Math.min(deepest, DEPTHS.find((depth) => depth >= k) ?? deepest)
}

/** How the invocations of a workgroup share a tile: the constants of kernels/matmul.wgsl. */
function shareTile({ m, n, k }: Tiling): Readonly<Record<string, number>> {
  const ROW_BLOCKS = m === 128 && n >= 64 ? 2 : 1
  const COLUMN_BLOCKS = n === 128 && m >= 64 ? 2 : 1
  const ROWS = m / PIECE / ROW_BLOCKS
  const COLUMNS = n / PIECE / COLUMN_BLOCKS
  const pieces = ((m + n) * k) / PIECE ** 2
  const SLICES = 2 ** Math.max(0, Math.ceil(Math.log2(pieces / (ROWS * COLUMNS))))
  return { ROWS, COLUMNS, SLICES, ROW_BLOCKS, COLUMN_BLOCKS, TILE_K: k }
}

function multiply(product: Product, tiling: Tiling, accumulate: boolean): Dispatch {
  const lists = [product.batch, product.m, product.n, product.k].map((list) => (list.length ? list : [UNIT]))
  const sizes = lists.map(elementsOf)
  const axes = lists.flat()
  const ends = lists.map((_, i) => lists.slice(0, i + 1).flat().length)
  const orders = ordersOf(product)
  const inVectors = isInVectors(product)
  const [batch, m, n, k] = sizes
  const groups = Math.ceil(k / tiling.chunk) * batch * Math.ceil(m / tiling.m) * Math.ceil(n / tiling.n)
  const block = new Block().place(product.a).place(product.b)
  product.out ? block.place(product.out) : block.scratch()
  block
    .vector(...sizes)
    .vector(...ends)
    .vector(groups, tiling.chunk, batch * m * n, Number(accumulate))
    .vector(...orders)
    .axes(...vectorsOf(axes))
  const head = constants({ ...shareTile(tiling), AXES: room(axes), ALONG_K, ALONG_SIDE })
  return {
    name: 'matmul',
    source: `alias Word = ${inVectors ? 'vec4<u32>' : 'u32'};\n${head}${shared}\n${inVectors ? vectors : words}\n${text}`,
    block,
    groups,
  }
}

/** Adds up the partial results in scratch. */
function addChunks({ out, batch, m, n }: Product, chunks: number, accumulate: boolean): Dispatch {
  const axes = [...batch, ...m, ...n]
  const outputs = elementsOf(axes)
  return {
    name: 'matmul',
    source: `alias Word = u32;\n${constants({ AXES: room(axes), OUTPUTS: CHUNK_OUTPUTS, PARTS: WORKGROUP / CHUNK_OUTPUTS })}${shared}\n${axesText}\n${chunksText}`,
    block: new Block()
      .place(out!)
      .scratch()
      .vector(outputs, chunks, Number(accumulate), axes.length)
      .axes(...vectorsOf(axes).map(([size, , , out]) => [size, out])),
    groups: Math.ceil(outputs / CHUNK_OUTPUTS),
  }
}

const UNIT: Axis = { size: 1, a: 0, b: 0, out: 0 }
const room = (axes: readonly Axis[]): number => Math.max(AXES, axes.length)
const vectorsOf = (axes: readonly Axis[]): number[][] =>
  Array.from({ length: room(axes) }, (_, i) => {
    const { size, a, b, out } = axes[i] ?? UNIT
    return [size, a, b, out]
  })

const ordersOf = (product: Product): number[] => [orderOf(product, 'a', product.m), orderOf(product, 'b', product.n)]
/** Whether it takes the heap by vectors of four. */
const isInVectors = (product: Product): boolean =>
  isAligned(product, 'out', product.n) && ordersOf(product).some((order) => order !== SCATTERED)

/** Along which axis four elements of an operand are one vector in memory. */
function orderOf(product: Product, operand: 'a' | 'b', side: readonly Axis[]): number {
  if (isAligned(product, operand, product.k)) return ALONG_K
  return isAligned(product, operand, side) ? ALONG_SIDE : SCATTERED
}

/** Whether an operand is made of aligned vectors of four elements along the last of these axes. */
function isAligned(product: Product, operand: Name, along: readonly Axis[]): boolean {
  const by4 = (x: number): boolean => x % 4 === 0
  const last = along.at(-1)
  const place = product[operand]
  const others = [product.batch, product.m, product.n, product.k].flat().filter((axis) => axis !== last)
  return (
    last?.[operand] === 1 &&
    by4(last.size) &&
    others.every((axis) => by4(axis[operand])) &&
    (!place || [place.offset, ...place.loopStrides].every(by4))
  )
}
