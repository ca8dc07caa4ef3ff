import { Command } from 'commander'
import { openDevice } from '../backends/open.ts'
import { compareMethods } from '../compare/methods.ts'
import { models } from '../models/index.ts'
import type { Device } from '../program/device.ts'
import { type Task, take, tasks } from '../tasks/index.ts'
import { evaluate } from '../train/evaluate.ts'
import { train } from '../train/train.ts'
import { interruptible } from './interrupt.ts'
import { table } from './plot.ts'
import { bytes, commandName, duration, jsonLine, notice, percent, say, short } from './terminal.ts'
import { runTrainings, type Trained, type Training } from './trainings.ts'

const RECALL_SEGMENTS = 64
const shared = { seed: 0, device: 'wasm', threads: 1 } // as many at a time as there are cores, so one each
const listops = { ...shared, task: 'listops', segments: 4, 'segment-length': 12, 'max-depth': 4 }
const recall = {
  ...shared,
  task: 'cue',
  segments: RECALL_SEGMENTS,
  'segment-length': 16,
  norm: 'pre',
  trace: '',
  'test-examples': 500,
}

const addition = { ...shared, task: 'add', segments: 4, 'segment-length': 16 }

/** The longest first, so that two at a time end together. */
const trainings = {
  recallAdditive: { title: 'recall, additive memory', steps: 100, flags: { ...recall, update: 'additive' } },
  recallScaled: { title: 'recall, scaled memory', steps: 100, flags: { ...recall, update: 'scaled' } },
  listops: { title: 'ListOps', steps: 1500, flags: { ...listops, update: 'scaled' } },
  addScaled: { title: 'addition, scaled memory', steps: 600, flags: { ...addition, update: 'scaled' } },
  addAdditive: { title: 'addition, additive memory', steps: 600, flags: { ...addition, update: 'additive' } },
  listopsReset: { title: 'ListOps, no memory', steps: 1500, flags: { ...listops, update: 'reset' } },
  order: {
    title: 'temporal order',
    steps: 300,
    flags: { ...shared, task: 'order', segments: 4, 'segment-length': 16 },
  },
} satisfies Record<string, Training>
type Results = { readonly [Name in keyof typeof trainings]: Trained }

export function startCommand(): Command {
  return new Command('start')
    .description(
      'Trains RMAAT on three tasks and shows what it has learned, and what replay saves (about three minutes).',
    )
    .option('--json', 'print each part as a line of JSON, the last one the summary')
    .action((options: { json?: boolean }) => start(options.json ?? false))
}

async function start(json: boolean): Promise<void> {
  const begin = performance.now()
  const { signal, restore } = interruptible()
  const device = await openDevice('wasm')
  notice(`RMAAT reads a sequence segment by segment and carries memory tokens from one to the next.
Seven small models now learn from nothing, two at a time, each trained by memory replay (AMRB).
${device.backend.description}. Width 64, two layers, 8 memory tokens. About three minutes; Ctrl-C ends it.
`)
  try {
    const names = Object.keys(trainings) as (keyof typeof trainings)[]
    const list = await runTrainings(Object.values(trainings), 2, signal)
    const results = Object.fromEntries(names.map((name, i) => [name, list[i]])) as Results
    const short = await tasks.listops({ maxDepth: listops['max-depth'], segments: 4, segmentLength: 12 })
    const bag = await bagOfTokens(device, short, trainings.listops.steps)
    const parts = [order(results), listOps(results, bag), recallParts(results)]
    for (const { text, ...facts } of parts) {
      if (json) jsonLine(facts)
      else say(`\n${text}`)
    }
    const compared = await comparison(device)
    if (json) jsonLine({ kind: 'summary', ...compared.facts, seconds: (performance.now() - begin) / 1000 })
    else {
      say(`\n${compared.text}`)
      say(
        `\n${duration(performance.now() - begin)} in all. Weights and logs are in runs/. What else there is: ${commandName} --help`,
      )
    }
  } catch (error) {
    if (!signal.aborted) throw error
    notice('interrupted: nothing more is shown, and what the trainings had learned is in runs/')
    process.exitCode = signal.reason as number
  } finally {
    restore()
    device.close()
  }
}

function order({ order: { accuracy, majority, steps, seconds } }: Results) {
  const learned = accuracy > 0.9
  return {
    kind: 'order',
    accuracy,
    majority,
    steps,
    learned,
    text: `(a) Temporal order: two of three symbols hide among noise, one in each half of 4 segments of 16 tokens.
    Which, and in which order? Nine answers, the paper's settings (post-norm, scaled memory, fixed retention).
      accuracy ${percent(accuracy)}   chance 11.1 %, most frequent answer ${percent(majority)}   (${steps} steps, ${duration(seconds * 1000)})
    ${learned ? 'Learned: what the first half held has reached the last segment through 8 memory tokens.' : 'Not learned in these steps.'}`,
  }
}

