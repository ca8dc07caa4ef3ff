// out[batch, m, n] (+)= sum over k of a[batch, m, k] x b[batch, k, n], where each of the four is a list of axes with
// any strides. Every address is a sum of byte offsets for batch, m, n and k, so tables of these offsets, made for a
// block at a time, let one micro-kernel (a tile of ROWS x 8 outputs) serve all layouts. It wants rows of `a` that are
// a fixed step apart along k, and 8 neighbouring columns of `b`: what does not lie so in memory, or would be read from
// afar too often, is first packed into panels of k x 8 lanes.
//
// Scratch in bytes, with m, n, k the products of their axes' sizes, M = min(m, 192), N = min(n, 1024), K = min(k, 288):
//   HEAD + 8 (M + N + K + 36) + N / 8 + 16 + 32 K (ceil(M / 4) + ceil(N / 8))

import { place, word } from './place'
import { beat, partCount, partIndex, split } from './threads'

const ROWS = ASC_FEATURE_RELAXED_SIMD ? 6 : 5 // of a tile: as many as V8 keeps in registers
const SHORT = 4 // rows of the tiles that make up what ROWS does not divide
const LANES = 8
const M_BLOCK = 32 * ROWS
const N_BLOCK = 1024
const K_BLOCK = 288 // also how many products are summed before they are added to `out`
const PAD = 12 // entries behind the end of a table, which repeat its last: two tiles are looked at from any row
const PANEL_STEP = 4 * LANES
const IRREGULAR = i32.MIN_VALUE
const DIRECT_N = 128 // `a` is read in place by so few columns, and by any where its rows are contiguous along k
const TINY = 64 // multiplications
const AHEAD = 4 // tiles whose rows are asked for at once
const LONG = 96 // along k: such rows of `a` in place are asked for before they are needed
const DIRECT_M = 24 // `b` is read in place by so few rows
export const HEAD: usize = 512

/** The axes of m, n or k as one index, and the byte offsets of a block of it in the two tensors that have it. */
@unmanaged
class Index {
  axes: usize // (size, stride in the first tensor, stride in the second)*
  rank: i32
  count: i32
  begin: i32 // of the part that is this thread's
  end: i32
  start: i32
  size: i32
  first: usize
  firstStep: i32 // from one entry to the next where all are alike, else IRREGULAR
  second: usize
  secondStep: i32
}

/** What stands at the start of scratch. */
@unmanaged
class Product {
  a: usize // of this batch index
  b: usize
  out: usize
  aPanels: usize
  bPanels: usize
  columns: usize // what is known of each panel of columns
  aInPlace: bool
  bInPlace: bool
}

const M_AT: usize = 32
const N_AT: usize = 80
const K_AT: usize = 128
const PANEL_ROWS: usize = 176 // offsets of the rows of `a` in a panel
const TILE_ROWS: usize = 208 // offsets of the rows of the tile
const TILE: usize = 256 // an output tile on its way to lanes that are no neighbours, or to rows that are too few

// of a panel of columns: whether its 8 columns are neighbours in `b`, and in `out`
const B_NEIGHBOURS: u8 = 1
const OUT_NEIGHBOURS: u8 = 2

