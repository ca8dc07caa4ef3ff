#!/usr/bin/env bash
# node-wav 0.0.2 and wav-decoder 1.3.0: the lowest sample of a 24-bit WAV file, -8388608, is read as +1.
#
# Expected: -1, which is what both make of the lowest sample of 8, 16 and 32 bits, and of -8388607 nearly. Samples of more than 8
# bits are two's complement (Multimedia Programming Interface and Data Specifications 1.0, 1991), whose lowest is 0x800000.
# Seen: 0x800000 is taken for positive, as the only one of the 2^24 values. A sound that is clipped has it in every trough: a sine
# of twice the full scale jumps from -1 to +1 in the middle of each. What either of the two writes for -1 it reads as +1 itself
# (node-wav, wav-encoder 1.3.0). wavefile 11.0.0 reads all of them rightly.
# Seen, when writing: node-wav makes 127 and not 128 of silence in 8 bits, so that 0 is read as -1/128, and so is everything else
# a step too low (-1 and 1 excepted).
# Why it matters: recordings for training are often 24 bits, and loud ones touch the lowest value: speech that is close, drums,
# whatever was normalised to full scale. Each such sample is a click as loud as can be, over all frequencies. Features of the same
# file from Python are others, and no value is out of range.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true }' >package.json # else npm looks for one further up
npm install --silent --no-audit --no-fund --ignore-scripts node-wav@0.0.2 wav-decoder@1.3.0 wav-encoder@1.3.0 wavefile@11.0.0
cat >check.mjs <<'JS'
import { readFileSync } from 'node:fs'
import nodeWav from 'node-wav'
import wavDecoder from 'wav-decoder'
import wavEncoder from 'wav-encoder'
import wavefile from 'wavefile'

const versions = ['node-wav', 'wav-decoder', 'wav-encoder', 'wavefile'].map(
  (name) => `${name} ${JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8')).version}`,
)
console.log(`${versions.join(', ')}, Node ${process.version}`)

/** A file of one channel of whole numbers, by the specification; 8 bits are unsigned. */
function write(bits, samples) {
  const size = samples.length * (bits / 8)
  const file = Buffer.alloc(44 + size)
  file.write('RIFF', 0)
  file.writeUInt32LE(36 + size, 4)
  file.write('WAVEfmt ', 8)
  file.writeUInt32LE(16, 16)
  file.writeUInt16LE(1, 20) // integers
  file.writeUInt16LE(1, 22) // channels
  file.writeUInt32LE(8000, 24)
  file.writeUInt32LE(8000 * (bits / 8), 28)
  file.writeUInt16LE(bits / 8, 32)
  file.writeUInt16LE(bits, 34)
  file.write('data', 36)
  file.writeUInt32LE(size, 40)
  samples.forEach((x, i) => {
    const at = 44 + i * (bits / 8)
    if (bits === 8) file.writeUInt8(x + 128, at)
    else file.writeIntLE(x, at, bits / 8)
  })
  return file
}
const readers = {
  'node-wav': async (file) => [...nodeWav.decode(file).channelData[0]],
  'wav-decoder': async (file) => [...(await wavDecoder.decode(file)).channelData[0]],
  wavefile: async (file) => {
    const wav = new wavefile.WaveFile(file)
    const bits = Number(wav.bitDepth)
    return [...wav.getSamples(false)].map((x) => (bits === 8 ? x - 128 : x) / 2 ** (bits - 1))
  },
}
const short = (values) => values.map((x) => Number(x.toFixed(4))).join(' ')
let same = true
for (const bits of [8, 16, 24, 32]) {
  const lowest = -(2 ** (bits - 1))
  const samples = [lowest, lowest + 1, lowest / 2, 0, -lowest / 2, -lowest - 1]
  for (const [name, read] of Object.entries(readers)) {
    const found = await read(write(bits, samples))
    // within a step: some divide by the highest sample, others by one more
    const right = found.every((x, i) => Math.abs(x - samples[i] / -lowest) < 2 ** (2 - Math.min(bits, 24)))
    console.log(`${bits} bits, ${name.padEnd(11)} ${short(found)} ${right ? '(right)' : '(expected -1 first)'}`)
    if (bits === 24 && name !== 'wavefile')
      same &&= Math.abs(found[0] - 1) < 1e-6 && found[1] < -0.999 && found[2] === -0.5
    else same &&= found[0] === -1
  }
}
const clipped = Array.from({ length: 16 }, (_, n) =>
  Math.max(-(2 ** 23), Math.min(2 ** 23 - 1, Math.round(2 ** 24 * Math.sin((2 * Math.PI * n) / 16)))),
)
for (const [name, read] of Object.entries(readers)) {
  const found = await read(write(24, clipped))
  console.log(`a sine, clipped, ${name.padEnd(11)} ${found.map((x) => x.toFixed(1)).join(' ')}`)
  same &&= found.slice(10, 15).every((x) => Math.abs(x - (name === 'wavefile' ? -1 : 1)) < 1e-6)
}
const values = Float32Array.from([-1, -0.5, 0, 0.5])
for (const [name, file, read, seen] of [
  [
    'node-wav, 24 bits',
    nodeWav.encode([values], { sampleRate: 8000, float: false, bitDepth: 24 }),
    'node-wav',
    '1 -0.5 0 0.5',
  ],
  [
    'wav-encoder, 24 bits',
    Buffer.from(await wavEncoder.encode({ sampleRate: 8000, channelData: [values] }, { bitDepth: 24 })),
    'wav-decoder',
    '1 -0.5 0 0.5',
  ],
  [
    'node-wav, 8 bits',
    nodeWav.encode([values], { sampleRate: 8000, float: false, bitDepth: 8 }),
    'wavefile',
    '-1 -0.5078 -0.0078 0.4922',
  ],
]) {
  const found = short(await readers[read](file))
  console.log(`${name}: ${short([...values])} is written, and read by ${read} as ${found}`)
  same &&= found === seen
}
console.log(same ? 'As described: the lowest sample of 24 bits is the highest' : 'The behaviour has changed')
process.exit(same ? 0 : 1)
JS
node check.mjs
