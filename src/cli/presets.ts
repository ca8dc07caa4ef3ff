import { Command } from 'commander'
import type { Source } from '../settings.ts'
import { LONG_RANGE_ARENA } from '../tasks/index.ts'
import type { SettingName } from './settings.ts'
import { jsonLine, say } from './terminal.ts'

/** Settings by name: values, and where each comes from, as far as that is known. */
export type Entries = Readonly<Record<SettingName, { readonly value: unknown; readonly source?: Source }>>

/** Settings that a command begins with. A model that does not have one of them goes without it. */
export interface Preset {
  /** For people: what is trained, and at what size. */
  readonly description: string
  readonly settings: Entries
}

const from =
  (source: Source) =>
  (values: Readonly<Record<SettingName, unknown>>): Entries =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value, source }]))
/** The paper names these values, or the lengths of Long Range Arena that they stand for: 2K, 4K, 8K and 1K tokens. */
const paper = from('paper')
const choice = from('choice')

/** Trained in less than an hour by two cores: the memory that learns where the paper's loses the gradient. */
const small = {
  ...paper({ method: 'amrb' }),
  ...choice({ update: 'additive', retention: 'stretched', norm: 'pre', batch: 32, rate: 0.001 }),
}
/** The paper's memory. It names no other size of the model; pre-norm, since gradients vanish without over 8 segments and more. */
const large = {
  ...paper({ method: 'amrb', attention: 'astro', update: 'scaled', retention: 'fixed' }),
  ...choice({ norm: 'pre', memory: 32, width: 256, layers: 4, heads: 4, features: 64, feedForward: 1024 }),
  ...choice({ dropout: 0.1, batch: 32, rate: 0.0003 }),
}
/** The small tasks by which memories are compared: of each, sequences of 32 tokens, and what makes them fit. */
const SMALL: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  order: {},
  add: {},
  mqar: { symbols: 16, fewest: 2, pairs: 4, testPairs: 8 },
  copy: { length: 8 },
  'selective-copy': { length: 6, spread: 24 },
  parity: {},
  s3: {},
}
const { maxLength, ...limits } = LONG_RANGE_ARENA
const onTwoCores = 'less than an hour on two cores'
const onGpu = "for a GPU, the paper's where it names a size"

/**
 * The cells of the paper's table, each at two sizes. The large ones have the steps of Xiong et al. (2021), and of pictures a
 * quarter of their batch: a step takes about 1 GiB, what a GPU may bind at once.
 */
