import type { Backward, Method } from '../src/nn/model.ts'

/** What the page trains on what by which method: all of it stands in the address. */
export interface Settings {
  readonly task: 'cue' | 'order' | 'listops' | 'bytes' | 'text'
  /** T, S, M, d and the number of blocks. */
  readonly segments: number
  readonly segmentLength: number
  readonly memory: number
  readonly width: number
  readonly layers: number
  readonly update: string
  readonly retention: string
  readonly method: Method
  readonly keep: number
  readonly reach: number
  readonly batch: number
  readonly rate: number
  readonly steps: number
  readonly seed: number
  readonly device: 'auto' | 'webgpu' | 'wasm'
  /** 0: one for each core. */
  readonly threads: number
}

export const defaults: Settings = {
  task: 'cue',
  segments: 4,
  segmentLength: 4,
  memory: 8,
  width: 64,
  layers: 2,
  update: 'scaled',
  retention: 'fixed',
  method: 'amrb',
  keep: 0,
  reach: 2,
  batch: 32,
  rate: 0.001,
  steps: 1000,
  seed: 0,
  device: 'auto',
  threads: 0,
}

/** How the gradient is found: the dial and the reach end where the segments do. */
export const backwardOf = ({ method, keep, reach, segments }: Settings): Backward =>
  method === 'amrb'
    ? { method, keep: Math.min(keep, segments - 1) }
    : method === 'truncated'
      ? { method, reach: Math.min(reach, segments) }
      : { method }

/** What may be changed while a model is trained: its weights stay, and the optimiser begins anew. */
export const changeable = ['method', 'keep', 'reach', 'batch', 'rate', 'steps', 'device', 'threads'] as const

/** The part of an address that says what is not as it is by default. */
export const toHash = (settings: Settings): string =>
  new URLSearchParams(
    Object.entries(settings)
      .filter(([name, value]) => value !== defaults[name as keyof Settings])
      .map(([name, value]) => [name, `${value}`]),
  ).toString()

/**
 * The settings of an address, and what of it is refused: there the default stands. `fits` knows what a setting may be.
 */
export function fromHash(
  hash: string,
  fits: (name: keyof Settings, text: string) => boolean,
): { settings: Settings; refused: string[] } {
  const settings: Record<string, unknown> = { ...defaults }
  const refused: string[] = []
  for (const [name, text] of new URLSearchParams(hash.replace(/^#/, ''))) {
    const isKnown = Object.hasOwn(defaults, name) && fits(name as keyof Settings, text)
    if (isKnown) settings[name] = typeof settings[name] === 'number' ? Number(text) : text
    else refused.push(`${name}=${text}`)
  }
  return { settings: settings as unknown as Settings, refused }
}