export function matmul(at: usize, scratch: usize): void {
  const p = changetype<Product>(scratch)
  const m = changetype<Index>(scratch + M_AT)
  const n = changetype<Index>(scratch + N_AT)
  const k = changetype<Index>(scratch + K_AT)
  const accumulate = word(at, 2) != 0
  const batchAxes = at + 76
  const batchRank = word(at, 15)
  let batch = 1
  for (let i = 0; i < batchRank; ++i) batch *= word(batchAxes, 4 * i)
  open(m, batchAxes + 16 * batchRank, word(at, 16))
  open(n, m.axes + 12 * m.rank, word(at, 17))
  open(k, n.axes + 12 * n.rank, word(at, 18))
  if (m.count == 0 || n.count == 0 || (k.count == 0 && accumulate)) return
  if (<i64>m.count * n.count * k.count <= TINY && max(max(m.rank, n.rank), k.rank) <= 1) {
    if (partIndex() == 0) for (let i = 0; i < batch; ++i) tiny(seek(p, at, batchAxes, batchRank, i), m, n, k, accumulate)
    return
  }
  p.columns = reserve(k, K_BLOCK, reserve(n, N_BLOCK, reserve(m, M_BLOCK, scratch + HEAD)))
  p.bPanels = p.columns + ((panels(min(n.count, N_BLOCK), LANES) + 15) & ~15)
  p.aPanels = p.bPanels + panels(min(n.count, N_BLOCK), LANES) * min(k.count, K_BLOCK) * PANEL_STEP
  for (let i = 0; i < ROWS; ++i) {
    store<i32>(scratch + PANEL_ROWS + 4 * i, 4 * i)
    store<i32>(scratch + TILE_ROWS + 4 * i, PANEL_STEP * i)
  }

  // tiles of `out` for each thread: some columns of one product, or some rows of all
  const rowPanels = panels(m.count, ROWS)
  const columnPanels = panels(n.count, LANES)
  const across = batch == 1 ? partsAcross(rowPanels, columnPanels, strideOf(k, 1) == 4) : 1
  const down = partCount() / across
  const first = split(batch * rowPanels, partIndex() / across, down)
  const end = split(batch * rowPanels, partIndex() / across + 1, down)
  n.begin = split(columnPanels, partIndex() % across, across) * LANES
  n.end = min(split(columnPanels, (partIndex() % across) + 1, across) * LANES, n.count)
  const depths = panels(max(k.count, 1), K_BLOCK)

  for (let i = first / rowPanels; i * rowPanels < end; ++i) {
    seek(p, at, batchAxes, batchRank, i)
    m.begin = max(first - i * rowPanels, 0) * ROWS
    m.end = min((end - i * rowPanels) * ROWS, m.count)
    for (let column = n.begin; column < n.end; column += N_BLOCK) {
      if (select(n, column, min(n.end - column, N_BLOCK))) lookAtColumns(p, n)
      const width = panels(n.size, LANES)
      for (let depth = 0; depth < depths; ++depth) {
        const from = split(k.count, depth, depths)
        select(k, from, split(k.count, depth + 1, depths) - from)
        p.aInPlace = k.firstStep == 4 || (k.firstStep != IRREGULAR && n.end - n.begin <= DIRECT_N)
        p.bInPlace = k.secondStep != IRREGULAR && m.end - m.begin <= DIRECT_M
        packColumns(p, n, k, width)
        for (let row = m.begin; row < m.end; row += M_BLOCK) {
          beat()
          select(m, row, min(m.end - row, M_BLOCK))
          multiply(p, m, n, k, accumulate || depth > 0)
        }
      }
    }
  }
}

/**
 * Among how many threads the columns are split, so that the largest part of the work is the smallest. Each packs what it
 * needs for itself: what another has packed comes slowly out of its cache.
 */
function partsAcross(rowPanels: i32, columnPanels: i32, contiguous: bool): i32 {
  const parts = partCount()
  let best = 1
  let least = i64.MAX_VALUE
  for (let across = 1; across <= parts; ++across) {
    if (parts % across != 0) continue
    const rows = <i64>panels(rowPanels, parts / across)
    const columns = <i64>panels(columnPanels, across)
    // to pack a panel takes about as long as to multiply half a tile
    const packed = columns + (contiguous || columns * LANES <= DIRECT_N ? 0 : rows)
    const work = 2 * rows * columns + packed
    if (work >= least) continue
    least = work
    best = across
  }
  return best
}

function panels(count: i32, width: i32): i32 {
  return (count + width - 1) / width
}

function open(index: Index, axes: usize, rank: i32): void {
  index.axes = axes
  index.rank = rank
  index.start = -1
  let count = 1
  for (let i = 0; i < rank; ++i) count *= word(axes, 3 * i)
  index.count = count
}

/** Gives `index` its tables at `from` and returns their end. */
function reserve(index: Index, block: i32, from: usize): usize {
  const bytes = (min(index.count, block) + PAD) << 2
  index.first = from
  index.second = from + bytes
  return from + 2 * bytes
}

/** Sets the places of `a`, `b` and `out` for one batch index. */
function seek(p: Product, at: usize, axes: usize, rank: i32, index: i32): Product {
  let a = place(at + 12)
  let b = place(at + 28)
  let out = place(at + 44)
  let rest = <u32>index
  for (let axis = axes + 16 * rank; axis > axes; ) {
    axis -= 16
    const size = <u32>word(axis, 0)
    const outer = rest / size
    const i = <i32>(rest - outer * size)
    a += i * word(axis, 1)
    b += i * word(axis, 2)
    out += i * word(axis, 3)
    rest = outer
  }
  p.a = a
  p.b = b
  p.out = out
  return p
}

