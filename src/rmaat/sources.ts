import type { Setting, Source } from '../settings.ts'
import { type ModelConfig, settings } from './config.ts'

/** Of every setting where its default comes from, and what it means. A model that is only computed does not load it. */
const sources: Readonly<Record<keyof ModelConfig, readonly [source: Source, meaning: string]>> = {
  segments: ['choice', 'T, how many segments a sequence is cut into (the paper names 16 for Retrieval)'],
  segmentLength: ['choice', 'S, tokens in a segment (the paper: 512 for Retrieval)'],
  align: [
    'choice',
    'where sequences of other lengths than T x S meet the segments: at their end, so that the first segment is the short one, or at their start',
  ],
  memory: ['choice', 'M, memory tokens (the paper studies it and names no value)'],
  width: ['choice', 'd, width of a token (the paper: at most 1024)'],
  layers: ['choice', 'blocks'],
  heads: ['choice', 'attention heads; their width is width / heads'],
  features: ['choice', 'm, width of a query or key in each head'],
  feedForward: ['choice', 'inner width of the feed-forward layer'],
  vocabulary: ['choice', 'different token ids, padding included'],
  classes: ['choice', 'classes to tell apart'],
  towers: [
    'choice',
    'texts of an example, each of which is read for itself by the same weights: 2 for Retrieval in two towers',
  ],
  attention: ['paper', "attention within a segment: astro is the paper's"],
  causal: [
    'choice',
    'whether a token sees itself and those before it alone, and has an answer of its own, as in language models; M more tokens behind each segment then write the memory',
  ],
  alpha: ['choice', "power of the presynaptic state (0.25 in the paper's predecessor)"],
  learnScale: ['choice', 'whether the scale of distances is learned ("flexible, learnable" in the paper)'],
  scale: ['choice', 'scale of distances, per token: where it begins'],
  norm: ['choice', "layer norm after the residual sum (the paper's predecessor) or before the layer"],
  update: ['paper', "how memory is handed on: scaled is the paper's"],
  retention: ['paper', "schedule of the retention factor: fixed is the paper's"],
  loss: ['choice', 'loss on the last segment, or the mean over all; of a causal model at every token (all)'],
  dropout: ['choice', 'of the outputs of attention and feed-forward layer, and of what the head reads'],
  seed: ['choice', 'of initial weights and dropout'],
}

/** Each setting: its range, its default, where that comes from, and what it means. */
export const settingSources = Object.fromEntries(
  Object.entries(settings).map(([name, setting]) => {
    const [source, meaning] = sources[name as keyof ModelConfig]
    return [name, { ...setting, source, meaning }]
  }),
) as unknown as Readonly<Record<keyof ModelConfig, Setting>>
