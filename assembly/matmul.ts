// out[batch, m, n] (+)= sum over k of a[batch, m, k] x b[batch, k, n], where each of the four is a list of axes with
// any strides. Every address is a sum of byte offsets for batch, m, n and k, so tables of these offsets, made for a
// block at a time, let one micro-kernel (a tile of ROWS x 8 outputs) serve all layouts. It wants neighbouring rows of `a`
// (four; the fifth only has to be a fixed step apart along k) and 8 neighbouring columns of `b`: what does not lie so in
// memory, or would be read from afar too often, is first packed into panels of k x 8 lanes.
//
// Scratch: HEAD bytes, tables of offsets, what is known of each panel of columns, panels of `b`, a panel of `a`; how much
// that is says `matmulScratch` of src/backends/wasm/kernels.ts.

import { K_BLOCK, M_BLOCK, MATMUL_HEAD, N_BLOCK, TILE_LANES as LANES, TILE_ROWS as ROWS } from '../src/backends/sizes'
import { Index, IRREGULAR, open, reserve, select, strideOf, uniformStep } from './offsets'
import { PANEL_STEP, pack, packFour } from './pack'
import { place, word } from './place'
import { beat, partCount, partIndex, split } from './threads'
import { addTo, SHORT, shortTile, tile } from './tile'

const AHEAD = 2 // tiles whose rows are asked for at once
const LONG = 96 // along k: such rows of `a` are asked for before they are needed
const NEAR = 512 // bytes between them that are asked for as well
const TINY = 64 // multiplications
const DIRECT_M = 32 // `b` is read in place by so few rows
const HEAD: usize = MATMUL_HEAD

/** What stands at the start of scratch. */
@unmanaged
class Product {
  a: usize // of this batch index
  b: usize
  out: usize
  aPanel: usize // the rows of a tile
  bPanels: usize
  columns: usize // what is known of each panel of columns
  bInPlace: bool
}

const M_AT: usize = 32
const N_AT: usize = 80
const K_AT: usize = 128
const ROWS_AT: usize = 208 // offsets of the rows of the tile
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
  p.bPanels = (p.columns + panels(min(n.count, N_BLOCK), LANES) + 63) & ~63
  p.aPanel = p.bPanels + panels(min(n.count, N_BLOCK), LANES) * min(k.count, K_BLOCK) * PANEL_STEP
  for (let i = 0; i < ROWS; ++i) {
    store<i32>(scratch + ROWS_AT + 4 * i, PANEL_STEP * i)
  }

  // tiles of `out` for each thread: some columns of one product, or some rows of all
  const rowPanels = panels(m.count, ROWS)
  const columnPanels = panels(n.count, LANES)
  const across = batch == 1 ? partsAcross(rowPanels, columnPanels, strideOf(m, 1) == 4) : 1
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
      for (let depth = 0; depth < depths; ++depth) {
        const from = split(k.count, depth, depths)
        select(k, from, split(k.count, depth + 1, depths) - from)
        p.bInPlace = k.secondStep != IRREGULAR && m.end - m.begin <= DIRECT_M
        packColumns(p, n, k)
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
function partsAcross(rowPanels: i32, columnPanels: i32, inPlace: bool): i32 {
  const parts = partCount()
  let best = 1
  let least = i64.MAX_VALUE
  for (let across = 1; across <= parts; ++across) {
    if (parts % across != 0) continue
    const rows = <i64>panels(rowPanels, parts / across)
    const columns = <i64>panels(columnPanels, across)
    // to pack a panel takes about as long as to multiply half a tile
    const work = 2 * rows * columns + columns + (inPlace ? 0 : rows)
    if (work >= least) continue
    least = work
    best = across
  }
  return best
}

function panels(count: i32, width: i32): i32 {
  return (count + width - 1) / width
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

function packColumns(p: Product, n: Index, k: Index): void {
  let panel = p.bPanels
  for (let column = 0; column < n.size; column += LANES) {
    if (!columnsInPlace(p, column)) pack(panel, p.b, n.first + (column << 2), LANES, k.second, k.secondStep, k.size)
    panel += k.size * PANEL_STEP
  }
}

/** The product of one block of each index. What is gone over again and again, the rows of a tile, stays near. */
function multiply(p: Product, m: Index, n: Index, k: Index, add: bool): void {
  const short = shortTiles(m.size) * SHORT
  const tall = max(m.size - short, 0)
  const inPlace = m.firstStep == 4 && k.firstStep != IRREGULAR && tall + short == m.size
  // rows that are long, or apart, come faster than the machine foresees them
  const bytes = k.size << 2
  const touched = !inPlace && k.firstStep == 4 && (m.firstStep != bytes || k.size >= LONG)
  // with what lies between them, where that is little, they are a stream, which it does foresee
  const stream = m.firstStep > 0 && m.firstStep <= min(bytes + NEAR, 8 * bytes)
  for (let row = 0; row < m.size; ) {
    const height = row < tall ? ROWS : SHORT
    const rows = m.first + (row << 2)
    const from = p.a + word(k.first, 0)
    if (touched && row % (AHEAD * ROWS) == 0) {
      const next = rows + 4 * AHEAD * ROWS
      const count = min(AHEAD * ROWS, m.size - row - AHEAD * ROWS)
      if (stream) touch(changetype<usize>(p) + TILE, from, next, min(count, 1), (count - 1) * m.firstStep + bytes)
      else touch(changetype<usize>(p) + TILE, from, next, count, bytes)
    }
    let a = p.aPanel
    let aStep = PANEL_STEP
    let last = from + word(rows, 4)
    let lastStep = k.firstStep
    if (inPlace) {
      a = from + word(rows, 0)
      aStep = k.firstStep
    } else if (k.firstStep == 4) packFour(a, p.a, rows, k.first, k.size)
    else {
      pack(a, p.a, rows, height, k.first, k.firstStep, k.size)
      last = a + 16
      lastStep = PANEL_STEP
    }
    tiles(p, m, n, k, row, height, a, aStep, last, lastStep, add)
    row += height
  }
}

/** Its tiles of `height` rows from `row` on, which stand at `a`, the fifth of them at `last`. */
function tiles(p: Product, m: Index, n: Index, k: Index, row: i32, height: i32, a: usize, aStep: i32, last: usize, lastStep: i32, add: bool): void {
  const scratch = changetype<usize>(p)
  const depth = k.size
  const width = n.size
  const rows = m.second + (row << 2)
  const left = min(height, m.size - row)
  let panel = p.bPanels
  for (let column = 0; column < width; column += LANES) {
    const inPlace = columnsInPlace(p, column)
    const b = inPlace ? p.b + word(n.first, column) + word(k.second, 0) : panel
    const bStep = inPlace ? k.secondStep : PANEL_STEP
    const columns = n.second + (column << 2)
    const neighbours = (load<u8>(p.columns + column / LANES) & OUT_NEIGHBOURS) != 0
    const out = p.out + word(columns, 0)
    // the table repeats its last row: what is written there more than once is the same
    const direct = neighbours && (left == height || !add)
    const to = direct ? out : scratch + TILE
    const toRows = direct ? rows : scratch + ROWS_AT
    if (height == ROWS) tile(a, aStep, last, lastStep, b, bStep, depth, to, toRows, direct && add)
    else shortTile(a, aStep, b, bStep, depth, to, toRows, direct && add)
    panel += depth * PANEL_STEP
    if (direct) continue
    if (neighbours) addRows(scratch + TILE, out, rows, left)
    else scatter(scratch + TILE, p.out, rows, left, columns, min(width - column, LANES), add)
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