/** A product that is done before any table were made. */
function tiny(p: Product, m: Index, n: Index, k: Index, add: bool): void {
  for (let i = 0; i < m.count; ++i) {
    for (let j = 0; j < n.count; ++j) {
      let a = p.a + i * strideOf(m, 1)
      let b = p.b + j * strideOf(n, 1)
      let sum: f32 = 0
      for (let l = 0; l < k.count; ++l) {
        sum += load<f32>(a) * load<f32>(b)
        a += strideOf(k, 1)
        b += strideOf(k, 2)
      }
      const out = p.out + i * strideOf(m, 2) + j * strideOf(n, 2)
      store<f32>(out, add ? load<f32>(out) + sum : sum)
    }
  }
}

/** Of the only axis of an index, where it has one. */
function strideOf(index: Index, column: usize): i32 {
  return index.rank == 1 ? word(index.axes, column) : 0
}

/** Makes the tables of `index` those of a block: false where they are already. */
function select(index: Index, start: i32, size: i32): bool {
  if (index.start == start && index.size == size) return false
  index.start = start
  index.size = size
  offsets(index, index.first, 1)
  offsets(index, index.second, 2)
  index.firstStep = stepOf(index, index.first, 1)
  index.secondStep = stepOf(index, index.second, 2)
  return true
}

function stepOf(index: Index, table: usize, column: usize): i32 {
  return index.rank == 1 ? word(index.axes, column) : uniformStep(table, index.size)
}

/** Fills a table of `index` from one column of the strides of its axes. */
function offsets(index: Index, table: usize, column: usize): void {
  const innermost = index.axes + 12 * (index.rank - 1)
  const run = index.rank > 0 ? word(innermost, 0) : 1
  const step = index.rank > 0 ? word(innermost, column) : 0
  const size = index.size
  let done = 0
  let last = 0
  while (done < size) {
    let outer = (index.start + done) / run
    const inner = index.start + done - outer * run
    let offset = inner * step
    for (let axis = innermost - 12; outer > 0; axis -= 12) {
      const length = word(axis, 0)
      offset += (outer % length) * word(axis, column)
      outer /= length
    }
    const end = done + min(run - inner, size - done)
    for (; done < end; ++done) {
      store<i32>(table + (done << 2), offset)
      last = offset
      offset += step
    }
  }
  for (let i = 0; i < PAD; ++i) store<i32>(table + ((size + i) << 2), last)
}

function uniformStep(table: usize, count: i32): i32 {
  if (count < 2) return 4
  const step = word(table, 1) - word(table, 0)
  const end = table + ((count - 1) << 2)
  for (let at = table + 4; at < end; at += 4) {
    if (word(at, 1) - word(at, 0) != step) return IRREGULAR
  }
  return step
}

/** Notes of each panel of columns where they are neighbours. */
function lookAtColumns(p: Product, n: Index): void {
  for (let column = 0; column < n.size; column += LANES) {
    let known: u8 = 0
    if (n.size - column >= LANES) {
      if (uniformStep(n.first + (column << 2), LANES) == 4) known |= B_NEIGHBOURS
      if (uniformStep(n.second + (column << 2), LANES) == 4) known |= OUT_NEIGHBOURS
    }
    store<u8>(p.columns + column / LANES, known)
  }
}

function columnsInPlace(p: Product, column: i32): bool {
  return p.bInPlace && (load<u8>(p.columns + column / LANES) & B_NEIGHBOURS) != 0
}

function packColumns(p: Product, n: Index, k: Index, count: i32): void {
  const bytes = k.size * PANEL_STEP
  for (let i = 0; i < count; ++i) {
    const column = i * LANES
    if (columnsInPlace(p, column)) continue
    pack(p.bPanels + i * bytes, p.b, n.first + (column << 2), LANES, k.second, k.secondStep, k.size)
  }
}