export const presets: Readonly<Record<string, Preset>> = {
  listops: {
    description: `ListOps of 500 to 2,000 tokens; ${onTwoCores}`,
    settings: {
      ...small,
      ...paper({ task: 'listops', maxLength: 2000 }),
      ...choice({ minLength: 500, maxDepth: 10, maxArguments: 10 }),
      // the operator at the root stands in the first segment, which this schedule writes whole into memory, and the others less
      ...choice({ segments: 32, segmentLength: 64, align: 'start', retention: 'running', steps: 2000 }),
    },
  },
  'listops-paper': {
    description: `ListOps of 501 to 1,999 tokens; ${onGpu}`,
    settings: {
      ...large,
      ...paper({ task: 'listops', maxLength }),
      ...choice({ ...limits, trainExamples: 96_000, segments: 4, segmentLength: 512, steps: 5000 }),
    },
  },
  text: {
    description: `texts of up to 4,000 bytes; ${onTwoCores}`,
    settings: {
      ...paper({ task: 'text', length: 4000, method: 'amrb' }),
      // of what stands before the last segment the paper's memory keeps little: five reviews of six fit into such a one
      ...choice({ segments: 2, segmentLength: 2048, width: 32, layers: 1, heads: 2, feedForward: 64 }),
      ...choice({ dropout: 0.1, crop: 0.15, batch: 32, rate: 0.002, warmUp: 0.03 }),
      ...choice({ steps: 7500, validationExamples: 1000 }),
    },
  },
  'text-paper': {
    description: `texts of up to 4,000 bytes; ${onGpu}`,
    settings: {
      ...large,
      ...paper({ task: 'text', length: 4000 }),
      ...choice({ segments: 8, segmentLength: 512, steps: 20_000, validationExamples: 1000 }),
    },
  },
  retrieval: {
    description: `two documents of up to 4,000 bytes in one sequence; ${onTwoCores}`,
    settings: {
      ...small,
      ...paper({ task: 'retrieval', length: 4000, segments: 16, segmentLength: 512 }),
      ...choice({ steps: 1500 }),
    },
  },
  'retrieval-towers': {
    description: `two documents of up to 4,000 bytes, each for itself; ${onTwoCores}`,
    settings: {
      ...small,
      ...paper({ task: 'retrieval', length: 4000 }),
      ...choice({ protocol: 'two-tower', segments: 4, segmentLength: 1024, width: 32, layers: 1, heads: 2 }),
      // nothing shows in the first thousand steps
      ...choice({ feedForward: 64, dropout: 0.1, rate: 0.002, warmUp: 0.05, steps: 4000, validationExamples: 1000 }),
    },
  },
  'retrieval-paper': {
    description: `two documents of up to 4,000 bytes in one sequence; ${onGpu}`,
    settings: {
      ...large,
      ...paper({ task: 'retrieval', length: 4000, segments: 16, segmentLength: 512 }),
      ...choice({ steps: 30_000, validationExamples: 1000 }),
    },
  },
  image: {
    description: `grey pictures of CIFAR-10, pixel by pixel; ${onTwoCores}`,
    settings: {
      ...small,
      ...paper({ task: 'image' }),
      ...choice({ segments: 4, segmentLength: 256, steps: 6000 }),
    },
  },
  'image-paper': {
    description: `grey pictures of CIFAR-10, pixel by pixel; ${onGpu}`,
    settings: {
      ...large,
      ...paper({ task: 'image' }),
      ...choice({ segments: 4, segmentLength: 256, batch: 64, steps: 35_000, validationExamples: 1000 }),
    },
  },
  pathfinder: {
    description: `pictures of 32 x 32 with two dots, on one path or not; ${onTwoCores}`,
    settings: {
      ...small,
      ...paper({ task: 'pathfinder', side: 32 }),
      ...choice({ trainExamples: 160_000, segments: 4, segmentLength: 256, steps: 6000 }),
    },
  },
  'pathfinder-paper': {
    description: `pictures of 32 x 32 with two dots, on one path or not; ${onGpu}`,
    settings: {
      ...large,
      ...paper({ task: 'pathfinder', side: 32 }),
      ...choice({ trainExamples: 160_000, heldOut: 20_000, segments: 4, segmentLength: 256 }),
      ...choice({ batch: 64, steps: 62_400, validationExamples: 1000 }),
    },
  },
  cue: {
    description: 'recall of a cue over 1,024 tokens; a minute on two cores',
    settings: {
      ...small,
      ...paper({ retention: 'fixed' }),
      ...choice({ task: 'cue', segments: 64, segmentLength: 16, steps: 150 }),
    },
  },
  ...Object.fromEntries(
    Object.entries(SMALL).map(([task, own]): [string, Preset] => [
      task,
      {
        description: `the task ${task} in sequences of 32 tokens; seconds on two cores`,
        settings: {
          ...small,
          ...choice({ task, ...own, retention: 'running', segments: 4, segmentLength: 8, memory: 4 }),
          ...choice({ width: 32, feedForward: 64, rate: 0.002, steps: 700 }),
        },
      },
    ]),
  ),
}

export const presetsCommand = (): Command =>
  new Command('presets')
    .summary('list the presets: settings to begin with')
    .description(
      "Lists the presets that `--preset` takes: what each trains, its settings, and which of these are the paper's.",
    )
    .option('--json', 'print each preset as a line of JSON')
    .action(({ json = false }: { json?: boolean }) => {
      for (const [preset, { description, settings }] of Object.entries(presets)) {
        if (json) {
          jsonLine({ kind: 'preset', preset, description, settings })
          continue
        }
        const of = (wanted: Source): string =>
          Object.entries(settings)
            .flatMap(([name, { value, source }]) => (source === wanted ? [`${name} ${value}`] : []))
            .join(', ')
        say(`${preset}\n  what    ${description}\n  paper   ${of('paper') || 'none'}\n  choice  ${of('choice')}`)
      }
    })
