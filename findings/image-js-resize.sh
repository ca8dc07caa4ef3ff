#!/usr/bin/env bash
# image-js 1.7.0: resize moves the image by half a pixel of the result; to its own size it blurs it, to an eighth it is 4 pixels off.
#
# Expected: pixel i of n is the middle of the i-th n-th of the image, in the original as in the result, so that it comes from place
# (i + 1/2) * scale - 1/2, as in Pillow, OpenCV and PyTorch (align_corners=False). A size that does not change then changes
# nothing, a mirrored image is resized to the mirrored result, and half the size of a ramp is the mean of neighbours.
# Seen: the place is i * scale - 1/2, half a scale further left and further up. A row of 0 20 40 60 80 100 resized to 6, its own
# length, is 0 10 30 50 70 90 by the default, bilinear, and half of it 0 30 70 where 10 50 90 is right: the last pixel is not in
# it at all. Bicubic is moved likewise. A bright spot in the middle of 65 pixels is at 4.5 of 9 and should be at 4. "nearest" to the
# own size is right. And convertBitDepth(16) makes 65280 of white, 255, which in 16 bits is 65535; black and the way back are right.
# Why it matters: this is how images get the size of a network's input. A label's box or key point, multiplied by the same factor,
# is beside it, by as much more as the original is larger; training on mirrored images is training on moved ones; and what was
# resized in Python for training is another image here. Small moves cost accuracy and raise no error.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true }' >package.json # else npm looks for one further up
npm install --silent --no-audit --no-fund --ignore-scripts --omit=optional image-js@1.7.0
cat >check.mjs <<'JS'
import { readFileSync } from 'node:fs'
import { Image } from 'image-js'

const { version } = JSON.parse(readFileSync('node_modules/image-js/package.json', 'utf8'))
console.log(`image-js ${version}, Node ${process.version}`)
const HEIGHT = 6
/** An image of equal rows. */
const image = (row) =>
  new Image(row.length, HEIGHT, {
    data: Uint8Array.from({ length: row.length * HEIGHT }, (_, i) => row[i % row.length]),
    colorModel: 'GREY',
  })
const pixels = (picture, width) => [...picture.getRawImage().data.slice(0, width)]
const resized = (row, width, interpolationType = 'bilinear') =>
  pixels(image(row).resize({ width, height: HEIGHT, interpolationType }), width)
/** Linear interpolation between the middles of pixels, with the outermost ones repeated; `shift` is in pixels of the result. */
function byHand(row, width, shift = 0) {
  const scale = row.length / width
  const at = (i) => row[Math.min(row.length - 1, Math.max(0, i))]
  return Array.from({ length: width }, (_, i) => {
    const place = (i + 0.5 + shift) * scale - 0.5
    const left = Math.floor(place)
    return Math.round(at(left) * (left + 1 - place) + at(left + 1) * (place - left))
  })
}
const flip = (row) => row.toReversed()
const centre = (row) => row.reduce((sum, x, i) => sum + i * x, 0) / row.reduce((a, b) => a + b)
const near = (a, b) => a.length === b.length && a.every((x, i) => Math.abs(x - b[i]) <= 1)
let same = true
const ramp = [0, 20, 40, 60, 80, 100]
for (const width of [6, 3, 2, 12]) {
  const found = resized(ramp, width)
  const expected = byHand(ramp, width)
  console.log(`${ramp.join(' ')} to ${width}: ${found.join(' ')} (expected ${expected.join(' ')})`)
  same &&= near(found, byHand(ramp, width, -0.5)) && !near(found, expected)
  const mirrored = flip(resized(flip(ramp), width))
  console.log(`  mirrored before and after: ${mirrored.join(' ')} (expected the same)`)
  same &&= near(mirrored, flip(byHand(flip(ramp), width, -0.5))) && !near(mirrored, found)
}
const cubic = resized(ramp, 6, 'bicubic')
console.log(`bicubic, to 6: ${cubic.join(' ')} (expected ${ramp.join(' ')})`)
same &&= cubic.slice(2, 5).join() === '30,50,70'
const nearest = resized(ramp, 6, 'nearest')
console.log(`nearest, to 6: ${nearest.join(' ')} ${nearest.join() === ramp.join() ? '(right)' : ''}`)
same &&= nearest.join() === ramp.join()
const spot = Array.from({ length: 65 }, (_, i) => Math.round(200 * Math.exp(-(((i - 32) / 9) ** 2))))
for (const width of [13, 9]) {
  const place = centre(resized(spot, width))
  console.log(`a spot in the middle of 65, to ${width}: at ${place.toFixed(2)} (expected ${(width - 1) / 2})`)
  same &&= Math.abs(place - width / 2) < 0.02 && Math.abs(centre(byHand(spot, width)) - (width - 1) / 2) < 1e-6
}
const deep = image([0, 1, 128, 255]).convertBitDepth(16)
const [black, , , white] = pixels(deep, 4)
const back = pixels(deep.convertBitDepth(8), 4)
console.log(`0 and 255 in 16 bits: ${black} and ${white} (expected 0 and 65535), 0 1 128 255 back in 8 bits: ${back.join(' ')}`)
same &&= black === 0 && white === 65280 && back.join() === '0,1,128,255'
console.log(same ? 'As described' : 'The behaviour has changed')
process.exit(same ? 0 : 1)
JS
node check.mjs
