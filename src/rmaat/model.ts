import { aCount, anObject, kind, maybe, oneOf, shown, takes, takesOptions } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import { dropout } from '../nn/dropout.ts'
import { embedding, embeddingParameters } from '../nn/embedding.ts'
import { feedForward } from '../nn/feed-forward.ts'
import { init } from '../nn/init.ts'
import { linearParameters } from '../nn/linear.ts'
import { layerNorm, layerNormParameters } from '../nn/norm.ts'
import { Parameters, type ParameterTree } from '../nn/parameters.ts'
import { where } from '../ops/elementwise.ts'
import { loop, rematerialise } from '../ops/loop.ts'
import { constant, expectDType, zeros } from '../ops/row.ts'
import { concat } from '../ops/views.ts'
import { aDevice, type Device } from '../program/device.ts'
import { f32, i32 } from '../program/program.ts'
import { aTensor } from '../tensor/kinds.ts'
import { sameShape, shapeError, sizeOf } from '../tensor/shape.ts'
import { Tensor, type TensorLike } from '../tensor/tensor.ts'
import type { Attention, AttentionConfig } from './attention/attention.ts'
import { attentions } from './attention/index.ts'
import { block, blockParameters } from './block.ts'
import { type ModelConfig, modelConfig } from './config.ts'
import { memoryUpdates } from './memory/index.ts'
import { type MemoryUpdate, updateMemory } from './memory/update.ts'

/** How gradients are found: by memory replay (AMRB, section 3.4), or by keeping every segment's activations (BPTT). */
export type Method = (typeof methods)[number]
export const methods = ['amrb', 'bptt'] as const

/** The inputs of a program over a batch: B rows of T segments of S tokens, aligned at their ends. */
export function batchInputs(rows: number, sizes: Pick<ModelConfig, 'segments' | 'segmentLength'>) {
  takes('batchInputs', { rows, sizes }, { rows: aCount, sizes: anObject })
  const { segments, segmentLength } = sizes
  takes('batchInputs', { segments, segmentLength }, { segments: aCount, segmentLength: aCount })
  return {
    tokens: i32(rows, segments, segmentLength),
    /** 1 for a token, 0 for padding. */
    valid: i32(rows, segments, segmentLength),
    labels: i32(rows),
    /** 0 for the rows that only fill the batch. */
    weights: f32(rows),
    /** RF of each segment and row. */
    retention: f32(segments, rows),
    /** 1 where a row has a token in a segment. */
    live: i32(segments, rows),
  }
}
export type BatchTensors = { readonly [Name in keyof ReturnType<typeof batchInputs>]: Tensor }
export const aModel = kind('a model', (value) => value instanceof Rmaat)

export interface ForwardOptions {
  readonly method: Method
  /** The number of the training step, which dropout counts by; without it nothing is dropped. */
  readonly step?: Tensor
  /** What `prepare` made, where it is computed once for several slices of a batch. */
  readonly prepared?: readonly (Tensor | undefined)[]
  /** Of which part the inputs are, where they are not the whole batch. */
  readonly slice?: Slice
}

const aCounter = kind('an i32 scalar', (value) => value instanceof Tensor && value.rank === 0 && value.dtype === 'i32')
const forwardKinds = {
  method: oneOf(methods),
  step: maybe(aCounter),
  prepared: maybe(kind('what prepare gives', Array.isArray)),
  slice: maybe(anObject),
}

interface SegmentOptions {
  readonly segment: TensorLike
  readonly step: Tensor | undefined
  /** The number of the first row in the whole batch. */
  readonly first: TensorLike | undefined
  readonly wanted: number
  /** Whether the gradient computes all blocks but the last once more. */
  readonly replay: boolean
}

/** Some rows of a batch. */
export interface Slice {
  /** The number of its first row. */
  readonly first: Tensor
  /** The sum of the weights of all rows of the batch. */
  readonly total: Tensor
}

export interface Forward {
  /** The mean over the rows of the batch that count; of a slice its part. */
  readonly loss: Tensor
  /** Of the last segment, [B, classes]. */
  readonly logits: Tensor
  /**
   * The memory as it enters the segments, m_1 ... m_T in order: tensors [B, M, d], or a loop's record of several,
   * [T-1, B, M, d]. A gradient can be taken with respect to each of them.
   */
  readonly memories: readonly Tensor[]
}

