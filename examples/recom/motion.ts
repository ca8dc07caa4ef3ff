import type { Random } from '../gallery.ts'

/** A motion is FRAMES of JOINTS angles, in a row; PATCH frames become one of TOKENS tokens, which are CODES different ones. */
export const [FRAMES, JOINTS, PATCH, TOKENS, CODES] = [64, 8, 4, 16, 64]
export type Row = readonly number[]
export type Clip = { readonly beats: Row; readonly audio: Row; readonly motion: Row }

export const sum = (values: Row): number => values.reduce((a, b) => a + b, 0)
export const chunks = <T>(list: readonly T[], size: number): T[][] =>
  Array.from({ length: list.length / size }, (_, i) => list.slice(i * size, (i + 1) * size))

/** Joints are damped oscillators that beats kick: those of one side, up or down, which the audio, [FRAMES], does not tell. */
export function clip(random: Random): Clip {
  const [period, from, side, sign] = [
    8 + 8 * random.uniform(),
    8 * random.uniform() - 40,
    random.integer(2),
    random.integer(2) - 0.5,
  ]
  const beats = Array.from({ length: 16 }, (_, i) => Math.round(from + i * period)).filter((beat) => beat < FRAMES)
  const [angles, speeds] = [new Float64Array(JOINTS), new Float64Array(JOINTS)]
  const [audio, motion, before] = [[] as number[], [] as number[], 40]
  for (let frame = -before; frame < FRAMES; frame++) {
    audio.push(beats.includes(frame) ? 1 : 0.6 * (audio.at(-1) ?? 0))
    for (let joint = 0; joint < JOINTS; joint++) {
      const pace = (2 * Math.PI) / (7 + 2 * (joint % 4))
      const kick = sign * (Math.floor(joint / 4) === side ? 1 : 0.1) * (0.8 + 0.4 * random.uniform())
      speeds[joint] += Number(beats.includes(frame)) * kick - pace ** 2 * angles[joint] - 0.4 * pace * speeds[joint]
      angles[joint] += speeds[joint]
    }
    motion.push(...angles)
  }
  return { beats: beats.filter((beat) => beat >= 0), audio: audio.slice(before), motion: motion.slice(before * JOINTS) }
}

/** Tokens of motions and motions of tokens, by k-means over patches, where ReCoM has a VQ-VAE. */
export function codebook(clips: readonly Clip[], random: Random) {
  const all = clips.flatMap(({ motion }) => chunks(motion, PATCH * JOINTS))
  const codes: Row[] = Array.from({ length: CODES }, () => all[random.integer(all.length)])
  const nearest = (patch: Row): number => {
    const far = codes.map((code) => code.reduce((far, value, i) => far + (value - patch[i]) ** 2, 0))
    return far.indexOf(Math.min(...far))
  }
  for (let round = 0; round < 8; round++) {
    const owners = all.map(nearest)
    for (const [code, old] of codes.entries()) {
      const own = all.filter((_, i) => owners[i] === code)
      codes[code] = old.map((value, i) => (own.length ? sum(own.map((patch) => patch[i])) / own.length : value))
    }
  }
  /** Each frame is smoothed with those beside it. */
  const smooth = (raw: Row): Row =>
    raw.map((value, i) => (2 * value + (raw[i - JOINTS] ?? value) + (raw[i + JOINTS] ?? value)) / 4)
  return {
    encode: (motion: Row): Row => chunks(motion, PATCH * JOINTS).map(nearest),
    decode: (tokens: Row): Row => smooth(tokens.flatMap((token) => codes[token])),
  }
}

/** How near beats are to peaks of speed: the mean of exp(-d² / 2), d frames from the nearest one. */
export function alignment(beats: Row, motion: Row): number {
  const moved = motion.slice(JOINTS).map((value, i) => Math.abs(value - motion[i]))
  const speed = [0, ...chunks(moved, JOINTS).map(sum), 0]
  const peaks = [...speed.keys()].filter((i) => speed[i] > speed[i - 1] && speed[i] >= speed[i + 1])
  const near = beats.map((beat) => Math.exp(Math.min(...peaks.map((peak) => (peak - beat) ** 2)) / -2))
  return sum(near) / near.length
}

/** What the Fréchet distance compares: the angles at every eighth frame. */
export const features = (motion: Row): Row => motion.filter((_, i) => Math.floor(i / JOINTS) % 8 === 4)
