#!/usr/bin/env bash
# upng-js 2.1.0: a grey PNG of 1, 2 or 4 bits comes out sheared unless its rows fill whole bytes; fast-png 8.0.0 does not read
# it interlaced.
#
# Expected: PNG (W3C, third edition, 7.2) packs such pixels into bytes and begins each row, of each pass, in a new byte.
# upng-js says of itself that it decodes all colour types, 1, 2, 4, 8 and 16 bits, and interlaced images.
# Seen: its toRGBA8 reads grey rows as if there were no unused bits at their ends, so each row begins further to the right
# than the one above: of a diagonal of 5 x 5 pixels in 1 bit only the first is where it was. Interlaced, 1 bit is wrong even
# where rows fill bytes, and so is a palette of 1 bit. A grey level of 0 that the file declares transparent (tRNS) stays
# opaque; 1 becomes transparent, as it should. fast-png, which decodes both few bits and interlaced images, refuses the two
# together with "Unsupported filter: 128" or another number: it reads pixels where the filter should be.
# Right: upng-js for palettes that are not interlaced and for 8 bits, fast-png without interlacing, pngjs 7.0.0 for all.
# Why it matters: masks, labels and scanned digits are what is stored in few bits. Labels that are sheared, or black that
# should have been left out, train a model without an error; 28 pixels of 1 bit, MNIST's width, do not fill bytes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true }' >package.json # else npm looks for one further up
npm install --silent --no-audit --no-fund --ignore-scripts upng-js@2.1.0 fast-png@8.0.0 pngjs@7.0.0
cat >check.mjs <<'JS'
import { readFileSync } from 'node:fs'
import { deflateSync } from 'node:zlib'
import { decode as fastPng } from 'fast-png'
import { PNG } from 'pngjs'
import upng from 'upng-js'

const version = (name) => JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8')).version
console.log(`upng-js ${version('upng-js')}, fast-png ${version('fast-png')}, Node ${process.version}`)

function crc(bytes) {
  let c = 0xffffffff
  for (const byte of bytes) {
    c ^= byte
    for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1
  }
  return ~c >>> 0
}
function chunk(type, data) {
  const bytes = Buffer.alloc(12 + data.length)
  bytes.writeUInt32BE(data.length, 0)
  bytes.write(type, 4, 'latin1')
  bytes.set(data, 8)
  bytes.writeUInt32BE(crc(bytes.subarray(4, 8 + data.length)), 8 + data.length)
  return bytes
}
const every = (start, step, end) =>
  Array.from({ length: Math.max(0, Math.ceil((end - start) / step)) }, (_, i) => start + i * step)
const adam7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
]