const attentionConfigOf = (config: ModelConfig): AttentionConfig => ({
  ...config,
  tokens: config.memory + config.segmentLength,
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
    head1: linearParameters(width, width),
    head2: linearParameters(width, classes, init.normal(width ** -0.5 / 2)),
  }
}

/** The recurrent memory augmented astromorphic transformer: a classifier of long sequences, read segment by segment. */
export class Rmaat {
  readonly config: ModelConfig
  readonly device: Device
  readonly parameters: Parameters<ReturnType<typeof parameterTree>>
  private readonly attention: Attention
  private readonly attentionConfig: AttentionConfig

  constructor(device: Device, config: Partial<ModelConfig>) {
    takes('Rmaat', { device }, { device: aDevice })
    this.device = device
    this.config = modelConfig(config)
    this.attention = attentions[this.config.attention]
    this.attentionConfig = attentionConfigOf(this.config)
    this.parameters = new Parameters(device, parameterTree(this.config) satisfies ParameterTree, this.config.seed)
  }

  /** What the blocks' attention needs that does not depend on the tokens. */
  prepare(): (Tensor | undefined)[] {
    return this.parameters.tensors.blocks.map((weights) =>
      this.attention.prepare(weights as unknown as Record<string, Tensor>, this.attentionConfig),
    )
  }

  /** Loss and logits of a batch or of a slice of it, as a formula. T and B follow from the inputs. */
  forward(inputs: BatchTensors, options: ForwardOptions): Forward {
    this.check(inputs, options)
    const { tokens, valid, labels, weights, retention, live } = inputs
    const { method, step, prepared = this.prepare(), slice } = options
    const { update, loss: lossAt, memory: slots, width } = this.config
    const w = this.parameters.tensors
    const [rows, segments, segmentLength] = tokens.shape
    const bySegment = [tokens, valid].map((x) => x.transpose([1, 0, 2]))
    const counted = weights.div((slice?.total ?? weights.sum()).maximum(1))
    const perLive = lossAt === 'all' ? counted.div(live.sum(0).cast('f32').maximum(1)) : counted

    const read = (memory: Tensor, [ids, mask]: readonly Tensor[], segment: TensorLike, hasLoss: boolean) => {
      const wanted = hasLoss ? slots + segmentLength : slots
      // the last segment is not replayed; but where it alone is computed whole, its lower blocks are, or it would need half as
      // much memory again as a replay of the others. A slice of a batch is small: there its time counts
      const replay = method === 'amrb' && hasLoss && lossAt === 'last' && segments > 1 && !slice
      const options = { segment, step, first: slice?.first, wanted, replay }
      const { x, seen } = this.segment(memory, ids, mask, prepared, options)
      return { fresh: x.narrow(1, 0, slots), logits: () => this.head(x, seen) }
    }
    const lossOf = (logits: Tensor, alive: Tensor): Tensor =>
      logits.crossEntropy(labels).mul(perLive).mul(alive.cast('f32')).sum()

    const first = w.memory.broadcastTo([rows, slots, width])
    let memory: Tensor = first
    let before: Tensor = constant(0)
    const memories: Tensor[] = []
    if (segments > 1) {
      const inputs = [...bySegment, retention, live].map((x) => x.narrow(0, 0, segments - 1))
      const { carry, outputs, record } = loop(
        { count: segments - 1, carry: [first], inputs, unroll: method === 'bptt' },
        ([m], [ids, mask, factor, alive], index) => {
          if (method === 'bptt') memories.push(m)
          const { fresh, logits } = read(m, [ids, mask], index, lossAt === 'all')
          const retained = factor.reshape([rows, 1, 1])
          const updated = updateMemory(memoryUpdates[update], {
            retention: retained,
            memory: m,
            fresh,
            weights: w.update ?? {},
          })
          const next = where(alive.reshape([rows, 1, 1]), updated, m)
          return { carry: [next], outputs: lossAt === 'all' ? [lossOf(logits(), alive)] : [] }
        },
      )
      memory = carry[0]
      if (lossAt === 'all') before = outputs[0].sum()
      if (method === 'amrb') memories.push(record[0])
    }
    memories.push(memory)

    const last = segments - 1
    const { logits } = read(
      memory,
      bySegment.map((x) => x.select(0, last)),
      last,
      true,
    )
    const result = logits()
    return { loss: before.add(lossOf(result, live.select(0, last))), logits: result, memories }
  }

