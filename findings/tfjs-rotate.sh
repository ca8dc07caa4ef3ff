#!/usr/bin/env bash
# @tensorflow/tfjs-core 4.22.0: image.rotateWithOffset does not turn an image around its middle: by 90 degrees it moves by a
# pixel.
#
# Expected: "Defaults to 0.5 (rotates the image around its center)": by 90 degrees the pixels of a square change places, by 180
# their order is reversed, and four turns of 90 degrees give back the image. The middle of pixels 0, 1 and 2 is 1.
# Seen: the middle is taken to be width / 2, 1.5 of three pixels, half a pixel off in both directions. A turn of 90 degrees has a
# black row on one side and loses one on the other, a turn of 180 degrees a row and a column; four turns of 90 degrees leave 4 of
# 9 pixels. The backends cpu and wasm agree. With the center (width - 1) / 2 / width, and the same of the height, all is right.
# Why it matters: this is how images are augmented in the browser. A rotated digit is shifted as well, by up to a pixel each way,
# and loses an edge; boxes, key points and masks that are turned with it by other means are beside it. Rotation by an angle and
# its mirror image are no longer alike, which a network can learn.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true }' >package.json # else npm looks for one further up
npm install --silent --no-audit --no-fund --ignore-scripts @tensorflow/tfjs-core@4.22.0 \
  @tensorflow/tfjs-backend-cpu@4.22.0 @tensorflow/tfjs-backend-wasm@4.22.0
cat >check.mjs <<'JS'
import '@tensorflow/tfjs-backend-cpu'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm'
import * as tf from '@tensorflow/tfjs-core'

console.warn = () => {} // it advertises a native package
console.log(`@tensorflow/tfjs-core ${tf.version_core}, Node ${process.version}`)
setWasmPaths(`${dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm/package.json'))}/dist/`)
const count = (size) => Array.from({ length: size * size }, (_, i) => i + 1)
/** A quarter turn against the clock: the last column becomes the first row. */
const quarter = (pixels, size) => pixels.map((_, i) => pixels[(i % size) * size + size - 1 - Math.floor(i / size)])
const rows = (pixels, size) =>
  Array.from({ length: size }, (_, y) => pixels.slice(y * size, (y + 1) * size).join(' ')).join(' / ')
const rotate = (pixels, size, quarters, center) => [
  ...tf.image.rotateWithOffset(tf.tensor(pixels, [1, size, size, 1]), (quarters * Math.PI) / 2, 0, center).dataSync(),
]
let same = true
for (const backend of ['cpu', 'wasm']) {
  await tf.setBackend(backend)
  for (const size of [3, 4, 28]) {
    const image = count(size)
    let turned = image
    for (const quarters of [1, 2]) {
      turned = quarter(turned, size)
      const found = rotate(image, size, quarters)
      const lost = image.filter((pixel) => !found.includes(pixel)).length
      const black = found.filter((pixel) => pixel === 0).length
      const middle = (size - 1) / 2 / size
      const centered = rotate(image, size, quarters, middle)
      const equal = rows(centered, size) === rows(turned, size)
      console.log(
        `${backend}, ${size} x ${size}, ${quarters * 90} degrees: ` +
          (size === 3
            ? `${rows(found, size)} (expected ${rows(turned, size)})`
            : `${black} black, ${lost} lost (expected 0)`) +
          `; around (size - 1) / 2 it is ${equal ? 'right' : 'not right'}`,
      )
      const missing = quarters === 1 ? size : 2 * size - 1
      same &&= black === missing && lost === missing && equal
    }
    let four = image
    for (let i = 0; i < 4; i++) four = rotate(four, size, 1)
    const kept = four.filter((pixel, i) => pixel === image[i]).length
    console.log(
      `${backend}, ${size} x ${size}, four times 90 degrees: ${kept} of ${image.length} pixels are what they were`,
    )
    same &&= kept === (size - 1) ** 2
  }
}
console.log(same ? 'As described: half a pixel beside the middle' : 'The behaviour has changed')
process.exit(same ? 0 : 1)
JS
node check.mjs
