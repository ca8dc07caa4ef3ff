import { embeddingParameters } from '../nn/embedding.ts'
import { layerNormParameters } from '../nn/norm.ts'
import type { AttentionConfig } from './attention/attention.ts'
import { attentions } from './attention/index.ts'
import { blockParameters } from './block.ts'
import type { ModelConfig } from './config.ts'
import { headParameters } from './head.ts'
import { memoryUpdates } from './memory/index.ts'
import type { MemoryUpdate } from './memory/update.ts'

/** Of the attention over a segment and the memory before it, of a causal model also behind it. */
export const attentionConfigOf = (config: ModelConfig): AttentionConfig => ({
  ...config,
  tokens: (config.causal ? 2 : 1) * config.memory + config.segmentLength,
})

/** The parameters of a model with these settings, of which nothing is made yet. */
export function parameterTree(config: ModelConfig) {
  const { vocabulary, width, segmentLength, memory, classes } = config
  const [attention, attentionConfig] = [attentions[config.attention], attentionConfigOf(config)]
  const update: MemoryUpdate = memoryUpdates[config.update]
  return {
    embed: embeddingParameters(vocabulary, width),
    position: embeddingParameters(segmentLength, width),
    memory: embeddingParameters(memory, width),
    blocks: Array.from({ length: config.layers }, () => blockParameters(attention, config, attentionConfig)),
    ...(config.norm === 'pre' ? { final: layerNormParameters(width) } : {}),
    ...(update.parameters ? { update: update.parameters({ slots: memory, width }) } : {}),
    ...headParameters(width, classes, config.towers),
  }
}
