import { readFileSync } from 'node:fs'
import { type Command, Option } from 'commander'
import { RmaatError } from '../errors.ts'
import { models } from '../models/index.ts'
import { type Configuration, modelSetting } from '../models/weights.ts'
import { decode, whyRefused } from '../runtime/files.ts'
import { checkSetting, choiceOf } from '../settings.ts'
import { abouts, type TaskName } from '../tasks/index.ts'
import { absolute, typed } from './paths.ts'
import { type Entries, presets } from './presets.ts'
import { check, type Given, modelSettings, namesOf, type SettingName, settings, taskSettings } from './settings.ts'

const presetSetting = {
  range: choiceOf(Object.keys(presets)),
  default: undefined,
  source: 'choice',
  meaning: 'settings to begin with, over which those of a --config file win, and flags over both; `presets` lists them',
} as const

/** Adds the flags for settings that were put together before. */
export const addPresetAndConfig = (command: Command): Command =>
  command
    .addOption(
      new Option('--preset <name>', `${presetSetting.meaning}${namesOf(presetSetting.range)}`).argParser((name) =>
        checkSetting(presetSetting, name, '--preset'),
      ),
    )
    .option(
      '--config <file>',
      'JSON file with any of the settings by name (segmentLength for --segment-length), such as the config.json of a run; flags win',
    )

/**
 * The settings of a command line: those of its preset, over them those of its `--config` file, and over both its flags.
 * `model` is what they are for where they do not say it.
 */
export function givenEntries(
  { preset, config, ...options }: Readonly<Record<string, unknown>>,
  model: string = modelSetting.default,
): Entries {
  const flags = Object.entries(options).filter(([name]) => name in settings)
  // a file that was changed by hand may have kept the source of another value
  const file = typeof config === 'string' ? valuesOf(readConfiguration(config)) : {}
  const over: Entries = Object.fromEntries(
    [...Object.entries(file), ...flags].map(([name, value]) => [name, { value }]),
  )
  const given = {
    ...(typeof preset === 'string' ? ofPreset(preset, { model: { value: model }, ...over }) : {}),
    ...over,
  }
  // what is kept of them must be found again from another folder
  const paths = ['data', 'weights'].filter((name) => given[name] !== undefined)
  return {
    ...given,
    ...Object.fromEntries(paths.map((name) => [name, { value: absolute(given[name].value as string) }])),
  }
}

/** Their values. */
export const valuesOf = (entries: Entries): Given =>
  Object.fromEntries(Object.entries(entries).map(([name, { value }]) => [name, value]))

/** The values of a command line's settings: see givenEntries. */
export const givenSettings = (...given: Parameters<typeof givenEntries>): Given => valuesOf(givenEntries(...given))

/** A configuration in which the values that were given have the source that was given with them. */
export const withSources = (configuration: Configuration, given: Entries): Configuration =>
  Object.fromEntries(
    Object.entries(configuration).map(([name, entry]) => {
      const { value, source } = given[name] ?? {}
      return [name, source && value === entry.value ? { ...entry, source } : entry]
    }),
  )

/**
 * A preset without what the model has no such setting for, and where files are read without what is of examples made here.
 * @throws RmaatError 'config' where another task is given, which has no such setting
 */
function ofPreset(preset: string, over: Entries): Entries {
  const { model, data, task } = over
  const { settings: all } = presets[preset]
  const foreign = task && Object.keys(all).find((name) => !(name in over) && isOfOthers(name, task.value as TaskName))
  if (foreign !== undefined)
    throw new RmaatError(
      'config',
      `the preset ${preset} sets ${foreign}, which the task ${task!.value} does not have; expected the task ${all.task.value}, or another preset`,
    )
  const own = models[model.value as string].settings
  const ofTask = Object.keys(abouts[all.task.value as TaskName].settings)
  const made = data && ofTask.includes('seed') ? ofTask.filter((name) => !name.startsWith('segment')) : []
  const isOfUse = (name: string): boolean => !made.includes(name) && (!modelSettings.includes(name) || name in own)
  return Object.fromEntries(Object.entries(all).filter(([name]) => isOfUse(name)))
}

/** Whether it is a setting of other tasks alone. */
const isOfOthers = (name: SettingName, task: TaskName): boolean =>
  name !== 'task' && taskSettings.includes(name) && !(name in abouts[task].settings)

/** The settings of a file as `--config` takes it, checked. */
export function readConfiguration(path: string): Entries {
  const fail = (message: string, cause?: unknown): never => {
    throw new RmaatError('config', `${path}: ${message}`, { cause })
  }
  let bytes = new Uint8Array()
  try {
    bytes = readFileSync(typed(path))
  } catch (cause) {
    fail(`expected a JSON file, but ${whyRefused(cause)}`, cause)
  }
  let content: unknown
  try {
    content = JSON.parse(decode(bytes, path))
  } catch (cause) {
    fail(`expected a JSON object: ${(cause as Error).message}`, cause)
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    fail('expected a JSON object of settings by name')
  }
  return Object.fromEntries(
    Object.entries(content as object).map(([name, entry]) => {
      if (!Object.hasOwn(settings, name)) {
        fail(`no setting is called ${name}; there are ${Object.keys(settings).join(', ')}`)
      }
      // config.json of a run tags each value
      const tagged = typeof entry === 'object' && entry !== null && 'value' in entry
      const { value, source } = tagged ? entry : { value: entry, source: undefined }
      const known = source === 'paper' || source === 'choice' ? { source } : {}
      return [name, { value: check(name, value, `${path}: ${name}`), ...known }]
    }),
  )
}
