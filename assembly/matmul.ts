// out[batch, m, n] (+)= sum over k of a[batch, m, k] x b[batch, k, n], where each of the four is a list of axes with
// any strides. Every address is a sum of byte offsets for batch, m, n and k. With tables of these offsets, one block at a
// time, one micro-kernel (a tile of ROWS x 8 outputs) serves all layouts. Its operands are four contiguous rows of `a` and
// a fifth with a constant stride along k, and 8 contiguous columns of `b`. Operands that are not contiguous, or are read
// many times from far away, are first packed into panels of k x 8 lanes.
//
// Scratch: HEAD bytes, tables of offsets, flags of each panel of columns, panels of `b`, a panel of `a`; `matmulScratch` of
// src/backends/wasm/kernels.ts says how many bytes that is.

import { CACHE_LINE, K_BLOCK, M_BLOCK, MATMUL_HEAD, N_BLOCK, TILE_LANES as LANES, TILE_ROWS as ROWS } from '../src/backends/sizes'
import { Index, IRREGULAR, open, reserve, select, strideOf, uniformStride } from './offsets'
import { PANEL_STRIDE, pack, packFour } from './pack'
import { place, word } from './place'
import { beat, partCount, partIndex, split } from './threads'
import { addTo, SHORT, shortTile, tile } from './tile'

const AHEAD = 2 // tiles whose rows are prefetched at once
const LONG = 96 // length along k from which on rows of `a` are prefetched
const NEAR = 512 // bytes between rows that are prefetched, too
const TINY = 64 // multiplications
const DIRECT_M = 32 // for so few rows `b` is read in place
const HEAD: usize = MATMUL_HEAD

/** At the start of scratch. */
@unmanaged
class Product {
  a: usize // of this batch index
  b: usize
  out: usize
  aPanel: usize // the rows of a tile
  bPanels: usize
  columns: usize // flags of each panel of columns
  bInPlace: bool
}

const M_AT: usize = 32
const N_AT: usize = 80
const K_AT: usize = 128
const ROWS_AT: usize = 208 // offsets of the rows of the tile
const TILE: usize = 256 // an output tile that is scattered, or has more rows than are left

