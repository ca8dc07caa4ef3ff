import { Command } from 'commander'
import { SLICE_BYTES, workspaceOf } from '../backends/wasm/encode.ts'
import { usualThreads } from '../backends/wasm/open.ts'
import { AdamW } from '../optim/adamw.ts'
import { type Backend, Device } from '../program/device.ts'
import { describe, list } from '../program/listing.ts'
import type { Plan } from '../program/plan.ts'
import { memoryOf, plan } from '../program/program.ts'
import { batchInputs, Rmaat } from '../rmaat/model.ts'
import { type StepOptions, stepInputs, trainingStep } from '../train/step.ts'
import { memoryOn, modelFor, sizesOf } from './prepare.ts'
import { compiling } from './progress.ts'
import {
  addConfigFile,
  addSettings,
  givenSettings,
  modelSettings,
  taskSettings,
  trainingSettings,
  withDefaults,
} from './settings.ts'
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
      'Lists the kernels of a training step, and the memory that it will take, without running it. Reads files only where --data names them; text has two classes without.',
    )
  addSettings(command, 'Task:', taskSettings)
  addSettings(command, 'Model:', modelSettings)
  addSettings(command, 'Training:', trainingSettings)
  return addConfigFile(command)
    .option('--forward', 'the forward pass alone: loss and logits')
    .option('--trace', 'the step as `train --trace` runs it')
    .option('--operands', 'beneath each kernel its operands with their places in memory, and its steps')
    .option('--json', 'print each kernel as a line of JSON, and the summary')
    .action((options: Options) => explain(options))
}

async function explain({ json = false, forward = false, operands = false, trace = false, ...rest }: Options) {
  const settings = withDefaults(givenSettings(rest))
  const { method, batch, clip, slices } = settings
  const device = settings.device === 'reference' ? 'reference' : 'wasm'
  const model = new Rmaat(new Device(nothing(device)), modelFor(settings, await sizesOf(settings)))
  const { config } = model
  const found = forward
    ? plan(model.device, batchInputs(batch, config), (inputs) => {
        const { loss, logits } = model.forward(inputs, { method })
        return { loss, logits }
      })
    : planStep(model, { method, batch, clip, trace, slices })
  const { memory, peak } = memoryOn(device, {
    ...memoryOf(found),
    workspace: device === 'reference' ? 0 : workspaceOf(found, settings.threads ?? (await usualThreads())),
  })
  const kernels = found.instructions.filter(({ kind }) => kind !== 'loop' && kind !== 'end').length
  if (json) {
    listing(found).forEach(({ depth, text }, at) => {
      jsonLine({ kind: 'instruction', at, depth, text })
    })
    return jsonLine({
      kind: 'summary',
      task: settings.task,
      method,
      program: forward ? 'forward' : 'step',
      segments: config.segments,
      segmentLength: config.segmentLength,
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
    `${what}: ${plural(batch, 'sequence')} of ${plural(config.segments, 'segment')} of ${plural(config.segmentLength, 'token')}, ` +
      `${count(model.parameters.count)} parameters, ${plural(kernels, 'kernel')}\n`,
  )
  if (operands) say(`${list(found)}\n`)
  else {
    const lines = listing(found).map(({ depth, text }, at) => `${String(at).padStart(4)} ${'  '.repeat(depth)}${text}`)
    say(lines.join('\n'))
  }
  say(`\nMemory on ${device}\n\n${memoryTable({ memory, peak }, forward)}`)
}

/** A device that computes nothing and holds nothing, for the plans of another one. */
const nothing = (device: 'wasm' | 'reference'): Backend => ({
  name: 'none',
  description: 'plans alone',
  sliceBytes: device === 'wasm' ? SLICE_BYTES : undefined,
  heldBytes: 0,
  createVariable: () => {},
  writeVariable: () => {},
  deleteVariable: () => {},
  readVariable: async () => new Float32Array(0),
  load: () => {
    throw new Error('a device for plans runs none')
  },
  close: () => {},
})

const planStep = (model: Rmaat, options: StepOptions): Plan =>
  plan(
    model.device,
    stepInputs(options.batch, model.config),
    trainingStep(model, new AdamW(model.parameters), options),
    compiling(),
  )

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
    ['  replay', memory.replay, 'of the arena: memory tokens that replay keeps'],
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
