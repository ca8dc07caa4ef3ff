import { openDevice } from '../backends/open.ts'
import { RmaatError } from '../errors.ts'
import type { Device } from '../program/device.ts'
import type { Memory } from '../program/plan.ts'
import { type ModelConfig, modelConfig, settingSources } from '../rmaat/config.ts'
import { type Task, type TaskName, tasks } from '../tasks/index.ts'
import { listops } from '../tasks/listops.ts'
import { text } from '../tasks/text.ts'
import { type Given, type SettingName, taskSettings } from './settings.ts'
import { bytes, notice } from './terminal.ts'

/** Which settings a task has beside its segments. */
const own: Readonly<Record<TaskName, readonly SettingName[]>> = {
  cue: [],
  order: [],
  add: [],
  listops: ['data', 'minLength', 'maxLength', 'maxDepth', 'maxArguments', 'trainExamples'],
  text: ['data', 'length', 'columns', 'labels'],
}

function checkTaskSettings(given: Given, task: TaskName): void {
  const common: SettingName[] = ['task', 'segments', 'segmentLength']
  const wrong = taskSettings.find(
    (name) => given[name] !== undefined && !common.includes(name) && !own[task].includes(name),
  )
  if (wrong === undefined) return
  const users = Object.entries(own).flatMap(([name, settings]) => (settings.includes(wrong) ? [name] : []))
  throw new RmaatError('config', `${wrong} is a setting of ${users.join(' and ')}, but the task is ${task}`)
}

/** Makes the task, reading its files. What is not given follows from the task. */
export async function makeTask(given: Given & { task: TaskName }): Promise<Task> {
  const { task, data, segments, segmentLength, length, columns, labels, testExamples } = given
  const { minLength, maxLength, maxDepth, maxArguments, trainExamples } = given
  checkTaskSettings(given, task)
  const sizes = { segments, segmentLength }
  const seed = given.seed ?? 0
  const limits = { minLength, maxLength, maxDepth, maxArguments, trainExamples }
  const made = await {
    cue: () => tasks.cue({ ...sizes, seed }),
    order: () => tasks.order({ ...sizes, seed }),
    add: () => tasks.add({ ...sizes, seed }),
    listops: () => listops(data === undefined ? { ...sizes, ...limits, seed } : { ...sizes, ...limits, folder: data }),
    text: () => {
      if (data === undefined) {
        throw new RmaatError('config', 'the task text reads files: name their folder, or a .tsv file, with --data')
      }
      return text({ ...sizes, path: data, length, columns, labels })
    },
  }[task]()
  if (testExamples === undefined || testExamples >= made.test.length) return made
  const notes = made.notes && [...made.notes, `${testExamples} of those to test with are used`]
  return { ...made, test: made.test.slice(0, testExamples), notes }
}

/** What the task is, and what there is to know of its data. */
export function sayTask({ name, description, notes = [] }: Task): void {
  notice(`task     ${name}: ${description}`)
  for (const note of notes) notice(`         ${note}`)
}

type Sizes = Pick<Task, 'segments' | 'segmentLength' | 'vocabulary' | 'classes'>

/**
 * The sizes that a task gives the model, without making its examples at the lengths asked for: explaining a program for
 * half a million tokens needs no token of them.
 */
export async function sizesOf(given: Given & { task: TaskName }): Promise<Sizes> {
  const { task, data, segments, segmentLength, vocabulary, classes } = given
  checkTaskSettings(given, task)
  const made: Sizes =
    data !== undefined
      ? await makeTask(given)
      : task === 'text'
        ? { segments: 8, segmentLength: 512, vocabulary: 257, classes: 2 }
        : await makeTask({ task })
  return {
    segments: segments ?? made.segments,
    segmentLength: segmentLength ?? made.segmentLength,
    vocabulary: vocabulary ?? made.vocabulary,
    classes: classes ?? made.classes,
  }
}

/** The model's whole configuration, of what was given and of the task's sizes. */
export function modelFor(given: Given, sizes: Sizes): ModelConfig {
  for (const name of ['vocabulary', 'classes'] as const) {
    if (given[name] !== undefined && given[name] !== sizes[name]) {
      throw new RmaatError('config', `${name} is ${given[name]}, but the task has ${sizes[name]}`)
    }
  }
  const names = Object.keys(settingSources) as (keyof ModelConfig)[]
  const chosen = Object.fromEntries(names.flatMap((name) => (given[name] === undefined ? [] : [[name, given[name]]])))
  const { segments, segmentLength, vocabulary, classes } = sizes
  return modelConfig({ ...chosen, segments, segmentLength, vocabulary, classes })
}

/** Opens the fastest device that is here. Where this has to be the slow one, it says why. */
export const openAuto = (threads?: number): Promise<Device> =>
  openDevice('auto', { threads }).catch((error) => {
    if (!(error instanceof RmaatError)) throw error
    notice(`device   no WebAssembly (${error.message}): the reference computes instead, a hundred times slower`)
    return openDevice('reference')
  })

/** Opens the device of the settings and says which. */
export async function openAndSay({ device: name = 'auto', threads }: Given): Promise<Device> {
  const device = await (name === 'auto' ? openAuto(threads) : openDevice(name, { threads }))
  notice(`device   ${device.name}: ${device.backend.description}`)
  return device
}

export type PlannedMemory = Memory & { readonly workspace: number }

/** What a device takes for a plan, in bytes: the reference holds every element as a double. */
export function memoryOn(device: string, { arena, replay, inputs, variables, workspace }: PlannedMemory) {
  const scale = device === 'reference' ? 2 : 1
  const memory = {
    arena: arena * scale,
    replay: replay * scale,
    inputs: inputs * scale,
    variables: variables * scale,
    workspace,
  }
  return { memory, peak: memory.arena + memory.inputs + memory.variables + workspace }
}

/** `7.65 MiB planned: 6.40 MiB for results (192 KiB of them memory tokens kept for replay), ...` */
export function memoryInWords({ memory, peak }: ReturnType<typeof memoryOn>): string {
  const replay = memory.replay > 0 ? ` (${bytes(memory.replay)} of it for memory tokens that replay keeps)` : ''
  return `${bytes(peak)} planned: ${bytes(memory.arena)} of arena${replay}, ${bytes(memory.variables)} of variables, ${bytes(memory.inputs + memory.workspace)} of inputs and workspace`
}