// flags of a panel: whether its 8 columns are contiguous in `b`, and in `out`
const B_CONTIGUOUS: u8 = 1
const OUT_CONTIGUOUS: u8 = 2

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
  p.bPanels = (p.columns + panels(min(n.count, N_BLOCK), LANES) + CACHE_LINE - 1) & ~(CACHE_LINE - 1)
  p.aPanel = p.bPanels + panels(min(n.count, N_BLOCK), LANES) * min(k.count, K_BLOCK) * PANEL_STRIDE
  for (let i = 0; i < ROWS; ++i) {
    store<i32>(scratch + ROWS_AT + 4 * i, PANEL_STRIDE * i)
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
      if (select(n, column, min(n.end - column, N_BLOCK))) flagColumns(p, n)
      for (let depth = 0; depth < depths; ++depth) {
        const from = split(k.count, depth, depths)
        select(k, from, split(k.count, depth + 1, depths) - from)
        p.bInPlace = k.secondStride != IRREGULAR && m.end - m.begin <= DIRECT_M
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
 * Among how many threads the columns are split, so that the largest part is smallest. Each thread packs its own operands:
 * panels of another thread would come slowly out of its cache.
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

/** A product that takes less time than the tables would. */
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

/** Sets the flags of each panel of columns. */
function flagColumns(p: Product, n: Index): void {
  for (let column = 0; column < n.size; column += LANES) {
    let known: u8 = 0
    if (n.size - column >= LANES) {
      if (uniformStride(n.first + (column << 2), LANES) == 4) known |= B_CONTIGUOUS
      if (uniformStride(n.second + (column << 2), LANES) == 4) known |= OUT_CONTIGUOUS
    }
    store<u8>(p.columns + column / LANES, known)
  }
}

function columnsInPlace(p: Product, column: i32): bool {
  return p.bInPlace && (load<u8>(p.columns + column / LANES) & B_CONTIGUOUS) != 0
}

function packColumns(p: Product, n: Index, k: Index): void {
  let panel = p.bPanels
  for (let column = 0; column < n.size; column += LANES) {
    if (!columnsInPlace(p, column)) pack(panel, p.b, n.first + (column << 2), LANES, k.second, k.secondStride, k.size)
    panel += k.size * PANEL_STRIDE
  }
}

/** The product of one block of each index. The rows of a tile stay in the first-level cache. */
function multiply(p: Product, m: Index, n: Index, k: Index, add: bool): void {
  const short = shortTiles(m.size) * SHORT
  const tall = max(m.size - short, 0)
  const inPlace = m.firstStride == 4 && k.firstStride != IRREGULAR && tall + short == m.size
  // software prefetch: the hardware does not foresee rows that are long, or far apart
  const bytes = k.size << 2
  const prefetched = !inPlace && k.firstStride == 4 && (m.firstStride != bytes || k.size >= LONG)
  // with the few bytes between them, rows are one stream, which the hardware does foresee
  const stream = m.firstStride > 0 && m.firstStride <= min(bytes + NEAR, 8 * bytes)
  for (let row = 0; row < m.size; ) {
    const height = row < tall ? ROWS : SHORT
    const rows = m.first + (row << 2)
    const from = p.a + word(k.first, 0)
    if (prefetched && row % (AHEAD * ROWS) == 0) {
      const next = rows + 4 * AHEAD * ROWS
      const count = min(AHEAD * ROWS, m.size - row - AHEAD * ROWS)
      if (stream) prefetch(changetype<usize>(p) + TILE, from, next, min(count, 1), (count - 1) * m.firstStride + bytes)
      else prefetch(changetype<usize>(p) + TILE, from, next, count, bytes)
    }
    let a = p.aPanel
    let aStride = PANEL_STRIDE
    let last = from + word(rows, 4)
    let lastStride = k.firstStride
    if (inPlace) {
      a = from + word(rows, 0)
      aStride = k.firstStride
    } else if (k.firstStride == 4) packFour(a, p.a, rows, k.first, k.size)
    else {
      pack(a, p.a, rows, height, k.first, k.firstStride, k.size)
      last = a + 16
      lastStride = PANEL_STRIDE
    }
    tiles(p, m, n, k, row, height, a, aStride, last, lastStride, add)
    row += height
  }
}

/** The tiles of `height` rows from `row` on. Rows of `a` are at `a`, the fifth at `last`. */
function tiles(p: Product, m: Index, n: Index, k: Index, row: i32, height: i32, a: usize, aStride: i32, last: usize, lastStride: i32, add: bool): void {
  const scratch = changetype<usize>(p)
  const depth = k.size
  const width = n.size
  const rows = m.second + (row << 2)
  const left = min(height, m.size - row)
  let panel = p.bPanels
  for (let column = 0; column < width; column += LANES) {
    const inPlace = columnsInPlace(p, column)
    const b = inPlace ? p.b + word(n.first, column) + word(k.second, 0) : panel
    const bStride = inPlace ? k.secondStride : PANEL_STRIDE
    const columns = n.second + (column << 2)
    const contiguous = (load<u8>(p.columns + column / LANES) & OUT_CONTIGUOUS) != 0
    const out = p.out + word(columns, 0)
    // the table repeats its last row, which is then written more than once with the same values
    const direct = contiguous && (left == height || !add)
    const to = direct ? out : scratch + TILE
    const toRows = direct ? rows : scratch + ROWS_AT
    if (height == ROWS) tile(a, aStride, last, lastStride, b, bStride, depth, to, toRows, direct && add)
    else shortTile(a, aStride, b, bStride, depth, to, toRows, direct && add)
    panel += depth * PANEL_STRIDE
    if (direct) continue
    if (contiguous) addRows(scratch + TILE, out, rows, left)
    else scatter(scratch + TILE, p.out, rows, left, columns, min(width - column, LANES), add)
  }
}

/** Prefetches the rows of the next tiles by loads whose result is not used. */
function prefetch(scratch: usize, a: usize, rows: usize, count: i32, bytes: i32): void {
  let seen = i32x4.splat(0)
  for (let i = 0; i < count; ++i) {
    let at = a + word(rows, i)
    for (const end = at + bytes; at < end; at += 64) seen = v128.or(seen, v128.load32_zero(at))
  }
  v128.store(scratch, seen)
}

/** How many tiles of SHORT rows leave the fewest rows over, with tiles of ROWS rows for the rest. */
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
    from += PANEL_STRIDE
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
    from += PANEL_STRIDE
  }
}
