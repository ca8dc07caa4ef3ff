import { takes } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import { dropout } from '../nn/dropout.ts'
import { embedding, embeddingParameters } from '../nn/embedding.ts'
import { kindOf, type ModelKind } from '../nn/kind.ts'
import { classLoss, positionLoss } from '../nn/losses.ts'
import { type Forward, type ForwardOptions, type Layout, type Model, wrongBackward } from '../nn/model.ts'
import { layerNorm, layerNormParameters } from '../nn/norm.ts'
import { Parameters, type ParameterTree } from '../nn/parameters.ts'
import { aDevice, type Device } from '../program/device.ts'
import { f32, i32 } from '../program/program.ts'
import type { Attention, AttentionConfig } from '../rmaat/attention/attention.ts'
import { attentions } from '../rmaat/attention/index.ts'
import { block, blockParameters } from '../rmaat/block.ts'
import type { ModelConfig } from '../rmaat/config.ts'
import { answer, classify, headParameters } from '../rmaat/head.ts'
import { count, without } from '../rmaat/kind.ts'
import { askedOf, batchOf, everyAnswer } from '../tasks/batch.ts'
import { checkSizes, type Example } from '../tasks/task.ts'
import type { Tensor } from '../tensor/tensor.ts'

/** What belongs to the recurrence, which there is none of. */
const recurrent = ['align', 'memory', 'update', 'retention', 'loss', 'attention'] as const
export type WholeConfig = Omit<ModelConfig, (typeof recurrent)[number]>

const tokensOf = ({ segments, segmentLength }: Pick<ModelConfig, 'segments' | 'segmentLength'>): number =>
  segments * segmentLength

/** What is stacked over the whole sequence. */
export interface Layer {
  readonly parameters: (config: WholeConfig) => ParameterTree
  /** What does not depend on the tokens: computed once for all slices of a batch. */
  readonly prepare?: (weights: Weights, config: WholeConfig) => Tensor | undefined
  /** x [B, N, d] -> the same. */
  readonly apply: (x: Tensor, weights: Weights, context: LayerContext) => Tensor
  /** Whether it takes the order of the tokens from an embedding of their positions. */
  readonly positions: boolean
}
// biome-ignore lint/suspicious/noExplicitAny: a layer knows the tree of its own parameters
export type Weights = any

interface LayerContext {
  readonly config: WholeConfig
  readonly prepared: Tensor | undefined
  /** f32 [B, N]: 1 for a token, 0 for padding, which comes first. */
  readonly valid: Tensor
  /** Dropout, by the name of the sublayer. */
  readonly drop: (x: Tensor, site: string) => Tensor
}

const sizesOf = (config: WholeConfig): AttentionConfig => ({ ...config, tokens: tokensOf(config) })

/** RMAAT's block with an attention. */
const blockWith = (attention: Attention): Layer => ({
  positions: true,
  parameters: (config) => blockParameters(attention, config, sizesOf(config)),
  prepare: (weights, config) => attention.prepare(weights, sizesOf(config)),
  apply: (x, weights, { config, ...context }) =>
    block(x, weights, { attention, config: sizesOf(config), norm: config.norm, wanted: x.shape[1], ...context }),
})

/** A stack of layers over the whole sequence of T x S tokens in one piece: no segments, no memory. */
class Whole implements Model<Example> {
  readonly name: string
  readonly config: WholeConfig
  readonly device: Device
  readonly parameters: Parameters<ReturnType<typeof treeOf>>
  private readonly layer: Layer

  constructor(name: string, layer: Layer, device: Device, config: WholeConfig) {
    takes(name, { device }, { device: aDevice })
    this.name = name
    this.config = config
    this.device = device
    this.layer = layer
    this.parameters = new Parameters(device, treeOf(layer, config) satisfies ParameterTree, config.seed)
  }

  get rowBytes(): number {
    return tokensOf(this.config) * this.config.width * 4 * this.config.towers
  }

  asks(example: Example): readonly number[] {
    return askedOf(example, this.config)
  }

  checkTask(task: object): void {
    checkSizes(task, this.config)
  }

