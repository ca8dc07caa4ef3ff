import { type Device, randomUniform, read, type Tensor, tensor } from 'rmaat'

/** A scene of SIDE x SIDE pixels; patches of PATCH x PATCH. */
export const [SIDE, BANDS, MATERIALS, PATCH] = [64, 60, 6, 5]
const [CELLS, RIM] = [36, (PATCH - 1) / 2]

/** Pixels whose patches lie within the columns `from` to `to`. */
const region = (from: number, to: number): number[] =>
  Array.from({ length: SIDE ** 2 }, (_, pixel) => pixel).filter((pixel) => {
    const [row, column] = [Math.floor(pixel / SIDE), pixel % SIDE]
    return Math.min(row, SIDE - 1 - row) >= RIM && column >= from + RIM && column < to - RIM
  })
/** The left half and the right one, without a strip between them that is in neither. */
export const [KNOWN, UNSEEN] = [region(0, SIDE / 2 - 2), region(SIDE / 2 + 2, SIDE)]

export const indices = (of: readonly number[]): Tensor => tensor(of, [of.length], 'i32')
/** Of each pixel those of the patch around it, i32 [pixels, PATCH^2]. */
export function patchesAround(pixels: readonly number[]): Tensor {
  const offsets = Array.from({ length: PATCH ** 2 }, (_, i) => (Math.floor(i / PATCH) - RIM) * SIDE + (i % PATCH) - RIM)
  return indices(pixels).unsqueeze(1).add(indices(offsets))
}

/**
 * A map of Voronoi cells, of each material as many in the left as in the right half. A material's spectrum is one that all
 * share and a little of its own, sums of Gaussians; pixels at borders are mixtures, each has its own light and noise. Spectra
 * [SIDE * SIDE, BANDS], raw and standardised, the material of each pixel, and those of the known ones as labels.
 */
export async function sceneOf(device: Device, seed: number) {
  const [numbers] = await read(device, randomUniform([1000 + SIDE ** 2 * (1 + 2 * BANDS)], { seed, site: 1 }))
  let drawn = 0
  const uniform = (): number => numbers[drawn++]
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform())
  const bumps = (count: number, size: number) =>
    Array.from({ length: count }, () => [BANDS * uniform(), 3 + 6 * uniform(), size * (0.5 + uniform())])
  const shared = bumps(4, 0.4)
  const pure = Array.from({ length: MATERIALS }, () => {
    const all = [...shared, ...bumps(3, 0.08)]
    return Array.from({ length: BANDS }, (_, band) =>
      all.reduce((sum, [middle, width, size]) => sum + size * Math.exp(-(((band - middle) / width) ** 2) / 2), 0.2),
    )
  })
  // in turn to the left and to the right
  const cells = Array.from({ length: CELLS }, (_, i) => [SIDE * uniform(), (SIDE / 2) * (uniform() + (i % 2))])
  const materials: number[] = []
  const spectra = Array.from({ length: SIDE ** 2 }, (_, pixel) => {
    const distances = cells.map(([row, column]) => Math.hypot(row - Math.floor(pixel / SIDE), column - (pixel % SIDE)))
    const [own, next] = [...cells.keys()].sort((a, b) => distances[a] - distances[b])
    const share = 1 / (1 + Math.exp((distances[own] - distances[next]) / 0.8))
    const [a, b] = [own, next].map((cell) => (cell >> 1) % MATERIALS)
    materials.push(a)
    const light = 0.7 + 0.6 * uniform()
    return pure[a].map((value, band) => light * (share * value + (1 - share) * pure[b][band]) + 0.12 * normal())
  })
  // every pixel without its light, every band by its mean and deviation in the known region
  const raw = tensor(spectra.flat(), [SIDE ** 2, BANDS])
  const dark = raw.normalize()
  const known = dark.gather(indices(KNOWN))
  const [standard] = await read(device, dark.sub(known.mean(0)).div(known.std(0)))
  const labels = indices(KNOWN.map((pixel) => materials[pixel]))
  return { raw, spectra: tensor(standard, [SIDE ** 2, BANDS]), materials, labels }
}
export type Scene = Awaited<ReturnType<typeof sceneOf>>
