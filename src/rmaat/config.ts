import { aShare } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import { choiceOf, complete, flag, fraction, type Range, real, someOf, whole } from '../settings.ts'
import { alignments } from '../tasks/batch.ts'
import { type AttentionName, attentions } from './attention/index.ts'
import { type MemoryUpdateName, memoryUpdates } from './memory/index.ts'
import { retentionSchedules } from './retention.ts'

/** Beyond it no device could hold what follows, and counting it up would take for ever. */
const count = (most = 2 ** 16, least = 1) => whole(least, most)
const share = real(aShare.words, aShare.fits)

const setting = <T>(range: Range<T>, standard: NoInfer<T>) => ({ range, default: standard })

/** Every setting of the model: its range and its default; `sources.ts` says where that comes from, and what it means. */
export const settings = {
  segments: setting(count(), 4),
  segmentLength: setting(count(), 16),
  align: setting(choiceOf(alignments), 'end'),
  memory: setting(count(), 8),
  width: setting(count(), 64),
  layers: setting(count(1000), 2),
  heads: setting(count(), 4),
  features: setting(count(), 16),
  feedForward: setting(count(), 128),
  vocabulary: setting(count(2 ** 24), 16),
  classes: setting(count(2 ** 16, 2), 10),
  towers: setting(someOf<1 | 2>([1, 2]), 1),
  attention: setting(choiceOf(Object.keys(attentions) as AttentionName[]), 'astro'),
  causal: setting(flag, false),
  alpha: setting(share, 0.25),
  learnScale: setting(flag, true),
  // beyond, neighbours are as far as the ends: exp(-100) is nothing in float32
  scale: setting(
    real('a number above 0, of at most 100', (value) => value > 0 && value <= 100),
    1 / 16,
  ),
  norm: setting(choiceOf(['post', 'pre']), 'post'),
  update: setting(choiceOf(Object.keys(memoryUpdates) as MemoryUpdateName[]), 'scaled'),
  retention: setting(choiceOf(retentionSchedules), 'fixed'),
  loss: setting(choiceOf(['last', 'all']), 'last'),
  dropout: setting(fraction, 0),
  seed: setting(whole(0, 0xffffffff), 0),
}

/** Every setting of the model: `settingSources` says what each means. */
export type ModelConfig = {
  readonly [Name in keyof typeof settings]: (typeof settings)[Name] extends { readonly range: Range<infer T> }
    ? T
    : never
}

/** Completes a configuration with the defaults and checks it. */
export function modelConfig(given: Partial<ModelConfig> = {}): ModelConfig {
  const config = complete<ModelConfig>('model', settings, given)
  if (config.width % config.heads !== 0) {
    throw new RmaatError('config', `a width of ${config.width} does not divide into ${config.heads} heads`)
  }
  if (!config.causal) return config
  if (config.towers === 2)
    throw new RmaatError(
      'config',
      'towers is 2, but a causal model reads one text: of retrieval the protocol one-stream',
    )
  if (given.loss === 'last')
    throw new RmaatError('config', "loss is 'last', but a causal model has a loss at every token; expected 'all'")
  return { ...config, loss: 'all' }
}
