import { aCount, kind, maybe, takes, takesOptions } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import type { SequenceStream } from '../nn/kind.ts'
import type { Device, HostArray } from '../program/device.ts'
import { compile, type Program } from '../program/program.ts'
import { checkTokens } from '../tasks/batch.ts'
import type { Tensor } from '../tensor/tensor.ts'
import type { Variable } from '../tensor/variable.ts'
import { segmentInputs } from './batch.ts'
import { Rmaat } from './model.ts'
import { retention } from './retention.ts'

/** How a stream is read. */
export interface StreamOptions {
  /**
   * How many tokens there will be, where that is known: the short segment then is where it is in a batch, and T is
   * known, which the retention schedules `fixed` and `stretched` need.
   */
  readonly length?: number | undefined
}

const aRmaat = kind('a model of the class Rmaat', (value) => value instanceof Rmaat)

type SegmentInputs = ReturnType<typeof segmentInputs>

/**
 * A trained model over one sequence of any length, token after token, in the memory of one segment: between segments m_t
 * stays on the device. Segments are full from the first one on; where the sequence ends within one, that last one is short,
 * padding first, or of a causal model whose length is not known, last. So the logits are those of the model over the same segments at once, on the CPU to the bit; of a causal model that
 * holds for the last segment, the ones before differ by rounding. Of a model whose
 * sequences are aligned at their ends the first segment is the short one, and it may answer worse behind a short last one; a
 * stream can do as it has learned where it knows its `length`. Of `scaled` memory the schedules `infinite` and
 * `running` leave nothing after some tens of segments. The model's weights must not change meanwhile.
 */
export class Stream implements SequenceStream {
  readonly model: Rmaat
  private readonly length: number | undefined
  private readonly variables: readonly Variable[]
  private readonly advance: Program<SegmentInputs>
  private readonly classify: Program<Omit<SegmentInputs, 'retention'>, { readonly logits: Tensor }>
  /** The tokens of the segment under way: whether it is the last one shows when more of them come. */
  private readonly pending: Int32Array
  private waiting = 0
  /** Segments that the memory holds. */
  private passed = 0
  private taken = 0
  /** Settled when all that was asked for is done. */
  private turn: Promise<unknown>
  private closed = false

  /**
   * Compiles the programs of a segment.
   * @throws RmaatError 'config' for a retention schedule that needs T without a `length`, and for a model of two towers
   */
  constructor(model: Rmaat, options: StreamOptions = {}) {
    takes('Stream', { model }, { model: aRmaat })
    takesOptions('Stream', options, { length: maybe(aCount) })
    const { segmentLength, retention: schedule, towers } = model.config
    if (towers === 2)
      throw new RmaatError('config', 'Stream: a model of two towers reads two texts; expected one of one tower')
    if (options.length === undefined && (schedule === 'fixed' || schedule === 'stretched'))
      throw new RmaatError(
        'config',
        `Stream: the retention schedule ${schedule} needs the number of segments; expected the length of the stream, or a model that was trained with the schedule infinite, running or none`,
      )
    this.model = model
    this.length = options.length
    this.pending = new Int32Array(segmentLength)
    const { device } = model
    const made = device.allOrNothing(() => programsOf(model))
    this.variables = made.variables
    this.advance = made.advance
    this.classify = made.classify
    this.turn = made.begin.run({}).then(() => made.begin.close())
    this.turn.catch(() => {}) // whoever asks next hears of it
  }

  /** How many tokens have come. */
  get tokens(): number {
    return this.taken
  }

  /** How many segments these fill, the last one perhaps in part. */
  get segments(): number {
    const { segmentLength } = this.model.config
    return this.taken === 0 ? 0 : 1 + Math.max(0, Math.ceil((this.taken - this.roomIn(0)) / segmentLength))
  }

  /** How many tokens the segment under way still takes; 0 where the next one begins another. */
  get room(): number {
    const { segmentLength } = this.model.config
    return this.roomIn(0) + Math.max(0, this.segments - 1) * segmentLength - this.taken
  }

  /**
   * The next tokens, any number of them. Resolves when the segments that they fill are computed; until then the next ones
   * should wait, as they are kept.
   * @throws RmaatError 'data' for a token that the model does not know, or more of them than `length` says; none is taken then
   */
  async push(tokens: ArrayLike<number>): Promise<void> {
    this.check()
    checkTokens(tokens, 'Stream', this.model.config.vocabulary, this.taken)
    const ids = Int32Array.from(tokens)
    if (this.length !== undefined && this.taken + ids.length > this.length)
      throw new RmaatError('data', `Stream: ${this.taken + ids.length} tokens have come; expected ${this.length}`)
    this.taken += ids.length
    await this.inTurn(async () => {
      for (let at = 0; at < ids.length; ) {
        if (this.waiting === this.roomIn(this.passed)) await this.pass()
        const part = ids.subarray(at, at + this.roomIn(this.passed) - this.waiting)
        this.pending.set(part, this.waiting)
        this.waiting += part.length
        at += part.length
      }
    })
  }

