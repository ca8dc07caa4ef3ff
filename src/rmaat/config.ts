import { aShare } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import { choiceOf, complete, flag, real, type Setting, settingsOf, someOf, type ValuesOf, whole } from '../settings.ts'
import { alignments } from '../tasks/batch.ts'
import { type AttentionName, attentions } from './attention/index.ts'
import { type MemoryUpdateName, memoryUpdates } from './memory/index.ts'
import { retentionSchedules } from './retention.ts'

/** Beyond it no device could hold what follows, and counting it up would take for ever. */
const count = (most = 2 ** 16, least = 1) => whole(least, most)
const share = real(aShare.words, aShare.fits)

/** Every setting of the model: its range, its default, where that comes from, and what it means. */
const rows = {
  segments: [count(), 4, 'choice', 'T, how many segments a sequence is cut into (the paper names 16 for Retrieval)'],
  segmentLength: [count(), 16, 'choice', 'S, tokens in a segment (the paper: 512 for Retrieval)'],
  align: [
    choiceOf(alignments),
    'end',
    'choice',
    'where sequences of other lengths than T x S meet the segments: at their end, so that the first segment is the short one, or at their start',
  ],
  memory: [count(), 8, 'choice', 'M, memory tokens (the paper studies it and names no value)'],
  width: [count(), 64, 'choice', 'd, width of a token (the paper: at most 1024)'],
  layers: [count(1000), 2, 'choice', 'blocks'],
  heads: [count(), 4, 'choice', 'attention heads; their width is width / heads'],
  features: [count(), 16, 'choice', 'm, width of a query or key in each head'],
  feedForward: [count(), 128, 'choice', 'inner width of the feed-forward layer'],
  vocabulary: [count(2 ** 24), 16, 'choice', 'different token ids, padding included'],
  classes: [count(2 ** 16, 2), 10, 'choice', 'classes to tell apart'],
  towers: [
    someOf([1, 2]),
    1,
    'choice',
    'texts of an example, each of which is read for itself by the same weights: 2 for Retrieval in two towers',
  ],
  attention: [
    choiceOf(Object.keys(attentions) as AttentionName[]),
    'astro',
    'paper',
    "attention within a segment: astro is the paper's",
  ],
  causal: [
    flag,
    false,
    'choice',
    'whether a token sees itself and those before it alone, and has an answer of its own, as in language models; M more tokens behind each segment then write the memory',
  ],
  alpha: [share, 0.25, 'choice', "power of the presynaptic state (0.25 in the paper's predecessor)"],
  learnScale: [flag, true, 'choice', 'whether the scale of distances is learned ("flexible, learnable" in the paper)'],
  // beyond, neighbours are as far as the ends: exp(-100) is nothing in float32
  scale: [
    real('a number above 0, of at most 100', (value) => value > 0 && value <= 100),
    1 / 16,
    'choice',
    'scale of distances, per token: where it begins',
  ],
  norm: [
    choiceOf(['post', 'pre']),
    'post',
    'choice',
    "layer norm after the residual sum (the paper's predecessor) or before the layer",
  ],
  update: [
    choiceOf(Object.keys(memoryUpdates) as MemoryUpdateName[]),
    'scaled',
    'paper',
    "how memory is handed on: scaled is the paper's",
  ],
  retention: [choiceOf(retentionSchedules), 'fixed', 'paper', "schedule of the retention factor: fixed is the paper's"],
  loss: [
    choiceOf(['last', 'all']),
    'last',
    'choice',
    'loss on the last segment, or the mean over all; of a causal model at every token (all)',
  ],
  dropout: [
    real('a number from 0 to below 1', (value) => value >= 0 && value < 1),
    0,
    'choice',
    'of the outputs of attention and feed-forward layer',
  ],
  seed: [whole(0, 0xffffffff), 0, 'choice', 'of initial weights and dropout'],
} as const

/** Every setting of the model: `settingSources` says what each means. */
export type ModelConfig = ValuesOf<typeof rows>

/** Each setting: its range, its default, where that comes from, and what it means. */
export const settingSources: Readonly<Record<keyof ModelConfig, Setting>> = settingsOf(rows)

/** Completes a configuration with the defaults and checks it. */
export function modelConfig(given: Partial<ModelConfig> = {}): ModelConfig {
  const config = complete<ModelConfig>('model', settingSources, given)
  if (config.width % config.heads !== 0) {
    throw new RmaatError('config', `a width of ${config.width} does not divide into ${config.heads} heads`)
  }
  if (!config.causal) return config
  if (config.towers === 2)
    throw new RmaatError('config', 'towers is 2, but a causal model reads one text; expected 1, or causal to be false')
  if (given.loss === 'last')
    throw new RmaatError('config', "loss is 'last', but a causal model has a loss at every token; expected 'all'")
  return { ...config, loss: 'all' }
}
