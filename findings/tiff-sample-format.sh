#!/usr/bin/env bash
# tiff 7.1.3: signed numbers and half floats of a TIFF are read as other, unsigned ones; utif 3.1.0 makes such images, and grey ones of
# 4 bits, black.
#
# Expected: TIFF 6.0, section 19: SampleFormat says whether samples are unsigned (1), two's complement (2) or IEEE floating point
# (3). Section 4: a grey image has samples of 4 or 8 bits, and 0 is white or black as PhotometricInterpretation says. utif's toRGBA8
# "converts any TIFF image into a 8-bit RGBA image". geotiff 3.0.5 reads the numbers of all of these files rightly.
# Seen: tiff has the -1 of 16 bits as 65535, that of 8 bits as 255, and a half float of 1 as 15360; a reader of its Uint16Array
# cannot tell. image-js 1.7.0 reads its files with it. Unsigned samples and floats of 32 and 64 bits are right, other sizes are an error.
# toRGBA8 leaves every pixel 0, its alpha too, where the sample is grey of 4 bits and 0 is black, 16 bits and 0 is white, or of 32 bits;
# and of RGB in floats it takes the second and the fourth byte for a colour each. There is no error. Grey of 1, 2, 8 and 16 bits
# with 0 for black, grey of 4 and 8 bits with 0 for white and RGB of 8 and 16 bits are right.
# Why it matters: heights, depths, differences, CT and satellite images are signed or floats. A sea floor of -1 m is 65535 m high,
# and scaling by the largest number makes everything else 0; a data set of black images trains without an error.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true }' >package.json # else npm looks for one further up
npm install --silent --no-audit --no-fund --ignore-scripts tiff@7.1.3 utif@3.1.0 geotiff@3.0.5
cat >check.mjs <<'JS'
import { readFileSync } from 'node:fs'
import { fromArrayBuffer } from 'geotiff'
import { decode } from 'tiff'
import UTIF from 'utif'

const versions = ['tiff', 'utif', 'geotiff'].map(
  (name) => `${name} ${JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8')).version}`,
)
console.log(`${versions.join(', ')}, Node ${process.version}`)