/** Packs 8 lanes at each k; those behind the first `lanes` are never used, whatever they hold. */
function pack(to: usize, from: usize, table: usize, lanes: i32, ks: usize, kStep: i32, k: i32): void {
  if (uniformStep(table, lanes) == 4) {
    const first = from + word(table, 0)
    if (kStep == IRREGULAR) packAcross(to, first, ks, k)
    else packEvenly(to, first + word(ks, 0), kStep, k)
  } else if (kStep == 4) {
    const whole = k & ~3
    packAlong(to, from + word(ks, 0), table, whole)
    packLanes(to + whole * PANEL_STEP, from, table, ks + (whole << 2), k - whole)
  } else packLanes(to, from, table, ks, k)
}

/** The lanes are neighbours in memory. */
function packAcross(to: usize, from: usize, ks: usize, k: i32): void {
  for (const end = ks + (k << 2); ks < end; ks += 4) {
    const at = from + word(ks, 0)
    const low = v128.load(at)
    const high = v128.load(at, 16)
    v128.store(to, low)
    v128.store(to, high, 16)
    to += PANEL_STEP
  }
}

/** The lanes are neighbours in memory, and as far from those of the next k everywhere. */
function packEvenly(to: usize, from: usize, step: usize, k: i32): void {
  for (; k >= 2; k -= 2) {
    const next = from + step
    const low = v128.load(from)
    const high = v128.load(from, 16)
    const nextLow = v128.load(next)
    const nextHigh = v128.load(next, 16)
    v128.store(to, low)
    v128.store(to, high, 16)
    v128.store(to, nextLow, 32)
    v128.store(to, nextHigh, 48)
    from = next + step
    to += 2 * PANEL_STEP
  }
  if (k == 0) return
  v128.store(to, v128.load(from))
  v128.store(to, v128.load(from, 16), 16)
}

/** Each lane's values along k are neighbours in memory: blocks of 4 x 4 are transposed. */
function packAlong(to: usize, from: usize, table: usize, k: i32): void {
  packQuarter(to, from, table, k)
  packQuarter(to + 16, from, table + 16, k)
}

function packQuarter(to: usize, from: usize, table: usize, k: i32): void {
  let x0 = from + word(table, 0)
  let x1 = from + word(table, 1)
  let x2 = from + word(table, 2)
  let x3 = from + word(table, 3)
  for (; k > 0; k -= 4) {
    const v0 = v128.load(x0)
    const v1 = v128.load(x1)
    const v2 = v128.load(x2)
    const v3 = v128.load(x3)
    const low01 = v128.shuffle<f32>(v0, v1, 0, 4, 1, 5)
    const low23 = v128.shuffle<f32>(v2, v3, 0, 4, 1, 5)
    const high01 = v128.shuffle<f32>(v0, v1, 2, 6, 3, 7)
    const high23 = v128.shuffle<f32>(v2, v3, 2, 6, 3, 7)
    v128.store(to, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5))
    v128.store(to, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7), 32)
    v128.store(to, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5), 64)
    v128.store(to, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7), 96)
    x0 += 16
    x1 += 16
    x2 += 16
    x3 += 16
    to += 4 * PANEL_STEP
  }
}

function packLanes(to: usize, from: usize, table: usize, ks: usize, k: i32): void {
  const x0 = word(table, 0)
  const x1 = word(table, 1)
  const x2 = word(table, 2)
  const x3 = word(table, 3)
  const x4 = word(table, 4)
  const x5 = word(table, 5)
  const x6 = word(table, 6)
  const x7 = word(table, 7)
  for (const end = ks + (k << 2); ks < end; ks += 4) {
    const at = from + word(ks, 0)
    store<i32>(to, load<i32>(at + x0))
    store<i32>(to, load<i32>(at + x1), 4)
    store<i32>(to, load<i32>(at + x2), 8)
    store<i32>(to, load<i32>(at + x3), 12)
    store<i32>(to, load<i32>(at + x4), 16)
    store<i32>(to, load<i32>(at + x5), 20)
    store<i32>(to, load<i32>(at + x6), 24)
    store<i32>(to, load<i32>(at + x7), 28)
    to += PANEL_STEP
  }
}

