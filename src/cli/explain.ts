import { Command } from 'commander'
import { layoutOf } from '../nn/model.ts'
import { isKernel } from '../program/kernels.ts'
import { describe, list } from '../program/listing.ts'
import type { Plan } from '../program/plan.ts'
import { plan } from '../program/program.ts'
import { type memoryOn, type Planned, pointsOf } from '../train/planner.ts'
import { fitting, Planner, parseBytes, placeInWords } from './budget.ts'
import { addPresetAndConfig, givenEntries, valuesOf } from './given.ts'
import { table } from './plot.ts'
import { modelFor, namesIn, sizesOf } from './prepare.ts'
import { pretrained } from './pretrained.ts'
import { addSettings, modelSettings, taskSettings, trainingSettings, withDefaults } from './settings.ts'
import { bytes, count, jsonLine, plural, say } from './terminal.ts'

interface Options {
  readonly json?: boolean
  readonly forward?: boolean
  readonly operands?: boolean
  readonly trace?: boolean
}

export function explainCommand(): Command {
  const command = new Command('explain')
    .summary('list the kernels of a training step, and its memory')
    .description(
      'Lists the kernels of a training step, and the memory that it will take, without running it. Reads files only where --data names them; without, texts have two classes, and pictures ten.',
    )
  addSettings(command, 'Task:', taskSettings)
  addSettings(command, 'Model:', modelSettings)
  addSettings(command, 'Training:', trainingSettings)
  return addPresetAndConfig(command)
    .option('--forward', 'the forward pass alone: loss and logits')
    .option('--trace', 'the step as `train --trace` runs it')
    .option('--operands', 'beneath each kernel its operands with their places in memory, and its steps')
    .option('--json', 'print each kernel as a line of JSON, and the summary')
    .action((options: Options) => explain(options))
}

async function explain({ json = false, forward = false, operands = false, trace = false, ...rest }: Options) {
  const given = givenEntries(rest)
  const settings = withDefaults(valuesOf((await pretrained(given))?.beneath(given) ?? given))
  const { method, batch, clip, slices, reach, memoryBudget } = settings
  const sizes = await sizesOf(settings)
  const planner = await Planner.of(settings, modelFor(settings, sizes))
  const { model, device } = planner
  const { hold, keep, trains } = settings
  const options = { method, batch, clip, trace, slices, reach, hold, keep, trains: namesIn(trains) }
  if (memoryBudget !== undefined) return curve(planner, sizes.segments, options, memoryBudget, json)
  const found = forward
    ? plan(model.device, layoutOf(model, batch).inputs, (inputs) => {
        const { loss, predicted } = model.forward(inputs, options.reach ? { method, reach } : { method })
        return { loss, predicted }
      })
    : planner.step(options)
  const { memory, peak } = planner.memory(found)
  const kernels = found.instructions.filter(isKernel).length
  if (json) {
    listing(found).forEach(({ depth, text }, at) => {
      jsonLine({ kind: 'instruction', at, depth, text })
    })
    return jsonLine({
      kind: 'summary',
      task: settings.task,
      method,
      program: forward ? 'forward' : 'step',
      segments: sizes.segments,
      segmentLength: sizes.segmentLength,
      batch,
      parameters: model.parameters.count,
      kernels,
      device,
      peakBytes: peak,
      memory,
    })
  }
  const what = forward ? 'A forward pass' : `A training step by ${method}`
  say(
    `${what}: ${plural(batch, 'sequence')} of ${plural(sizes.segments, 'segment')} of ${plural(sizes.segmentLength, 'token')}, ` +
      `${count(model.parameters.count)} parameters, ${plural(kernels, 'kernel')}\n`,
  )
  if (operands) say(`${list(found)}\n`)
  else {
    const lines = listing(found).map(({ depth, text }, at) => `${String(at).padStart(4)} ${'  '.repeat(depth)}${text}`)
    say(lines.join('\n'))
  }
  say(`\nMemory on ${device}\n\n${memoryTable({ memory, peak }, forward)}`)
}

/** So many points of a curve are enough to see it. */
const POINTS = 11

/** Memory and products of a step along the dial, and the place on it that a budget takes. */
function curve(planner: Planner, segments: number, options: Planned, text: string, json: boolean): void {
  const budget = parseBytes(text, '--memory-budget')
  const dial = planner.dial(segments, options)
  const points = pointsOf(dial.places.length, POINTS).map((at) => dial.at(dial.places[at]))
  const found = fitting(dial, budget)
  if (json) {
    for (const point of points) jsonLine({ kind: 'dial', ...point })
    jsonLine({ kind: 'summary', budget, ...found, segments, device: planner.device })
    return
  }
  const rows = points.map(({ hold, keep, peakBytes, products }) => [
    `${keep}`,
    `${hold}`,
    bytes(peakBytes),
    `${count(products / 1e6)} M`,
  ])
  say(`${table([['segments kept', 'values held of others', 'planned', 'multiply-adds in products'], ...rows])}\n`)
  say(`${bytes(budget)}: ${placeInWords(found, segments)}; ${bytes(found.peakBytes)} on ${planner.device}`)
}

/** The instructions in words, each with the number of loops around it. */
function listing({ instructions }: Plan): { depth: number; text: string }[] {
  let depth = 0
  return instructions.map((instruction) => {
    if (instruction.kind === 'end') depth--
    const entry = { depth, text: describe(instruction) }
    if (instruction.kind === 'loop') depth++
    return entry
  })
}

const memoryTable = ({ memory, peak }: ReturnType<typeof memoryOn>, forward: boolean): string =>
  [
    ['arena', memory.arena, 'results, placed by their lifetimes'],
    ['  replay', memory.replay, 'of the arena: memory tokens, and values that are held for replay'],
    ['inputs', memory.inputs, 'tokens, masks, labels, retention factors'],
    ['variables', memory.variables, forward ? 'parameters' : 'parameters, and two means for each that AdamW keeps'],
    [
      'workspace',
      memory.workspace,
      'the encoded program, constants, registers, packed panels, and the slices of further threads',
    ],
    ['peak', peak, 'arena, inputs, variables and workspace'],
  ]
    .map(([name, size, meaning]) => `${String(name).padEnd(10)} ${bytes(Number(size)).padStart(10)}  ${meaning}`)
    .join('\n')
