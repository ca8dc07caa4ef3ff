import type { ConfiguredModel, SequenceStream } from '../nn/kind.ts'
import { forwardOf, type Layout, layoutOf } from '../nn/model.ts'
import type { HostArray } from '../program/device.ts'
import { compile, type Program } from '../program/program.ts'
import { checkTokens } from '../tasks/batch.ts'
import type { Example } from '../tasks/task.ts'
import type { Tensor } from '../tensor/tensor.ts'

/**
 * A causal model over the whole sequence that goes on with what has come: it reads the last T x S tokens of it anew for each
 * answer. They stand at the beginning of its window, as in training: what is behind them no answer sees.
 */
export class Window implements SequenceStream {
  readonly segments = 1
  private readonly model: ConfiguredModel
  private readonly size: number
  private readonly layout: Layout<Example>
  private readonly program: Program<Layout<Example>['inputs'], Tensor>
  private seen: number[] = []
  private taken = 0

  constructor(model: ConfiguredModel) {
    const { segments, segmentLength } = model.config as { segments: number; segmentLength: number }
    this.model = model
    this.size = segments * segmentLength
    this.layout = layoutOf(model, 1)
    const options = { method: 'bptt', prepared: model.prepare?.() } as const
    this.program = compile(model.device, this.layout.inputs, (inputs) => forwardOf(model, inputs, options).predicted)
  }

  get tokens(): number {
    return this.taken
  }

  get room(): number {
    return this.size - this.seen.length
  }

  /** @throws RmaatError 'data' for a token that the model does not know */
  async push(tokens: ArrayLike<number>): Promise<void> {
    const { vocabulary } = this.model.config as { vocabulary: number }
    checkTokens(tokens, this.model.name, vocabulary, this.taken)
    this.taken += tokens.length
    this.seen = [...this.seen, ...Array.from(tokens)].slice(-this.size)
  }

  /** The logits of the last token. */
  async predict(): Promise<HostArray> {
    const { size, seen } = this
    const tokens = Int32Array.from({ length: size }, (_, at) => seen[at] ?? 0)
    const found = await this.program.arrays(this.layout.values([{ tokens, label: 0 }]))
    const each = found.length / size
    return found.slice((seen.length - 1) * each, seen.length * each)
  }

  close(): void {
    this.program.close()
  }
}
