import { stopGradient } from '../autograd/grad.ts'
import { loop, rematerialise } from '../autograd/loop.ts'
import { sliceUnderWay } from '../autograd/slices.ts'
import { aCount, anObject, kind, maybe, oneOf, shown, takes, takesOptions, wholeFrom } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import { dropout } from '../nn/dropout.ts'
import { embedding } from '../nn/embedding.ts'
import { classLoss, positionLoss } from '../nn/losses.ts'
import { type Forward, type ForwardOptions, type Layout, type Model, methods } from '../nn/model.ts'
import { layerNorm } from '../nn/norm.ts'
import { Parameters, type ParameterTree } from '../nn/parameters.ts'
import { where } from '../ops/elementwise.ts'
import { constant, tensor, zeros } from '../ops/entry.ts'
import { concat, stack } from '../ops/views.ts'
import { aDevice, type Device } from '../program/device.ts'
import { f32 } from '../program/program.ts'
import { aSequence, askedOf, batchOf, everyAnswer, textsOf } from '../tasks/batch.ts'
import { checkSizes, type Example } from '../tasks/task.ts'
import { aTensor } from '../tensor/kinds.ts'
import { sameShape, shapeError } from '../tensor/shape.ts'
import { Tensor, type TensorLike } from '../tensor/tensor.ts'
import type { Attention, AttentionConfig } from './attention/attention.ts'
import { attentions } from './attention/index.ts'
import {
  type BatchTensors,
  batchInputs,
  batchValues,
  checkTensors,
  type RetainedSegment,
  type Segment,
  segmentInputs,
} from './batch.ts'
import { block } from './block.ts'
import { type ModelConfig, modelConfig } from './config.ts'
import { answer, classify } from './head.ts'
import { memoryUpdates } from './memory/index.ts'
import { updateMemory } from './memory/update.ts'
import { attentionConfigOf, parameterTree } from './parameters.ts'
import { detachesOf, piecesOf } from './pieces.ts'

const aCounter = kind('an i32 scalar', (value) => value instanceof Tensor && value.rank === 0 && value.dtype === 'i32')
const whatWasPrepared = kind('what prepare gives', Array.isArray)
const forwardKinds = {
  method: oneOf(methods),
  keep: maybe(wholeFrom(0)),
  hold: maybe(wholeFrom(0)),
  reach: maybe(aCount),
  step: maybe(aCounter),
  prepared: maybe(whatWasPrepared),
}

interface SegmentOptions {
  readonly segment?: TensorLike
  readonly step?: Tensor | undefined
  readonly wanted: number
  /** Whether the gradient computes all blocks but the last once more. */
  readonly replay?: boolean
  /** And how many of their intermediate values it holds. */
  readonly hold?: number | undefined
}

/** Of a segment: its tokens' vectors, [B, Q, d], 1 for a token and 0 for padding, and the dropout of what the head reads. */
interface Outputs {
  readonly x: Tensor
  readonly seen: Tensor
  readonly drop: (x: Tensor) => Tensor
}

/**
 * The recurrent memory augmented astromorphic transformer: a classifier of long sequences, read segment by segment. Causal, it
 * is a language model, with an answer at every token. A segment then is M tokens that are m_t, its S tokens, and M tokens that
 * are m_t once more, each of which attends to those before it and to itself: the first M are what the tokens read, the outputs
 * of the last M are m'_{t+1}. So the memory that is handed on sees the whole segment, and no token sees a later one (the
 * layout of the recurrent memory transformer's decoder, Bulatov et al. 2022).
 */
export class Rmaat implements Model<Example> {
  readonly name: string = 'rmaat'
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

  /** The memory and a segment, M + S tokens of width d; causal, 2 M + S; of two towers, twice that. */
  get rowBytes(): number {
    return this.attentionConfig.tokens * this.config.width * 4 * this.config.towers
  }

  /** A batch of sequences, cut into as many segments as the configuration says, or as are asked for. */
  layout(rows: number, segments = this.config.segments): Layout<Example> {
    const { segmentLength, vocabulary, classes, retention, align, causal, towers } = this.config
    const sizes = { segments, segmentLength, causal, towers }
    return {
      inputs: batchInputs(rows, sizes),
      values: (examples) => {
        const shape = { segments, segmentLength, vocabulary, classes, align, towers, batch: rows }
        const batch = batchOf(examples, shape)
        return { ...batchValues(causal ? { ...batch, ...everyAnswer(batch) } : batch, sizes, retention) }
      },
    }
  }

