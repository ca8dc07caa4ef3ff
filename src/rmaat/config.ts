import { z } from 'zod'
import { anObject, shown, takes } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import { type AttentionName, attentions } from './attention/index.ts'
import { type MemoryUpdateName, memoryUpdates } from './memory/index.ts'
import { retentionSchedules } from './retention.ts'

const names = <Name extends string>(record: Record<Name, unknown>) => z.enum(Object.keys(record) as [Name, ...Name[]])
/** Beyond it no device could hold what follows, and counting it up would take for ever. */
const count = (most = 2 ** 16) => z.number().int().min(1).max(most)

/** Every setting of the model: its range, its default, what it means, and whether the paper fixes it or we chose it. */
const settings = {
  segments: [count(), 4, 'choice', 'T, how many segments a sequence is cut into (the paper names 16 for Retrieval)'],
  segmentLength: [count(), 16, 'choice', 'S, tokens in a segment (the paper: 512 for Retrieval)'],
  memory: [count(), 8, 'choice', 'M, memory tokens (the paper studies it and names no value)'],
  width: [count(), 64, 'choice', 'd, width of a token (the paper: at most 1024)'],
  layers: [count(1000), 2, 'choice', 'blocks'],
  heads: [count(), 4, 'choice', 'attention heads; their width is width / heads'],
  features: [count(), 16, 'choice', 'm, width of a query or key in each head'],
  feedForward: [count(), 128, 'choice', 'inner width of the feed-forward layer'],
  vocabulary: [count(2 ** 24), 16, 'choice', 'different token ids, padding included'],
  classes: [count().min(2), 10, 'choice', 'classes to tell apart'],
  attention: [names<AttentionName>(attentions), 'astro', 'paper', "attention within a segment: astro is the paper's"],
  alpha: [z.number().min(0).max(1), 0.25, 'choice', "power of the presynaptic state (0.25 in the paper's predecessor)"],
  learnScale: [
    z.boolean(),
    true,
    'choice',
    'whether the scale of distances is learned ("flexible, learnable" in the paper)',
  ],
  // beyond, neighbours are as far as the ends: exp(-100) is nothing in float32
  scale: [z.number().positive().max(100), 1 / 16, 'choice', 'scale of distances, per token: where it begins'],
  norm: [
    z.enum(['post', 'pre']),
    'post',
    'choice',
    "layer norm after the residual sum (the paper's predecessor) or before the layer",
  ],
  update: [names<MemoryUpdateName>(memoryUpdates), 'scaled', 'paper', "how memory is handed on: scaled is the paper's"],
  retention: [z.enum(retentionSchedules), 'fixed', 'paper', "schedule of the retention factor: fixed is the paper's"],
  loss: [z.enum(['last', 'all']), 'last', 'choice', 'loss on the last segment, or the mean over all'],
  dropout: [z.number().min(0).lt(1), 0, 'choice', 'of the outputs of attention and feed-forward layer'],
  seed: [z.number().int().min(0).max(0xffffffff), 0, 'choice', 'of initial weights and dropout'],
} as const

type Settings = typeof settings
/** Every setting of the model: `settingSources` says what each means. */
export type ModelConfig = { readonly [Key in keyof Settings]: z.infer<Settings[Key][0]> }
export type Source = 'paper' | 'choice'

/** Each setting: its range, its default, where that comes from, and what it means. */
export const settingSources: Readonly<
  Record<keyof ModelConfig, { schema: z.ZodType; source: Source; default: unknown; meaning: string }>
> = Object.fromEntries(
  Object.entries(settings).map(([key, [schema, value, source, meaning]]) => [
    key,
    { schema, source, default: value, meaning },
  ]),
) as never

export const sourceOf = (key: keyof ModelConfig, value: unknown): Source =>
  value === settingSources[key].default ? settingSources[key].source : 'choice'

/** Completes a configuration with the defaults and checks it. */
export function modelConfig(given: Partial<ModelConfig> = {}): ModelConfig {
  takes('model', { settings: given }, { settings: anObject }, 'config')
  const unknown = Object.keys(given).filter((key) => !Object.hasOwn(settings, key))
  if (unknown.length) {
    throw new RmaatError(
      'config',
      `no setting is called ${unknown.join(', ')}; there are ${Object.keys(settings).join(', ')}`,
    )
  }
  const config = Object.fromEntries(
    Object.entries(settings).map(([key, [schema, value]]) => {
      const { [key as keyof ModelConfig]: found = value } = given
      const checked = schema.safeParse(found)
      if (checked.success) return [key, checked.data]
      throw new RmaatError('config', `${key} is ${shown(found)}: ${checked.error.issues[0].message}`)
    }),
  ) as unknown as ModelConfig
  if (config.width % config.heads !== 0) {
    throw new RmaatError('config', `a width of ${config.width} does not divide into ${config.heads} heads`)
  }
  return config
}