const SHORT = 3
const LONG = 4
/** A file of one strip without compression: a row of pixels. */
function write({ bits, format = 1, photometric = 1, width, channels = 1, data }) {
  const per = (x) => Array(channels).fill(x)
  const entries = [
    [256, LONG, [width]],
    [257, LONG, [1]], // height
    [258, SHORT, per(bits)],
    [259, SHORT, [1]], // no compression
    [262, SHORT, [photometric]], // 0: 0 is white, 1: 0 is black, 2: RGB
    [273, LONG, [200]], // where the pixels are
    [277, SHORT, [channels]],
    [278, LONG, [1]], // rows of a strip
    [279, LONG, [data.length]],
    [339, SHORT, per(format)],
  ]
  const file = Buffer.alloc(200 + data.length)
  file.write('II', 0)
  file.writeUInt16LE(42, 2)
  file.writeUInt32LE(8, 4)
  file.writeUInt16LE(entries.length, 8)
  let free = 10 + entries.length * 12 + 4
  entries.forEach(([tag, type, values], i) => {
    let at = 10 + i * 12
    file.writeUInt16LE(tag, at)
    file.writeUInt16LE(type, at + 2)
    file.writeUInt32LE(values.length, at + 4)
    const size = type === SHORT ? 2 : 4
    at += 8
    if (values.length * size > 4) {
      file.writeUInt32LE(free, at)
      at = free
      free += values.length * size
    }
    for (const [j, value] of values.entries()) file.writeUIntLE(value, at + j * size, size)
  })
  file.set(data, 200)
  return file.buffer.slice(file.byteOffset, file.byteOffset + file.length)
}
const bytes = (array) => new Uint8Array(array.buffer)
const short = (values) => Array.from(values, (x) => Number(x.toPrecision(6))).join(' ')
let same = true
for (const [name, options, expected, seen] of [
  ['uint16', { bits: 16, data: bytes(Uint16Array.of(0, 1, 32768, 65535)) }, [0, 1, 32768, 65535]],
  ['int16', { bits: 16, format: 2, data: bytes(Int16Array.of(0, 1, -32768, -1)) }, [0, 1, -32768, -1], [0, 1, 32768, 65535]],
  ['int8', { bits: 8, format: 2, data: bytes(Int8Array.of(0, 127, -128, -1)) }, [0, 127, -128, -1], [0, 127, 128, 255]],
  [
    'float16',
    { bits: 16, format: 3, data: bytes(Uint16Array.of(0, 0x3c00, 0xc000, 0x3800)) },
    [0, 1, -2, 0.5],
    [0, 0x3c00, 0xc000, 0x3800],
  ],
  ['float32', { bits: 32, format: 3, data: bytes(Float32Array.of(0, 1, -2, 0.5)) }, [0, 1, -2, 0.5]],
  ['float64', { bits: 64, format: 3, data: bytes(Float64Array.of(0, 1, -2, 0.5)) }, [0, 1, -2, 0.5]],
]) {
  const file = write({ width: 4, ...options })
  const [{ data }] = decode(file)
  const [other] = await (await (await fromArrayBuffer(file)).getImage()).readRasters()
  const right = short(data) === short(expected)
  console.log(`tiff, ${name.padEnd(8)} ${short(data)} ${right ? '(right)' : `(expected ${short(expected)})`}`)
  same &&= short(data) === short(seen ?? expected) && short(other) === short(expected)
}
const deep = bytes(Uint16Array.of(0, 0x5500, 0xaa00, 0xff00))
const floats = bytes(Float32Array.of(0, 1 / 3, 2 / 3, 1))
const grey = [0, 85, 170, 255]
const none = [0, 0, 0, 0]
for (const [name, options, expected, seen] of [
  ['grey, 2 bits, 0 is black', { bits: 2, data: Uint8Array.of(0b00011011) }, grey],
  ['grey, 4 bits, 0 is black', { bits: 4, data: Uint8Array.of(0x05, 0xaf) }, grey, none],
  ['grey, 4 bits, 0 is white', { bits: 4, photometric: 0, data: Uint8Array.of(0xfa, 0x50) }, grey],
  ['grey, 8 bits, 0 is black', { bits: 8, data: Uint8Array.from(grey) }, grey],
  ['grey, 16 bits, 0 is black', { bits: 16, data: deep }, grey],
  ['grey, 16 bits, 0 is white', { bits: 16, photometric: 0, data: deep }, grey.toReversed(), none],
  ['grey, float32, 0 is black', { bits: 32, format: 3, data: floats }, grey, none],
]) {
  const file = write({ width: 4, ...options })
  const [page] = UTIF.decode(file)
  UTIF.decodeImage(file, page)
  const rgba = UTIF.toRGBA8(page)
  const found = rgba.filter((_, i) => i % 4 === 0)
  const alpha = rgba.filter((_, i) => i % 4 === 3)
  const right = short(found) === short(expected)
  console.log(`utif, ${name}: ${short(found)} ${right ? '(right)' : `(expected ${short(expected)})`}, alpha ${short(alpha)}`)
  same &&= short(found) === short(seen ?? expected) && alpha.every((x) => x === (seen ? 0 : 255))
}
const colours = Float32Array.of(1, 0.5, 0.25, 0.1, 0.2, 0.3)
for (const [name, options, expected] of [
  ['RGB, 8 bits', { bits: 8, data: Uint8Array.of(255, 128, 64, 26, 51, 77) }, [255, 128, 64, 26, 51, 77]],
  ['RGB, 16 bits', { bits: 16, data: bytes(Uint16Array.from([255, 128, 64, 26, 51, 77], (x) => x * 257)) }, [255, 128, 64, 26, 51, 77]],
  ['RGB, float32', { bits: 32, format: 3, data: bytes(colours) }, [255, 128, 64, 26, 51, 77]],
]) {
  const file = write({ width: 2, channels: 3, photometric: 2, ...options })
  const [page] = UTIF.decode(file)
  UTIF.decodeImage(file, page)
  const found = [...UTIF.toRGBA8(page)].filter((_, i) => i % 4 < 3)
  const right = short(found) === short(expected)
  console.log(`utif, ${name}: ${short(found)} ${right ? '(right)' : `(expected ${short(expected)})`}`)
  const odd = [...bytes(colours)].filter((_, i) => i % 2 === 1).slice(0, 6) // as if they were 16 bits
  same &&= right === (options.format !== 3) && (right || short(found) === short(odd))
}
console.log(same ? 'As described' : 'The behaviour has changed')
process.exit(same ? 0 : 1)
JS
node check.mjs
