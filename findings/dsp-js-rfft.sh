#!/usr/bin/env bash
# dsp.js 1.0.1: RFFT, its transform of real signals, shows other magnitudes than its DFT and FFT: a tone at 3 peaks at 2.
#
# Expected: the magnitudes that DFT and FFT of the same package give for the same signal, and the formula of the transform, which the
# script sums in full. All three are used alike; the source calls RFFT "highly optimized".
# Seen: the real and imaginary parts (`trans`) are right. `spectrum`, which is made of them, takes the imaginary part of the next
# frequency with the real part of each, so that a sine, all of it imaginary, appears one place lower: a sine with 3 periods in 16
# samples and amplitude 1 has its peak at 2, and `peakBand` says so. A cosine is where it should be; other phases are in between,
# spread over two places and of other heights. The first place, the mean, is right. So it is with 8, 16, 64 and 1024
# samples.
# Why it matters: spectra are what sequence models of sound and sensors read. The error depends on the phase, so that two windows
# of one tone differ, and a pitch is off by one place, which is 43 Hz for 1024 samples of 44100 a second; log-mel features from
# Python and from here do not agree, and nothing is out of range.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true }' >package.json # else npm looks for one further up
npm install --silent --no-audit --no-fund --ignore-scripts dsp.js@1.0.1
cat >check.mjs <<'JS'
import { readFileSync } from 'node:fs'
import dsp from 'dsp.js'

const { version } = JSON.parse(readFileSync('node_modules/dsp.js/package.json', 'utf8'))
console.log(`dsp.js ${version}, Node ${process.version}`)

/** Real and imaginary part at frequency k of the discrete Fourier transform, by its formula. */
function transform(signal, k) {
  const angle = (n) => (-2 * Math.PI * ((k * n) % signal.length)) / signal.length
  const sum = (f) => signal.reduce((total, x, n) => total + x * f(angle(n)), 0)
  return [sum(Math.cos), sum(Math.sin)]
}
const tone = (length, periods, phase) =>
  Float64Array.from({ length }, (_, n) => Math.sin((2 * Math.PI * periods * n) / length + phase))
const near = (a, b) => a.every((x, i) => Math.abs(x - b[i]) < 1e-9)
const short = (values) => Array.from(values.slice(0, 6), (x) => (Math.abs(x) < 5e-4 ? 0 : x).toFixed(3)).join(' ')

let same = true
// name, signal, the place of the peak that is seen and that is right
for (const [name, signal, seen, right] of [
  ['sine, 16', tone(16, 3, 0), 2, 3],
  ['cosine, 16', tone(16, 3, Math.PI / 2), 3, 3],
  ['phase 0.3, 16', tone(16, 3, 0.3), 2, 3],
  ['sine, 8', tone(8, 3, 0), 2, 3],
  ['sine, 1024', tone(1024, 5, 0), 4, 5],
  ['mixed, 64', Float64Array.from({ length: 64 }, (_, n) => Math.sin(n * n + 1)), undefined, undefined],
]) {
  const { length } = signal
  const [rfft, fft, dft] = [dsp.RFFT, dsp.FFT, dsp.DFT].map((Transform) => {
    const transform = new Transform(length, length)
    transform.forward(signal)
    return transform
  })
  const parts = Array.from({ length: length / 2 }, (_, k) => transform(signal, k))
  const magnitudes = parts.map(([re, im]) => (2 / length) * Math.hypot(re, im))
  // the imaginary parts stand from the end of trans on: that of k at length - k
  const moved = parts.map(([re], k) => (2 / length) * Math.hypot(re, k === 0 ? 0 : k + 1 < length / 2 ? parts[k + 1][1] : 0))
  console.log(`${name.padEnd(14)} RFFT ${short(rfft.spectrum)}\n${' '.repeat(15)} FFT ${short(fft.spectrum)}`)
  // FFT and DFT have the first place twice as high as its mean, as here
  same &&= near(fft.spectrum, magnitudes) && near(dft.spectrum, magnitudes)
  same &&= near(rfft.spectrum, magnitudes) === (name === 'cosine, 16')
  same &&= parts.every(([re, im], k) => near([re, k ? im : 0], [rfft.trans[k], k ? rfft.trans[length - k] : 0]))
  same &&= near(rfft.spectrum.slice(1, -1), moved.slice(1, -1))
  if (seen) {
    console.log(`${' '.repeat(15)}peak at ${rfft.peakBand}, by FFT ${fft.peakBand}, expected ${right}`)
    same &&= rfft.peakBand === seen && fft.peakBand === right
  }
}
console.log(same ? "As described: RFFT's magnitudes are mixed from two frequencies" : 'The behaviour has changed')
process.exit(same ? 0 : 1)
JS
node check.mjs
