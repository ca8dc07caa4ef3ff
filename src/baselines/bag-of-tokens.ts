import { takes } from '../checks.ts'
import { type FeedForwardWeights, feedForward } from '../nn/feed-forward.ts'
import { kindOf } from '../nn/kind.ts'
import { linearParameters } from '../nn/linear.ts'
import { classLoss } from '../nn/losses.ts'
import type { Forward, Layout, Model } from '../nn/model.ts'
import { Parameters } from '../nn/parameters.ts'
import { aDevice, type Device } from '../program/device.ts'
import { f32, i32 } from '../program/program.ts'
import { complete, settingsOf, type ValuesOf, whole } from '../settings.ts'
import { batchOf } from '../tasks/batch.ts'
import { checkSizes, type Example } from '../tasks/task.ts'
import type { Tensor } from '../tensor/tensor.ts'

const rows = {
  vocabulary: [whole(1, 2 ** 24), 16, 'choice', 'different token ids, padding included'],
  classes: [whole(2, 2 ** 16), 10, 'choice', 'classes to tell apart'],
  hidden: [whole(1, 2 ** 16), 64, 'choice', 'bag-of-tokens: width of the hidden layer'],
  seed: [whole(0, 0xffffffff), 0, 'choice', 'of initial weights'],
} as const

type BagConfig = ValuesOf<typeof rows>
const settings = settingsOf(rows)
const bagConfig = (given: Partial<BagConfig> = {}): BagConfig => complete('bag-of-tokens', settings, given)

const bagParameters = ({ vocabulary, classes, hidden }: BagConfig) => ({
  up: linearParameters(2 * vocabulary, hidden),
  down: linearParameters(hidden, classes),
})

/**
 * A control that knows no order: a network with one hidden layer sees how often each token occurs, and which stands first
 * (in ListOps, the operator at the root).
 */
export class BagOfTokens implements Model<Example> {
  readonly name = 'bag-of-tokens'
  readonly config: BagConfig
  readonly device: Device
  readonly parameters: Parameters<ReturnType<typeof bagParameters>>

  constructor(device: Device, config: Partial<BagConfig>) {
    takes('BagOfTokens', { device }, { device: aDevice })
    this.device = device
    this.config = bagConfig(config)
    this.parameters = new Parameters(device, bagParameters(this.config), this.config.seed)
  }

  /** Counts of each token, and a one at the first. */
  layout(batch: number): Layout<Example> {
    const { vocabulary, classes } = this.config
    return {
      inputs: { x: f32(batch, 2 * vocabulary), labels: i32(batch), weights: f32(batch) },
      values(examples) {
        const longest = Math.max(1, ...examples.map((example) => example?.tokens?.length || 1))
        const shape = { segments: 1, segmentLength: longest, batch, vocabulary, classes }
        const { labels, weights } = batchOf(examples, shape)
        const x = new Float32Array(batch * 2 * vocabulary)
        for (const [row, { tokens }] of examples.entries()) {
          const at = row * 2 * vocabulary
          for (let i = 0; i < tokens.length; i++) x[at + tokens[i]]++
          x[at + vocabulary + tokens[0]] = 1
        }
        return { x, labels, weights }
      },
    }
  }

  checkTask(task: object): void {
    checkSizes(task, this.config)
  }

  forward({ x, labels, weights }: Readonly<Record<'x' | 'labels' | 'weights', Tensor>>): Forward {
    return classLoss(feedForward(x, this.parameters.tensors as FeedForwardWeights), labels, weights)
  }

  close(): void {
    this.device.delete(this.parameters.variable)
  }
}

export const bagOfTokens = kindOf<BagConfig>({
  description: 'a control that sees how often each token occurs, and which stands first',
  settings,
  configure: bagConfig,
  parameters: bagParameters,
  make: (device, config) => new BagOfTokens(device, config),
  inWords: ({ vocabulary, hidden }) => `counts of ${vocabulary.toLocaleString('en-US')} tokens, ${hidden} hidden units`,
})