  /**
   * How many segments are enough for an example, of as many as are asked for: padding alone changes neither memory nor
   * retention. Rounded up to a power of two or one and a half of it, so that few programs serve all.
   */
  enoughSegments(example: Example, segments = this.config.segments): number {
    takes('enoughSegments', { example, segments }, { example: anObject, segments: aCount })
    const { tokens } = example
    takes('enoughSegments', { tokens }, { tokens: aSequence }, 'data')
    const texts = this.config.towers === 1 ? [example] : textsOf(example, 'enoughSegments')
    const longest = Math.max(...texts.map(({ tokens }) => tokens.length))
    const live = Math.max(1, Math.ceil(longest / this.config.segmentLength))
    const power = 2 ** Math.ceil(Math.log2(live))
    return Math.min(segments, live <= 0.75 * power ? 0.75 * power : power)
  }

  asks(example: Example): readonly number[] {
    takes('asks', { example }, { example: anObject })
    return askedOf(example, this.config)
  }

  checkTask(task: object): void {
    checkSizes(task, this.config)
  }

  /** What the blocks' attention needs that does not depend on the tokens: of each block, or nothing. */
  prepare(): Tensor[] {
    return this.parameters.tensors.blocks
      .map((weights) => this.attention.prepare(weights as unknown as Record<string, Tensor>, this.attentionConfig))
      .filter((tensor) => tensor !== undefined)
  }

  /**
   * Loss and logits of a batch or of a slice of it, as a formula. T and B follow from the inputs. The logits are those of the
   * last segment, [B, classes], or of a causal model those at every token, [B, T, S, classes]; the carries are the memory as it
   * enters the segments, m_1 ... m_T [B, M, d].
   */
  forward(given: Readonly<Record<string, Tensor>>, options: ForwardOptions): Required<Forward> {
    const inputs = given as BatchTensors
    this.check(inputs, options)
    const { labels, weights } = inputs
    const { step, prepared = this.prepare(), hold } = options
    const { loss: lossAt, memory: slots, width, causal, towers } = this.config
    const w = this.parameters.tensors
    // of two towers, the texts are rows by turns
    const texts = (x: Tensor): Tensor => (towers === 1 ? x : x.reshape([-1, ...x.shape.slice(2)]))
    const [tokens, valid, retention, live] = [inputs.tokens, inputs.valid, inputs.retention, inputs.live].map(texts)
    const [rows, segments, segmentLength] = tokens.shape
    const either = (alive: Tensor): Tensor => (towers === 1 ? alive : alive.reshape([-1, towers]).max(1))
    const bySegment = [tokens, valid].map((x) => x.transpose([1, 0, 2]))
    const [factors, alive] = [retention, live].map((x) => x.transpose())
    const asked = causal ? [labels.transpose([1, 0, 2])] : []
    const targets = causal ? labels.greaterEqual(0).cast('f32').sum([1, 2]) : undefined
    const shares =
      lossAt === 'all' ? weights.div((towers === 1 ? live : inputs.live.max(1)).sum(1).cast('f32').maximum(1)) : weights

    const pieces = piecesOf(segments, options, lossAt)
    const isKept = pieces.at(-1)?.unroll ?? options.method === 'bptt'

    const through = (memory: Tensor, [ids, mask]: readonly Tensor[], segment: TensorLike, wanted: number) => {
      // the last segment is not replayed; but where it alone is computed whole, its lower blocks are, or it would need half as
      // much memory again as a replay of the others. A slice of a batch is small: there its time counts
      const replay = !isKept && wanted > slots && lossAt === 'last' && segments > 1 && !sliceUnderWay()
      return this.segment(memory, ids, mask, prepared, { segment, step, wanted, replay, hold })
    }
    const lossOf = (outputs: Outputs, labels: Tensor, alive: Tensor) =>
      targets
        ? positionLoss(this.logits(outputs), labels, weights, targets)
        : classLoss(this.logits(outputs), labels, shares.mul(either(alive).cast('f32')))

    let memory: Tensor = w.memory.broadcastTo([rows, slots, width])
    let [before, correctBefore]: Tensor[] = [constant(0), constant(0)]
    const answers: Tensor[] = []
    const carries: Tensor[] = []
    const detaches = detachesOf(segments, options, lossAt)
    const flags = detaches ? [tensor(detaches, [segments], 'i32')] : []
    for (const { from, to, unroll, flows } of pieces) {
      const inputs = [...bySegment, factors, alive, ...asked, ...flags].map((x) => x.narrow(0, from, to))
      const { carry, outputs, record } = loop(
        { count: to - from, carry: [memory], inputs, unroll, hold },
        ([m], [ids, mask, factor, alive, ...more], index) => {
          const [own, detach] = causal ? more : [labels, ...more]
          const segment = from === 0 ? index : index.add(from)
          const seen = detach ? where(detach, stopGradient(m), m) : m
          if (unroll) carries.push(m)
          const found = through(seen, [ids, mask], segment, lossAt === 'all' ? this.attentionConfig.tokens : slots)
          const next = where(alive.reshape([rows, 1, 1]), this.handOn(seen, found, factor), seen)
          if (lossAt === 'last') return { carry: [next] }
          const { loss, correct, predicted } = lossOf(found, own, alive)
          const outputs: Tensor[] = causal ? [loss, correct, predicted] : [loss]
          return { carry: [next], outputs }
        },
      )
      memory = flows ? carry[0] : stopGradient(carry[0])
      if (lossAt === 'all') before = before.add(outputs[0].sum())
      if (causal) correctBefore = correctBefore.add(outputs[1].sum())
      answers.push(...outputs.slice(2))
      if (!unroll) carries.push(record[0])
    }
    carries.push(memory)
    if (detaches?.[segments - 1]) memory = stopGradient(memory)

    const last = segments - 1
    const ends = bySegment.map((x) => x.select(0, last))
    const found = through(memory, ends, last, slots + segmentLength)
    const result = lossOf(found, causal ? labels.select(1, last) : labels, alive.select(0, last))
    const loss = before.add(result.loss)
    if (!causal) return { ...result, loss, carries }
    const predicted = concat([...answers, stack([result.predicted])]).transpose([1, 0, 2, 3])
    return { loss, correct: correctBefore.add(result.correct), predicted, carries }
  }