function listOps({ listops: paper, listopsReset: none }: Results, bag: number) {
  const margin = paper.accuracy - none.accuracy
  const rows = [
    ['', 'accuracy'],
    ["RMAAT, the paper's settings", percent(paper.accuracy)],
    ['the same, memory reset in every segment', percent(none.accuracy)],
    ['best constant for each operator at the root', percent(paper.bestConstantPerRoot ?? Number.NaN)],
    ['a bag of tokens and the root operator', percent(bag)],
    ['most frequent answer', percent(paper.majority)],
  ]
  return {
    kind: 'listops',
    accuracy: paper.accuracy,
    reset: none.accuracy,
    bagOfTokens: bag,
    bestConstantPerRoot: paper.bestConstantPerRoot,
    majority: paper.majority,
    steps: paper.steps,
    text: `(b) ListOps: nested operations like [MAX 4 [MED 1 7 2 ] ], 16 to 48 tokens in 4 segments of 12; ${paper.steps} steps.
${indent(table(rows))}
    ${
      margin >= 0.04
        ? `Memory is worth ${(100 * margin).toFixed(0)} points here.`
        : `Memory is worth little here: ${(100 * margin).toFixed(1)} points.`
    } ${
      bag >= paper.accuracy - 0.02
        ? 'But a bag of tokens does as well: this is part of the rule, not yet\n    evaluation of the nesting.'
        : 'It is more than a bag of tokens tells.'
    }`,
  }
}

function recallParts({ recallAdditive: additive, recallScaled: scaled, addAdditive, addScaled }: Results) {
  const shown = [1, 2, 16, 32, 60, 62, 63, 64].filter((t) => t <= RECALL_SEGMENTS)
  const rows = [
    ['segment t', ...shown.map(String)],
    ['additive', ...shown.map((t) => norm(additive.memoryGradients[t - 1]))],
    ['scaled', ...shown.map((t) => norm(scaled.memoryGradients[t - 1]))],
  ]
  return {
    kind: 'recall',
    segments: RECALL_SEGMENTS,
    additive: additive.accuracy,
    scaled: scaled.accuracy,
    majority: additive.majority,
    addition: { additive: addAdditive.accuracy, scaled: addScaled.accuracy, majority: addScaled.majority },
    memoryGradients: { additive: additive.memoryGradients, scaled: scaled.memoryGradients },
    text: `(c) Recall over ${RECALL_SEGMENTS * 16} tokens: one of eight cues stands in the first of ${RECALL_SEGMENTS} segments and is asked for at the end.
    Pre-norm, ${additive.steps} steps; chance 12.5 %, most frequent answer ${percent(additive.majority)}.
      additive memory, m + RF m'         accuracy ${percent(additive.accuracy)}
      the paper's scaled memory, RF m'   accuracy ${percent(scaled.accuracy)}
    The norm of dL/dm_t, over the last tenth of the steps:
${indent(table(rows))}
    ${
      additive.accuracy > scaled.accuracy + 0.2
        ? 'Scaled memory multiplies the gradient by RF < 1 in every segment, until nothing of it reaches the first one;\n    what adds up hands it on undiminished.'
        : 'Both fared alike in these steps.'
    }
    The other side: add two marked digits, anywhere in 4 segments of 16 tokens (post-norm, ${addScaled.steps} steps; most frequent answer ${percent(addScaled.majority)}).
      the paper's scaled memory          accuracy ${percent(addScaled.accuracy)}
      additive memory                    accuracy ${percent(addAdditive.accuracy)}
    ${
      addScaled.accuracy > addAdditive.accuracy + 0.1
        ? 'Here late segments matter as much as early ones, and additive memory writes them with an ever smaller RF.'
        : 'Additive memory loses nothing here in these steps.'
    }`,
  }
}

/** What a bag of tokens learns of a task: its accuracy on the test set. */
async function bagOfTokens(device: Device, task: Task, steps: number): Promise<number> {
  const { configure, make } = models['bag-of-tokens']
  const model = make(device, configure({ vocabulary: task.vocabulary, classes: task.classes }))
  try {
    for await (const _ of train(model, task, { steps, batch: 128, rate: 3e-3, clip: 1e30 }));
    return (await evaluate(model, task.test, { batch: 128 })).accuracy
  } finally {
    model.close()
  }
}

/** A norm in three digits; what float32 cannot hold is 0. */
const norm = (value: number | undefined): string =>
  value === undefined ? '-' : value === 0 ? '0' : value.toExponential(1)

async function comparison(device: Device) {
  const sizes = { segments: 32, segmentLength: 128 }
  const batch = 8
  const task = tasks.order(sizes)
  const config = models.rmaat.configure({ ...sizes, vocabulary: task.vocabulary, classes: task.classes })
  const examples = take(task.train(0), batch)
  const make = (device: Device) => ({ model: models.rmaat.make(device, config), examples })
  const { difference, amrb, bptt } = await compareMethods(device, { name: 'order', make }, 7)
  const rows = [
    ['', 'memory', 'time'],
    ['BPTT: keep every segment', bytes(bptt.arena), duration(bptt.milliseconds)],
    ['AMRB: keep the memory tokens', bytes(amrb.arena), duration(amrb.milliseconds)],
    ['BPTT / AMRB', short(bptt.arena / amrb.arena), short(bptt.milliseconds / amrb.milliseconds)],
  ]
  const rounding = `differ by ${difference.toExponential(1)} of their largest element: rounding`
  const same = difference === 0 ? 'are the same bits' : rounding
  return {
    facts: { ...sizes, batch, difference, amrb, bptt },
    text: `(d) The same gradient twice: ${sizes.segments} segments of ${sizes.segmentLength} tokens, ${batch} sequences.
${indent(table(rows))}
    The two gradients ${same}. Replay takes ${percent(amrb.milliseconds / bptt.milliseconds - 1)} more time
    here, and its memory hardly grows with the sequence.`,
  }
}

const indent = (text: string): string => text.replace(/^/gm, '      ')