  layout(batch: number, segments = this.config.segments): Layout<Example> {
    const { segmentLength, vocabulary, classes, causal, towers } = this.config
    const tokens = tokensOf({ segments, segmentLength })
    if (tokens !== tokensOf(this.config))
      throw new RmaatError(
        'config',
        `${this.name}: sequences of ${tokens} tokens; the model knows positions of ${tokensOf(this.config)}`,
      )
    const shape = { segments: 1, segmentLength: tokens, batch, vocabulary, classes, towers }
    const labels = causal ? i32(batch, tokens) : i32(batch)
    const texts = towers === 1 ? [batch] : [batch, 2]
    return {
      inputs: { tokens: i32(...texts, tokens), valid: i32(...texts, tokens), labels, weights: f32(batch) },
      values: (examples) => {
        const { tokens, valid, ...rest } = batchOf(examples, shape)
        const { labels, weights } = causal ? everyAnswer(rest) : rest
        return { tokens, valid, labels, weights }
      },
    }
  }

  prepare(): Tensor[] {
    return this.parameters.tensors.blocks
      .map((weights) => this.layer.prepare?.(weights, this.config))
      .filter((tensor) => tensor !== undefined)
  }

  /** Logits from the mean over the valid tokens, [B, classes]; causal, from each token, [B, N, classes]. */
  forward(
    inputs: Readonly<Record<'tokens' | 'valid' | 'labels' | 'weights', Tensor>>,
    options: Partial<ForwardOptions> = {},
  ): Forward {
    const wrong = wrongBackward(options, undefined)
    if (wrong) throw new RmaatError('argument', `forward: ${wrong}`)
    const { step, prepared = this.prepare() } = options
    const { layer, config } = this
    const { embed, position, blocks, final } = this.parameters.tensors
    const { labels, weights } = inputs
    // of two towers, the texts are rows by turns
    const [tokens, valid] = [inputs.tokens, inputs.valid].map((x) => x.reshape([-1, x.shape[x.rank - 1]]))
    const seen = valid.cast('f32')
    const dropAt =
      (of: object) =>
      (x: Tensor, name?: string): Tensor =>
        dropout(x, config.dropout, { of, name, step })
    const through = (x: Tensor, own: (typeof blocks)[number], at: number): Tensor =>
      layer.apply(x, own, { config, prepared: prepared[at], valid: seen, drop: dropAt(own) })
    const embedded = embedding(tokens, embed)
    const y = blocks.reduce(through, position ? embedded.add(position) : embedded)
    const x = final ? layerNorm(y, final) : y
    const { tensors } = this.parameters
    const drop = dropAt(tensors.head1)
    return config.causal
      ? positionLoss(answer(x, tensors, drop), labels, weights)
      : classLoss(classify(x, seen, tensors, drop, config.towers), labels, weights)
  }

  close(): void {
    this.device.delete(this.parameters.variable)
  }
}

function treeOf({ parameters, positions }: Layer, config: WholeConfig) {
  const { vocabulary, width, classes, layers, norm } = config
  const tokens = tokensOf(config)
  return {
    embed: embeddingParameters(vocabulary, width),
    ...(positions ? { position: embeddingParameters(tokens, width) } : {}),
    blocks: Array.from({ length: layers }, (): Weights => parameters(config)),
    ...(norm === 'pre' ? { final: layerNormParameters(width) } : {}),
    ...headParameters(width, classes, config.towers),
  }
}

/** A model of that attention or layer over the whole sequence; `useless` are the settings that it has no use for, `fixed` those of them that make it what it is. */
export function wholeKind(
  name: string,
  description: string,
  layer: keyof typeof attentions | Layer,
  useless: readonly string[],
  fixed: Partial<ModelConfig> = {},
): ModelKind {
  const stacked = typeof layer === 'string' ? blockWith(attentions[layer]) : layer
  return kindOf<WholeConfig>({
    description,
    ...without(name, fixed, [...recurrent, ...useless]),
    parameters: (config) => treeOf(stacked, config),
    make: (device, config) => new Whole(name, stacked, device, config),
    inWords: (config) =>
      `${tokensOf(config).toLocaleString('en-US')} tokens in one piece, width ${config.width}, ${count(config.layers, 'layer')}`,
  })
}