  /**
   * One segment of B sequences, as a formula: the memory m_t [B, M, d] as it enters and the segment -> m_{t+1}, as `forward`
   * hands it on, without dropout. `prepared` is what `prepare` made.
   */
  advance(memory: Tensor, segment: RetainedSegment, prepared = this.prepare()): Tensor {
    const { memory: slots, causal } = this.config
    this.checkSegment('advance', memory, segment, prepared)
    const wanted = causal ? this.attentionConfig.tokens : slots
    const found = this.segment(memory, segment.tokens, segment.valid, prepared, { wanted })
    return this.handOn(memory, found, segment.retention)
  }

  /**
   * The same, where the sequences end in this segment: their logits [B, classes]; of a causal model those at each of its tokens
   * [B, S, classes].
   */
  classify(memory: Tensor, segment: Segment, prepared = this.prepare()): Tensor {
    this.checkSegment('classify', memory, segment, prepared)
    const wanted = this.config.memory + this.config.segmentLength
    return this.logits(this.segment(memory, segment.tokens, segment.valid, prepared, { wanted }))
  }

  /** Memory as it entered a segment [B, M, d], what this gave, RF(t, T) [B] -> the memory of the next one. */
  private handOn(memory: Tensor, { x }: Outputs, retention: Tensor): Tensor {
    const { memory: slots, segmentLength, causal, update } = this.config
    return updateMemory(memoryUpdates[update], {
      retention: retention.reshape([-1, 1, 1]),
      memory,
      fresh: causal ? x.narrow(1, slots + segmentLength) : x.narrow(1, 0, slots),
      weights: this.parameters.tensors.update ?? {},
    })
  }

