import { z } from 'zod'
import { aString, kind, shown, takes } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import { specsOf } from '../nn/parameters.ts'
import { aDevice, type Device } from '../program/device.ts'
import { type ModelConfig, modelConfig, type Source, settingSources, sourceOf } from '../rmaat/config.ts'
import { aModel, parameterTree, Rmaat } from '../rmaat/model.ts'
import { sizeOf } from '../tensor/shape.ts'
import { readSafetensors, type StoredTensor, writeSafetensors } from './safetensors.ts'

/** Settings by name, each with its meaning and whether the paper fixes its value or we chose it. */
export type Configuration = Readonly<Record<string, TaggedSetting>>
export interface TaggedSetting {
  readonly value: unknown
  readonly source: Source
  readonly meaning: string
}

/** A model's settings, tagged. */
export const taggedModel = (config: ModelConfig): Configuration =>
  Object.fromEntries(
    (Object.keys(config) as (keyof ModelConfig)[]).map((key) => {
      const value = config[key]
      return [key, { value, source: sourceOf(key, value), meaning: settingSources[key].meaning }]
    }),
  )

/**
 * A model as a safetensors file: its parameters as F32 under their own names (`blocks.0.norm1.gain`), and in the metadata
 * its whole configuration as JSON, with the settings of `beside` (task, training) after the model's.
 * @throws RmaatError 'diverged' for parameters that are not finite: they are of no use, and no file should be lost for them
 */
export async function save(model: Rmaat, beside: Configuration = {}, version = ''): Promise<Uint8Array> {
  takes('saveWeights', { model, beside, version }, { model: aModel, beside: aConfiguration, version: aString })
  const { named, variable } = model.parameters
  const values = await model.device.readVariable(variable)
  const tensors = named.map(({ name, offset, tensor: { shape } }): [string, StoredTensor] => {
    const data = Float32Array.from(values.subarray(offset, offset + sizeOf(shape)))
    checkFinite(`save: the parameter ${name}`, data)
    return [name, { dtype: 'F32', shape, data }]
  })
  const configuration = { ...taggedModel(model.config), ...beside }
  return writeSafetensors(new Map(tensors), { configuration: JSON.stringify(configuration), rmaat: version })
}

const configurationSchema = z.record(
  z.string(),
  z.object({ value: z.unknown(), source: z.enum(['paper', 'choice']), meaning: z.string() }),
)

/** Throws where a number is not finite in float32, with its place. */
function checkFinite(what: string, data: ArrayLike<number>): void {
  for (let i = 0; i < data.length; i++) {
    if (Number.isFinite(Math.fround(data[i]))) continue
    throw new RmaatError('diverged', `${what} is ${data[i]} at element ${i}: expected finite numbers of float32`)
  }
}

const aConfiguration = kind('settings by name, each { value, source, meaning } of JSON', (value) => {
  try {
    return configurationSchema.safeParse(value).success && z.json().safeParse(value).success
  } catch {
    return false // nested deeper than the stack
  }
})

/**
 * The model of a file that `save` has made, and the whole configuration in it. A setting of the model that the file does not
 * have keeps its default, as a file of an earlier version has fewer; what is no setting of the model stays in the configuration.
 * `where` names the file in errors, which are all of code `data`; after one of them nothing stays on the device.
 */
export function load(
  device: Device,
  bytes: Uint8Array,
  where = 'weights',
): { model: Rmaat; configuration: Configuration } {
  takes('loadWeights', { device, where }, { device: aDevice, where: aString })
  try {
    const { tensors, metadata } = readSafetensors(bytes)
    const configuration = readConfiguration(metadata.configuration)
    const known = Object.keys(settingSources).filter((key) => Object.hasOwn(configuration, key))
    const settings = Object.fromEntries(known.map((key) => [key, configuration[key].value]))
    return { model: modelOf(device, settings, tensors, ''), configuration }
  } catch (cause) {
    if (cause instanceof RmaatError) throw new RmaatError('data', `${where}: ${cause.message}`, { cause })
    throw cause
  }
}

function readConfiguration(text: string | undefined): Configuration {
  if (text === undefined) {
    throw new RmaatError('data', "the metadata holds no 'configuration': the file was not written by `rmaat train`")
  }
  try {
    return configurationSchema.parse(JSON.parse(text)) as Configuration
  } catch (cause) {
    throw new RmaatError('data', "the metadata's 'configuration' is not one that `rmaat train` writes", { cause })
  }
}

/**
 * The model with these settings whose parameters are the tensors called `prefix` + name. All that the settings ask for is
 * compared with what the tensors hold before anything is made of it.
 */
export function modelOf(
  device: Device,
  settings: Partial<ModelConfig>,
  tensors: ReadonlyMap<string, StoredTensor>,
  prefix = 'weight.',
): Rmaat {
  const config = modelConfig(settings)
  checkTensors(config, tensors, prefix)
  const model = new Rmaat(device, config)
  const { named, variable } = model.parameters
  const values = new Float64Array(variable.shape[0])
  for (const { name, offset } of named) values.set(tensors.get(prefix + name)!.data, offset)
  device.write(variable, values)
  return model
}

function checkTensors(config: ModelConfig, tensors: ReadonlyMap<string, StoredTensor>, prefix: string): void {
  const specs = specsOf(parameterTree(config)).map(({ name, spec }) => ({ name: prefix + name, shape: spec.shape }))
  const known = new Set(specs.map(({ name }) => name))
  const missing = [...known].filter((name) => !tensors.has(name))
  const surplus = [...tensors.keys()].filter((name) => name.startsWith(prefix) && !known.has(name))
  const faults = [
    ...(missing.length ? [`the file has no tensor ${listed(missing)}`] : []),
    ...(surplus.length ? [`the model has no place for ${listed(surplus)}`] : []),
  ]
  if (faults.length) throw new RmaatError('data', faults.join('; '))
  for (const { name, shape } of specs) {
    const { dtype, shape: found, data } = tensors.get(name)!
    if (dtype === 'I32') throw new RmaatError('data', `${shown(name)} is I32 in the file: expected F32 or F64`)
    if (found.length !== shape.length || found.some((size, axis) => size !== shape[axis])) {
      throw new RmaatError('data', `${shown(name)} is ${shown(found)} in the file, ${shown(shape)} in the model`)
    }
    checkFinite(shown(name), data)
  }
}

/** Some names, and how many more there are. */
function listed(names: readonly string[]): string {
  const some = names.slice(0, 5).map((name) => shown(name))
  return names.length > some.length ? `${some.join(', ')} and ${names.length - some.length} more` : some.join(', ')
}