  private check(inputs: BatchTensors, options: ForwardOptions): void {
    takes('forward', { inputs }, { inputs: anObject })
    takesOptions('forward', options, forwardKinds, 'argument')
    const { prepared, slice } = options
    if (prepared) this.checkPrepared(prepared)
    if (slice) {
      const { first, total } = slice
      takes('forward: the slice', { first, total }, { first: aCounter, total: aTensor })
      if (total.rank !== 0) throw shapeError`forward: the total of the slice is ${total.shape}; expected a scalar`
    }
    const { tokens } = inputs
    takes('forward', { tokens }, { tokens: aTensor })
    if (tokens.rank !== 3)
      throw shapeError`forward: tokens is ${tokens.shape}; expected [rows, segments, segmentLength]`
    const { segmentLength } = this.config
    const expected = batchInputs(tokens.shape[0], { segments: tokens.shape[1], segmentLength })
    for (const [name, { shape, dtype }] of Object.entries(expected)) {
      const found = inputs[name as keyof BatchTensors]
      takes('forward', { [name]: found }, { [name]: aTensor })
      expectDType(`forward: ${name}`, found, dtype)
      if (!sameShape(found.shape, shape)) throw shapeError`forward: ${name} is ${found.shape}; expected ${shape}`
    }
  }

  private checkPrepared(given: readonly unknown[]): void {
    const own = this.prepare()
    const fits = own.every((expected, layer) => {
      const found = given[layer]
      return expected ? found instanceof Tensor && sameShape(found.shape, expected.shape) : found === undefined
    })
    if (fits && given.length === own.length) return
    throw new RmaatError('argument', `forward: prepared is ${shown(given)}; expected what prepare gives`)
  }

  /**
   * One segment: memory [B, M, d], tokens and valid [B, S] -> the first `wanted` of m' and the tokens' outputs, [B, M + S, d],
   * and the mask of all. Where no loss is taken m' alone is wanted, and the last block computes nothing else.
   */
  private segment(
    memory: Tensor,
    tokens: Tensor,
    valid: Tensor,
    prepared: readonly (Tensor | undefined)[],
    { segment, step, first = 0, wanted, replay }: SegmentOptions,
  ): { x: Tensor; seen: Tensor } {
    const w = this.parameters.tensors
    const { dropout: rate, norm } = this.config
    const [rows, slots] = memory.shape
    const drop =
      (layer: number) =>
      (x: Tensor, name: string): Tensor =>
        dropout(x, rate, {
          of: w.blocks[layer],
          name,
          segment,
          step,
          firstElement: constant(sizeOf(x.shape) / rows, 'i32').mul(first),
        })
    const seen = concat([zeros([rows, slots]).add(1), valid.cast('f32')], 1)
    const { attention, attentionConfig: config } = this
    const through = (x: Tensor, layer: number, wanted = x.shape[1]): Tensor => {
      const context = { attention, config, norm, prepared: prepared[layer], valid: seen, drop: drop(layer), wanted }
      return block(x, w.blocks[layer], context)
    }
    const top = w.blocks.length - 1
    const below = ([m, ids]: readonly Tensor[]): Tensor => {
      const x = concat([m, embedding(ids, w.embed).add(w.position)], 1)
      return w.blocks.slice(0, top).reduce((x, _, layer) => through(x, layer), x)
    }
    const x = through(replay && top > 0 ? rematerialise([memory, tokens], below) : below([memory, tokens]), top, wanted)
    // pre-norm leaves its sum unnormed: that of the memory that is handed on, too
    return { x: w.final ? layerNorm(x, w.final) : x, seen }
  }

  /** The mean over a segment's fresh memory and valid outputs, x [B, M + S, d] -> logits [B, classes]. */
  private head(x: Tensor, seen: Tensor): Tensor {
    const { head1, head2 } = this.parameters.tensors
    const keep = seen.reshape([...seen.shape, 1])
    const pooled = x.mul(keep).sum(1).div(seen.sum(-1, true))
    return feedForward(pooled, { up: head1, down: head2 })
  }

  /** Gives the parameters' memory back. */
  close(): void {
    this.device.delete(this.parameters.variable)
  }
}