/** A PNG of one sample a pixel, level(x, y); filter 0 in each row. Palette: entry i is the colour (i, i, i). */
function png({ size, bits, level, interlaced = false, palette = false, transparent }) {
  const rows = []
  for (const [x0, y0, dx, dy] of interlaced ? adam7 : [[0, 0, 1, 1]]) {
    const columns = every(x0, dx, size)
    if (!columns.length) continue
    for (const y of every(y0, dy, size)) {
      const row = Buffer.alloc(1 + Math.ceil((columns.length * bits) / 8))
      columns.forEach((x, i) => {
        row[1 + ((i * bits) >> 3)] |= level(x, y) << (8 - bits - ((i * bits) & 7))
      })
      rows.push(row)
    }
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(size, 0)
  header.writeUInt32BE(size, 4)
  header.set([bits, palette ? 3 : 0, 0, 0, Number(interlaced)], 8)
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]),
    chunk('IHDR', header),
    ...(palette ? [chunk('PLTE', Buffer.from(every(0, 1, 2 ** bits).flatMap((i) => [i, i, i])))] : []),
    ...(transparent === undefined ? [] : [chunk('tRNS', Buffer.from([0, transparent]))]),
    chunk('IDAT', deflateSync(Buffer.concat(rows))),
    chunk('IEND', Buffer.alloc(0)),
  ])
}
/** Red and alpha of each pixel; what a transparent one's red is does not count. */
const pair = (red, alpha) => [alpha ? red : 0, alpha]
const pairs = (rgba) => Array.from({ length: rgba.length / 4 }, (_, i) => pair(rgba[4 * i], rgba[4 * i + 3]))
const readers = {
  upng: (file) => pairs(new Uint8Array(upng.toRGBA8(upng.decode(Uint8Array.from(file).buffer))[0])),
  fastPng: (file, { size, bits, palette, transparent }) => {
    const { data, depth, transparency } = fastPng(file)
    if (depth !== bits || (transparency ?? [])[0] !== transparent) return []
    const perRow = Math.ceil((size * bits) / 8)
    const pixels = []
    for (let i = 0; i < size * size; i++) {
      const bit = (i % size) * bits
      const value = (data[Math.floor(i / size) * perRow + (bit >> 3)] >> (8 - bits - (bit & 7))) & (2 ** bits - 1)
      pixels.push(pair(palette ? value : (value * 255) / (2 ** bits - 1), value === transparent ? 0 : 255))
    }
    return pixels
  },
  pngjs: (file) => pairs(PNG.sync.read(file).data),
}
const mixed = (bits) => (x, y) => (x * 5 + y * 3 + x * y) % 2 ** bits
const diagonal = (x, y) => Number(x === y)
// name, image, what upng-js and fast-png make of it: right, wrong or refused
const cases = [
  ...[1, 2, 4].map((bits) => [`grey, ${bits} bit, 5 x 5`, { size: 5, bits, level: mixed(bits) }, 'wrong right']),
  ...[1, 2, 4].map((bits) => [`grey, ${bits} bit, 8 x 8`, { size: 8, bits, level: mixed(bits) }, 'right right']),
  ['grey, 8 bit, 5 x 5', { size: 5, bits: 8, level: mixed(8) }, 'right right'],
  ['grey, 1 bit, 28 x 28', { size: 28, bits: 1, level: mixed(1) }, 'wrong right'],
  ['palette, 1 bit, 5 x 5', { size: 5, bits: 1, level: mixed(1), palette: true }, 'right right'],
  ['palette, 4 bit, 5 x 5', { size: 5, bits: 4, level: mixed(4), palette: true }, 'right right'],
  ['interlaced grey, 1 bit, 16 x 16', { size: 16, bits: 1, level: mixed(1), interlaced: true }, 'wrong refused'],
  ['interlaced grey, 2 bit, 16 x 16', { size: 16, bits: 2, level: mixed(2), interlaced: true }, 'right refused'],
  ['interlaced grey, 4 bit, 5 x 5', { size: 5, bits: 4, level: mixed(4), interlaced: true }, 'wrong refused'],
  ['interlaced grey, 8 bit, 16 x 16', { size: 16, bits: 8, level: mixed(8), interlaced: true }, 'right right'],
  [
    'interlaced palette, 1 bit, 16 x 16',
    { size: 16, bits: 1, level: mixed(1), interlaced: true, palette: true },
    'wrong refused',
  ],
  ['grey, 8 bit, 0 transparent', { size: 5, bits: 8, level: diagonal, transparent: 0 }, 'wrong right'],
  ['grey, 8 bit, 1 transparent', { size: 5, bits: 8, level: diagonal, transparent: 1 }, 'right right'],
]
let same = true
for (const [name, image, seen] of cases) {
  const { size, bits, level, palette, transparent } = image
  const file = png(image)
  const expected = []
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const value = level(x, y)
      expected.push(pair(palette ? value : (value * 255) / (2 ** bits - 1), value === transparent ? 0 : 255))
    }
  }
  const found = Object.values(readers).map((read) => {
    try {
      return String(read(file, image)) === String(expected) ? 'right' : 'wrong'
    } catch ({ message }) {
      return message.startsWith('Unsupported filter') ? 'refused' : message
    }
  })
  console.log(`${name.padEnd(35)} upng-js ${found[0]}, fast-png ${found[1]}, pngjs ${found[2]}`)
  same &&= found.join(' ') === `${seen} right`
}
const drawn = readers.upng(png({ size: 5, bits: 1, level: diagonal })).map(([red]) => (red ? '#' : '.'))
console.log('the diagonal of 5 x 5 in 1 bit, by upng-js:')
const lines = [0, 5, 10, 15, 20].map((start) => drawn.slice(start, start + 5).join(''))
for (const line of lines) console.log(`  ${line}`)
same &&= lines.join(' ') === '#.... ....# ..... ...#. .....'
console.log(same ? 'As described: sheared, refused, and right elsewhere' : 'The behaviour has changed')
process.exit(same ? 0 : 1)
JS
node check.mjs