/** The product of one block of each index: a packed block of `a` stays near, and a panel of `b` nearer. */
function multiply(p: Product, m: Index, n: Index, k: Index, add: bool): void {
  const scratch = changetype<usize>(p)
  const tall = max(m.size - SHORT * shortTiles(m.size), 0)
  const panel = k.size * PANEL_STEP
  const aStep = p.aInPlace ? k.firstStep : PANEL_STEP
  const aPanel = p.aInPlace ? 0 : panel
  // rows that are long, or apart, come faster than the machine foresees them
  const touched = p.aInPlace && k.firstStep == 4 && (k.size >= LONG || m.firstStep != k.size << 2) ? k.size << 2 : 0
  if (!p.aInPlace) packRows(p, m, k, tall)
  for (let column = 0; column < n.size; column += LANES) {
    const known = load<u8>(p.columns + column / LANES)
    const inPlace = columnsInPlace(p, column)
    const b = inPlace ? p.b + word(n.first, column) + word(k.second, 0) : p.bPanels + (column / LANES) * panel
    const bStep = inPlace ? k.secondStep : PANEL_STEP
    const columns = n.second + (column << 2)
    const neighbours = (known & OUT_NEIGHBOURS) != 0
    const out = p.out + word(columns, 0)
    let a = p.aInPlace ? p.a + word(k.first, 0) : p.aPanels
    for (let row = 0; row < m.size; ) {
      const height = row < tall ? ROWS : SHORT
      const rowsOfA = p.aInPlace ? m.first + (row << 2) : scratch + PANEL_ROWS
      const rows = m.second + (row << 2)
      if (touched && column == 0 && row % (AHEAD * ROWS) == 0)
        touch(scratch + TILE, a, rowsOfA + 4 * AHEAD * ROWS, min(AHEAD * ROWS, m.size - row - AHEAD * ROWS), touched)
      if (neighbours && (m.size - row >= height || !add)) {
        if (height == ROWS) tile(a, rowsOfA, aStep, b, bStep, k.size, out, rows, add)
        else shortTile(a, rowsOfA, aStep, b, bStep, k.size, out, rows, add)
      } else {
        if (height == ROWS) tile(a, rowsOfA, aStep, b, bStep, k.size, scratch + TILE, scratch + TILE_ROWS, false)
        else shortTile(a, rowsOfA, aStep, b, bStep, k.size, scratch + TILE, scratch + TILE_ROWS, false)
        const left = min(height, m.size - row)
        if (neighbours) addRows(scratch + TILE, out, rows, left)
        else scatter(scratch + TILE, p.out, rows, left, columns, min(n.size - column, LANES), add)
      }
      a += aPanel
      row += height
    }
  }
}

/** Asks for the rows of the next tiles, so that they are near when these begin. */
function touch(scratch: usize, a: usize, rows: usize, count: i32, bytes: i32): void {
  let seen = i32x4.splat(0)
  for (let i = 0; i < count; ++i) {
    let at = a + word(rows, i)
    for (const end = at + bytes; at < end; at += 64) seen = v128.or(seen, v128.load32_zero(at))
  }
  v128.store(scratch, seen)
}

function packRows(p: Product, m: Index, k: Index, tall: i32): void {
  let panel = p.aPanels
  for (let row = 0; row < m.size; ) {
    const height = row < tall ? ROWS : SHORT
    pack(panel, p.a, m.first + (row << 2), height, k.first, k.firstStep, k.size)
    panel += k.size * PANEL_STEP
    row += height
  }
}

/** How many tiles of SHORT rows leave the least over when tiles of ROWS rows have taken the rest. */
function shortTiles(rows: i32): i32 {
  let total = rows
  let short = 0
  while ((total - short * SHORT) % ROWS != 0) {
    if (++short < ROWS && short * SHORT <= total) continue
    short = 0
    total += 1
  }
  return short
}

/** Adds so many rows of a tile to `out`. */
function addRows(from: usize, out: usize, rows: usize, height: i32): void {
  for (let i = 0; i < height; ++i) {
    const to = out + word(rows, i)
    addTo(to, v128.load(from))
    addTo(to + 16, v128.load(from, 16))
    from += PANEL_STEP
  }
}

function scatter(from: usize, out: usize, rows: usize, height: i32, columns: usize, width: i32, add: bool): void {
  for (let i = 0; i < height; ++i) {
    const row = out + word(rows, i)
    for (let j = 0; j < width; ++j) {
      const to = row + word(columns, j)
      const value = load<f32>(from + (j << 2))
      store<f32>(to, add ? load<f32>(to) + value : value)
    }
    from += PANEL_STEP
  }
}

function multiplyAdd(x: v128, y: v128, z: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? f32x4.relaxed_madd(x, y, z) : f32x4.add(f32x4.mul(x, y), z)
}

