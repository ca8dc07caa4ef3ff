import { openDevice } from '../backends/open.ts'
import { RmaatError } from '../errors.ts'
import { models } from '../models/index.ts'
import type { Config, ConfiguredModel } from '../nn/kind.ts'
import { wrongBackward } from '../nn/model.ts'
import type { Device } from '../program/device.ts'
import { abouts, type Task, type TaskName, tasks } from '../tasks/index.ts'
import { type RetrievalSettings, towersOf } from '../tasks/retrieval.ts'
import { checkAnswers } from '../tasks/task.ts'
import type { memoryOn } from '../train/planner.ts'
import { type Given, modelSettings, recurs, type SettingName, settingName, taskSettings } from './settings.ts'
import { bytes, notice } from './terminal.ts'

/** The settings of a task by their names in the command. */
const settingsOfTask = (task: TaskName): Map<SettingName, string> =>
  new Map(Object.keys(abouts[task].settings).map((name) => [settingName(name), name]))

/** What was given of a task's settings, by their own names. */
function given(settings: Given, task: TaskName): Record<string, unknown> {
  const own = settingsOfTask(task)
  const wrong = taskSettings.find((name) => name !== 'task' && settings[name] !== undefined && !own.has(name))
  if (wrong !== undefined) {
    const users = (Object.keys(abouts) as TaskName[]).filter((name) => settingsOfTask(name).has(wrong))
    throw new RmaatError('config', `${wrong} is a setting of ${users.join(' and ')}, but the task is ${task}`)
  }
  return Object.fromEntries([...own].map(([here, name]) => [name, settings[here]]))
}

/** Throws where the task is of use to a causal model alone, and the model is none; no file is read for that. */
export const checkCausal = ({ task, causal }: Given & { task: TaskName }): void =>
  checkAnswers(task, abouts[task].everywhere, causal)

/** Makes the task, reading its files. What is not given follows from the task. */
export async function makeTask(settings: Given & { task: TaskName }): Promise<Task> {
  const { task, data, testExamples, validationExamples } = settings
  const own = given(settings, task)
  const isRead = settingsOfTask(task).has('data')
  const isMade = 'seed' in abouts[task].settings
  if (isRead && !isMade && data === undefined) {
    const what = task === 'text' ? 'their folder, or a .tsv file,' : 'what it reads'
    throw new RmaatError('config', `the task ${task} reads files: name ${what} with --data`)
  }
  // files are as they are: nothing of them is drawn
  const { seed, ...ofFiles } = own
  const make = tasks[task] as (settings: object) => Task | Promise<Task>
  const made = await make(isRead && data !== undefined ? ofFiles : { ...own, ...(isMade ? { seed: seed ?? 0 } : {}) })
  if (validationExamples !== undefined && made.validation.length === 0)
    throw new RmaatError('data', `${data}: expected examples for validation, or no validationExamples; found none`)
  if (testExamples === undefined || testExamples >= made.test.length) return made
  const notes = made.notes && [...made.notes, `${testExamples} of those to test with are used`]
  return { ...made, test: made.test.slice(0, testExamples), notes }
}

/** What the task is, and what there is to know of its data. */
export function sayTask({ name, description, notes = [] }: Task): void {
  notice(`task     ${name}: ${description}`)
  for (const note of notes) notice(`         ${note}`)
}

type Sizes = Pick<Task, 'segments' | 'segmentLength' | 'vocabulary' | 'classes' | 'towers'>

/** Token ids and classes that tasks have by the files that they are usually given. */
const ofUsualFiles: Partial<Record<TaskName, readonly [vocabulary: number, classes: number]>> = {
  text: [257, 2],
  retrieval: [258, 2],
  image: [257, 10],
  bytes: [257, 256],
}

/**
 * The sizes that a task gives the model, without making its examples at the lengths asked for: explaining a program for
 * half a million tokens needs no token of them.
 */
export async function sizesOf(settings: Given & { task: TaskName }): Promise<Sizes> {
  const { task, data, segments, segmentLength } = settings
  given(settings, task)
  const { [task]: usual } = data === undefined ? ofUsualFiles : {}
  const of = (name: 'segments' | 'segmentLength'): number => abouts[task].settings[name].default as number
  const made: Sizes = usual
    ? { segments: of('segments'), segmentLength: of('segmentLength'), vocabulary: usual[0], classes: usual[1] }
    : await makeTask(data === undefined ? { task } : settings)
  return {
    segments: segments ?? made.segments,
    segmentLength: segmentLength ?? made.segmentLength,
    vocabulary: (settings.vocabulary as number | undefined) ?? made.vocabulary,
    classes: (settings.classes as number | undefined) ?? made.classes,
    towers: towersOf[(settings as Partial<RetrievalSettings>).protocol ?? 'one-stream'],
  }
}

/** The model's name and whole configuration, of what was given and of the task's sizes. */
export function modelFor(given: Given, sizes: Sizes): { readonly name: string; readonly config: Config } {
  const { model: name = 'rmaat' } = given
  const { settings, configure } = models[name]
  for (const size of ['vocabulary', 'classes', 'towers'] as const) {
    if (given[size] !== undefined && given[size] !== (sizes[size] ?? 1)) {
      throw new RmaatError('config', `${size} is ${given[size]}, but the task has ${sizes[size]}`)
    }
  }
  const wrong = modelSettings.find((key) => key !== 'model' && given[key] !== undefined && !(key in settings))
  if (wrong !== undefined) throw new RmaatError('config', `${wrong} is no setting of the model ${name}`)
  const { segments, segmentLength, vocabulary, classes, towers } = sizes
  const muddled = wrongBackward(given, recurs(name) ? segments : undefined)
  if (muddled) throw new RmaatError('config', muddled)
  const beside = given.memoryBudget && (['keep', 'hold'] as const).find((name) => given[name] !== undefined)
  if (beside)
    throw new RmaatError(
      'config',
      `memoryBudget and ${beside} are given; expected one of them, since a budget says what is kept and held`,
    )
  const all: Config = { ...given, segments, segmentLength, vocabulary, classes, towers }
  const own = Object.keys(settings).filter((key) => all[key] !== undefined)
  return { name, config: configure(Object.fromEntries(own.map((key) => [key, all[key]]))) }
}

/** The model of that name and configuration. */
export const makeModel = (device: Device, { name, config }: ReturnType<typeof modelFor>): ConfiguredModel =>
  models[name].make(device, config)

/** `head,blocks.1` -> the parts of names in it. */
export const namesIn = (text: string | undefined): readonly string[] | undefined =>
  text?.split(',').map((name) => name.trim())

/** Opens the device of the settings and says which. */
export async function openAndSay({ device: name = 'auto', threads }: Given): Promise<Device> {
  const device = await openDevice(name, { threads })
  notice(`device   ${device.name}: ${device.backend.description}`)
  return device
}

/** `7.65 MiB planned: 6.40 MiB for results (192 KiB of them memory tokens kept for replay), ...` */
export function memoryInWords({ memory, peak }: ReturnType<typeof memoryOn>): string {
  const replay = memory.replay > 0 ? ` (${bytes(memory.replay)} of it for memory tokens that replay keeps)` : ''
  return `${bytes(peak)} planned: ${bytes(memory.arena)} of arena${replay}, ${bytes(memory.variables)} of variables, ${bytes(memory.inputs + memory.workspace)} of inputs and workspace`
}