  /** [B, classes], or causal [B, S, classes]. */
  private logits({ x, seen, drop }: Outputs): Tensor {
    const { memory: slots, segmentLength, causal, towers } = this.config
    const w = this.parameters.tensors
    return causal ? answer(x.narrow(1, slots, slots + segmentLength), w, drop) : classify(x, seen, w, drop, towers)
  }

  private checkSegment(where: string, memory: Tensor, segment: Segment, prepared: readonly Tensor[]): void {
    const kinds = { memory: aTensor, segment: anObject, prepared: whatWasPrepared }
    takes(where, { memory, segment, prepared }, kinds)
    this.checkPrepared(where, prepared)
    const { memory: slots, width } = this.config
    const { retention, ...inputs } = segmentInputs(memory.shape[0], this.config)
    const expected = { memory: f32(memory.shape[0], slots, width), ...inputs }
    checkTensors(where, { memory, ...segment }, where === 'advance' ? { ...expected, retention } : expected)
  }

  private check(inputs: BatchTensors, options: ForwardOptions): void {
    takes('forward', { inputs }, { inputs: anObject })
    takesOptions('forward', options, forwardKinds, 'argument')
    if (options.prepared) this.checkPrepared('forward', options.prepared)
    const { tokens } = inputs
    takes('forward', { tokens }, { tokens: aTensor })
    const { segmentLength, causal, towers } = this.config
    if (tokens.rank !== 2 + towers) {
      const expected = towers === 1 ? '[rows, segments, segmentLength]' : '[rows, 2, segments, segmentLength]'
      throw shapeError`forward: tokens is ${tokens.shape}; expected ${expected}`
    }
    const sizes = { segments: tokens.shape[towers], segmentLength, causal, towers }
    checkTensors('forward', inputs, batchInputs(tokens.shape[0], sizes))
  }

  private checkPrepared(where: string, given: readonly unknown[]): void {
    const own = this.prepare()
    const fits = own.every((expected, layer) => {
      const found = given[layer]
      return found instanceof Tensor && sameShape(found.shape, expected.shape)
    })
    if (fits && given.length === own.length) return
    throw new RmaatError('argument', `${where}: prepared is ${shown(given)}; expected what prepare gives`)
  }

  /**
   * One segment: memory [B, M, d], tokens and valid [B, S] -> the first `wanted` of m' and the tokens' outputs, [B, M + S, d],
   * and the mask of all. Where no loss is taken m' alone is wanted, and the last block computes nothing else. Causal, m' stands
   * behind the tokens, [B, 2 M + S, d], and is not wanted of the last segment.
   */
  private segment(
    memory: Tensor,
    tokens: Tensor,
    valid: Tensor,
    prepared: readonly Tensor[],
    { segment = 0, step, wanted, replay = false, hold }: SegmentOptions,
  ): Outputs {
    const w = this.parameters.tensors
    const { dropout: rate, norm, causal } = this.config
    const [rows, slots] = memory.shape
    const dropAt =
      (of: object) =>
      (x: Tensor, name?: string): Tensor =>
        dropout(x, rate, { of, name, segment, step })
    const ones = zeros([rows, slots]).add(1)
    const seen = concat([ones, valid.cast('f32'), ...(causal ? [ones] : [])], 1)
    const { attention, attentionConfig: config } = this
    const through = (x: Tensor, layer: number, wanted = x.shape[1]): Tensor => {
      const drop = dropAt(w.blocks[layer])
      const context = { attention, config, norm, prepared: prepared[layer], valid: seen, drop, wanted }
      return block(x, w.blocks[layer], context)
    }
    const top = w.blocks.length - 1
    const below = ([m, ids]: readonly Tensor[]): Tensor => {
      const x = concat([m, embedding(ids, w.embed).add(w.position), ...(causal ? [m] : [])], 1)
      return w.blocks.slice(0, top).reduce((x, _, layer) => through(x, layer), x)
    }
    const x = through(
      replay && top > 0 ? rematerialise([memory, tokens], below, hold) : below([memory, tokens]),
      top,
      wanted,
    )
    // pre-norm leaves its sum unnormed: that of the memory that is handed on, too
    return { x: w.final ? layerNorm(x, w.final) : x, seen, drop: dropAt(w.head1) }
  }

  /** Gives the parameters' memory back. */
  close(): void {
    this.device.delete(this.parameters.variable)
  }
}
