#!/usr/bin/env bash
# meyda 5.6.3: spectralKurtosis of noise is -72 and cannot be below 1, and spectralSlope has the wrong sign.
#
# Expected: the kurtosis of a spectrum is the fourth moment around its centroid over the fourth power of its spread (Peeters 2004,
# 6.1), a mean of fourth powers, so at least 1; the slope is that of the straight line nearest to the spectrum (6.1 too), negative
# where low frequencies are louder. The script computes both from the amplitudes that the package hands out.
# Seen: noise, whose kurtosis is 1.8, has -72; two tones have -26 where 1.5 is right, one tone -2 million where 4742 is. One term
# of the formula has the mean where its square belongs; where the centroid is low the error is smaller. In the slope's denominator
# the number of frequencies is left out, which makes it negative: a spectrum that falls has a slope above 0, a third as steep.
# Both are so with and without a window. spectralCentroid, spectralSpread and spectralSkewness are right.
# Why it matters: these are inputs of classifiers of music, speech and machine sounds. What was learned in Python with librosa's
# or Essentia's definitions does not carry over; and what is left of the kurtosis follows the centroid and the spread, so that
# these are in the table twice and the shape is missing.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true }' >package.json # else npm looks for one further up
npm install --silent --no-audit --no-fund --ignore-scripts meyda@5.6.3
cat >check.mjs <<'JS'
import { readFileSync } from 'node:fs'
import Meyda from 'meyda'

const { version } = JSON.parse(readFileSync('node_modules/meyda/package.json', 'utf8'))
console.log(`meyda ${version}, Node ${process.version}`)
const rate = 44100
Meyda.sampleRate = rate

/** Moments and regression line of a spectrum, by their definitions; places count from 0, frequencies in Hz. */
function shape(amplitudes, length) {
  const total = amplitudes.reduce((a, b) => a + b)
  const weighted = (f) => amplitudes.reduce((sum, a, k) => sum + a * f(k), 0) / total
  const spectralCentroid = weighted((k) => k)
  const spectralSpread = Math.sqrt(weighted((k) => (k - spectralCentroid) ** 2))
  const standard = (power) => weighted((k) => ((k - spectralCentroid) / spectralSpread) ** power)
  const frequencies = Array.from(amplitudes, (_, k) => (k * rate) / length)
  const middle = frequencies.reduce((a, b) => a + b) / frequencies.length
  const rise = frequencies.reduce(
    (sum, f, k) => sum + (f - middle) * (amplitudes[k] / total - 1 / frequencies.length),
    0,
  )
  const run = frequencies.reduce((sum, f) => sum + (f - middle) ** 2, 0)
  return {
    spectralCentroid,
    spectralSpread,
    spectralSkewness: standard(3),
    spectralKurtosis: standard(4),
    spectralSlope: rise / run, // of the amplitudes as shares of their sum
  }
}
let state = 1
const noise = () => {
  state = (state * 16807) % 2147483647
  return state / 2147483647 - 0.5
}
const tone = (periods, length) => (_, n) => Math.sin((2 * Math.PI * periods * n) / length)
const signals = {
  noise: () => noise,
  'one tone': (length) => tone(20, length),
  'two tones': (length) => (_, n) => tone(20, length)(_, n) + 0.5 * tone(90, length)(_, n),
  decay: () => (_, n) => Math.exp(-n / 20),
}
const right = ['spectralCentroid', 'spectralSpread', 'spectralSkewness']
const short = (x) => Number(x.toPrecision(4))
let same = true
for (const length of [512, 2048]) {
  Meyda.bufferSize = length
  for (const windowing of ['hanning', 'rect']) {
    Meyda.windowingFunction = windowing
    for (const [name, make] of Object.entries(signals)) {
      if (name === 'one tone' && windowing === 'rect') continue // hardly any spread, all of it rounding
      const signal = Array.from({ length }, make(length))
      const { amplitudeSpectrum, ...found } = Meyda.extract(
        ['amplitudeSpectrum', ...right, 'spectralKurtosis', 'spectralSlope'],
        signal,
      )
      const expected = shape(amplitudeSpectrum, length)
      console.log(
        `${`${name}, ${length}, ${windowing}`.padEnd(25)} ` +
          `kurtosis ${short(found.spectralKurtosis)} (${short(expected.spectralKurtosis)}),` +
          ` slope ${short(found.spectralSlope)} (${short(expected.spectralSlope)}), skewness ${short(found.spectralSkewness)}`,
      )
      // the mean for its square: 6 * mean * (mean square) instead of 6 * mean ^ 2 * (mean square)
      const { spectralCentroid: mean, spectralSpread: spread } = expected
      const error = (6 * (mean - mean ** 2) * (mean ** 2 + spread ** 2)) / spread ** 4
      same &&= Math.abs(found.spectralKurtosis / (expected.spectralKurtosis + error) - 1) < 1e-3
      same &&= name === 'decay' || found.spectralKurtosis < 0
      same &&= Math.abs(found.spectralSlope / expected.spectralSlope + 1 / 3) < 0.02
      same &&= right.every(
        (feature) => Math.abs(found[feature] - expected[feature]) < 1e-3 * (1 + Math.abs(expected[feature])),
      )
    }
  }
}
console.log(same ? 'As described (in brackets: expected)' : 'The behaviour has changed')
process.exit(same ? 0 : 1)
JS
node check.mjs