  /**
   * The logits of a sequence that ends here, [classes]; of a causal model those of its last token. The stream may go on.
   * @throws RmaatError 'data' where no token has come, 'diverged' for logits that are not finite
   */
  async predict(): Promise<HostArray> {
    this.check()
    const { taken } = this
    if (taken === 0) throw new RmaatError('data', 'Stream: no token has come; expected at least one')
    const { classes } = this.model.config
    const logits = await this.inTurn(async () => {
      this.check()
      const { end, ...segment } = this.segment()
      const { logits } = await this.classify.arrays(segment)
      return logits.length === classes ? logits : logits.slice((end - 1) * classes, end * classes)
    })
    const wrong = logits.find((value) => !Number.isFinite(value))
    if (wrong === undefined) return logits
    throw new RmaatError('diverged', `Stream: a logit after the token ${taken} is ${wrong}: expected finite ones`)
  }

  /** Gives the memory on the device back; the model stays. */
  close(): void {
    if (this.closed) return
    this.closed = true
    for (const program of [this.advance, this.classify]) program.close()
    for (const variable of this.variables) this.model.device.delete(variable)
  }

  private check(): void {
    if (this.closed) throw new RmaatError('program', 'the stream is closed')
    this.model.device.check()
  }

  /** How many tokens a segment takes, the first one being 0. */
  private roomIn(segment: number): number {
    const { segmentLength, align } = this.model.config
    if (segment > 0 || this.length === undefined || align === 'start') return segmentLength
    return this.length % segmentLength || segmentLength
  }

  /** How many tokens a segment holds when the stream ends, as far as that is known; else how many it takes. */
  private tokensIn(segment: number): number {
    const room = this.roomIn(segment)
    if (this.length === undefined) return room
    const before = segment === 0 ? 0 : this.roomIn(0) + (segment - 1) * this.model.config.segmentLength
    return Math.min(room, this.length - before)
  }

  private inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.turn.then(work)
    this.turn = done
    done.catch(() => {}) // whoever asks next hears of it
    return done
  }

  /** Hands the memory on. */
  private async pass(): Promise<void> {
    this.check()
    const { segmentLength, retention: schedule } = this.model.config
    const segments = Math.ceil((this.length ?? Infinity) / segmentLength)
    const factor = retention(this.passed + 1, segments, schedule)
    const { end, ...segment } = this.segment()
    await this.advance.run({ ...segment, retention: [factor] })
    this.passed++
    this.waiting = 0
  }

  /**
   * The segment under way, padding first; of a causal model its tokens stand where they will when it is full, or as full as it gets,
   * as none of them sees what follows.
   */
  private segment() {
    const { segmentLength, causal } = this.model.config
    const begin = segmentLength - (causal ? this.tokensIn(this.passed) : this.waiting)
    const end = begin + this.waiting
    const tokens = new Int32Array(segmentLength)
    tokens.set(this.pending.subarray(0, this.waiting), begin)
    return { tokens, valid: new Int32Array(segmentLength).fill(1, begin, end), end }
  }
}

/** The programs of one row, and what they share: m_t, and what the blocks prepare. */
function programsOf(model: Rmaat) {
  const device: Device = model.device
  const { memory: slots, width } = model.config
  const prepared = model.prepare()
  const memory = device.variable([1, slots, width])
  const kept = prepared.map(({ shape }) => device.variable(shape))
  const begin = compile(device, {}, () => ({
    updates: [
      [memory, model.parameters.tensors.memory.broadcastTo(memory.shape)] as const,
      ...prepared.map((tensor, i) => [kept[i], tensor] as const),
    ],
  }))
  const inputs = segmentInputs(1, model.config)
  const { tokens, valid } = inputs
  return {
    variables: [memory, ...kept],
    begin,
    advance: compile(device, inputs, (segment) => ({ updates: [[memory, model.advance(memory, segment, kept)]] })),
    classify: compile(device, { tokens, valid }, (segment) => ({
      logits: model.classify(memory, segment, kept).select(0, 0),
    })),
  }
}