function addTo(out: usize, value: v128): void {
  v128.store(out, f32x4.add(value, v128.load(out)))
}

// V8 (as of Node 20) orders a loop by what comes last in its function: with anything but plain stores there in one block
// it spills the sums, at a third of the speed. So each micro-kernel is a function of its own that ends with them.

function tile(a: usize, aRows: usize, aStep: usize, b: usize, bStep: usize, k: i32, out: usize, outRows: usize, add: bool): void {
  sums(ROWS, a, aRows, aStep, b, bStep, k, out, outRows, add)
}

function shortTile(a: usize, aRows: usize, aStep: usize, b: usize, bStep: usize, k: i32, out: usize, outRows: usize, add: bool): void {
  sums(SHORT, a, aRows, aStep, b, bStep, k, out, outRows, add)
}

/** The micro-kernel: `height` (4 to 6) x 8 sums of k products each. */
// @ts-ignore: decorator
@inline
function sums(
  height: i32,
  a: usize,
  aRows: usize,
  aStep: usize,
  b: usize,
  bStep: usize,
  k: i32,
  out: usize,
  outRows: usize,
  add: bool,
): void {
  let a0 = a + word(aRows, 0)
  let a1 = a + word(aRows, 1)
  let a2 = a + word(aRows, 2)
  let a3 = a + word(aRows, 3)
  let a4: usize = 0
  let a5: usize = 0
  if (height > 4) a4 = a + word(aRows, 4)
  if (height > 5) a5 = a + word(aRows, 5)
  let c00 = f32x4.splat(0)
  let c01 = c00
  let c10 = c00
  let c11 = c00
  let c20 = c00
  let c21 = c00
  let c30 = c00
  let c31 = c00
  let c40 = c00
  let c41 = c00
  let c50 = c00
  let c51 = c00
  for (; k > 0; --k) {
    const b0 = v128.load(b)
    const b1 = v128.load(b, 16)
    let x = v128.load32_splat(a0)
    c00 = multiplyAdd(x, b0, c00)
    c01 = multiplyAdd(x, b1, c01)
    x = v128.load32_splat(a1)
    c10 = multiplyAdd(x, b0, c10)
    c11 = multiplyAdd(x, b1, c11)
    x = v128.load32_splat(a2)
    c20 = multiplyAdd(x, b0, c20)
    c21 = multiplyAdd(x, b1, c21)
    x = v128.load32_splat(a3)
    c30 = multiplyAdd(x, b0, c30)
    c31 = multiplyAdd(x, b1, c31)
    if (height > 4) {
      x = v128.load32_splat(a4)
      c40 = multiplyAdd(x, b0, c40)
      c41 = multiplyAdd(x, b1, c41)
      a4 += aStep
    }
    if (height > 5) {
      x = v128.load32_splat(a5)
      c50 = multiplyAdd(x, b0, c50)
      c51 = multiplyAdd(x, b1, c51)
      a5 += aStep
    }
    a0 += aStep
    a1 += aStep
    a2 += aStep
    a3 += aStep
    b += bStep
  }
  const out0 = out + word(outRows, 0)
  const out1 = out + word(outRows, 1)
  const out2 = out + word(outRows, 2)
  const out3 = out + word(outRows, 3)
  const out4 = height > 4 ? out + word(outRows, 4) : 0
  const out5 = height > 5 ? out + word(outRows, 5) : 0
  if (add) {
    addTo(out0, c00)
    addTo(out0 + 16, c01)
    addTo(out1, c10)
    addTo(out1 + 16, c11)
    addTo(out2, c20)
    addTo(out2 + 16, c21)
    addTo(out3, c30)
    addTo(out3 + 16, c31)
    if (height > 4) {
      addTo(out4, c40)
      addTo(out4 + 16, c41)
    }
    if (height > 5) {
      addTo(out5, c50)
      addTo(out5 + 16, c51)
    }
    return
  }
  v128.store(out0, c00)
  v128.store(out0, c01, 16)
  v128.store(out1, c10)
  v128.store(out1, c11, 16)
  v128.store(out2, c20)
  v128.store(out2, c21, 16)
  v128.store(out3, c30)
  v128.store(out3, c31, 16)
  if (height > 4) {
    v128.store(out4, c40)
    v128.store(out4, c41, 16)
  }
  if (height > 5) {
    v128.store(out5, c50)
    v128.store(out5, c51, 16)
  }
}
