import { z } from 'zod'
import { aString, kind, takes } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import { aDevice, type Device } from '../program/device.ts'
import { type ModelConfig, modelConfig, type Source, settingSources, sourceOf } from '../rmaat/config.ts'
import { aModel, Rmaat } from '../rmaat/model.ts'
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
 */
export async function save(model: Rmaat, beside: Configuration = {}, version = ''): Promise<Uint8Array> {
  takes('saveWeights', { model, beside, version }, { model: aModel, beside: aConfiguration, version: aString })
  const { named, variable } = model.parameters
  const values = await model.device.readVariable(variable)
  const tensors = named.map(({ name, offset, tensor: { shape } }): [string, StoredTensor] => {
    const size = shape.reduce((product, axis) => product * axis, 1)
    return [name, { dtype: 'F32', shape, data: Float32Array.from(values.subarray(offset, offset + size)) }]
  })
  const configuration = { ...taggedModel(model.config), ...beside }
  return writeSafetensors(new Map(tensors), { configuration: JSON.stringify(configuration), rmaat: version })
}

const configurationSchema = z.record(
  z.string(),
  z.object({ value: z.unknown(), source: z.enum(['paper', 'choice']), meaning: z.string() }),
)

const aConfiguration = kind(
  'settings by name, each { value, source, meaning }',
  (value) => configurationSchema.safeParse(value).success && z.json().safeParse(value).success,
)

/**
 * The model of a file that `save` has made, and the whole configuration in it. `where` names the file in errors, which
 * are all of code `data`; after one of them nothing stays on the device.
 */
export function load(
  device: Device,
  bytes: Uint8Array,
  where = 'weights',
): { model: Rmaat; configuration: Configuration } {
  takes('loadWeights', { device, where }, { device: aDevice, where: aString })
  let model: Rmaat | undefined
  try {
    const { tensors, metadata } = readSafetensors(bytes)
    const configuration = readConfiguration(metadata.configuration)
    const keys = Object.keys(settingSources)
    const missing = keys.filter((key) => !(key in configuration))
    if (missing.length) throw new RmaatError('data', `the configuration has no ${missing.join(', no ')}`)
    model = new Rmaat(device, modelConfig(Object.fromEntries(keys.map((key) => [key, configuration[key].value]))))
    loadWeights(model, tensors, '')
    return { model, configuration }
  } catch (cause) {
    model?.close()
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

/** Sets a model's parameters to the tensors called `prefix` + name. */
export function loadWeights(model: Rmaat, tensors: ReadonlyMap<string, StoredTensor>, prefix = 'weight.'): void {
  const { named, variable } = model.parameters
  const values = new Float64Array(variable.shape[0])
  for (const { name, spec, offset } of named) {
    const found = tensors.get(prefix + name)
    if (!found) throw new RmaatError('data', `the file has no tensor '${prefix + name}'`)
    if (`${found.shape}` !== `${spec.shape}`) {
      throw new RmaatError('data', `'${prefix + name}' is [${found.shape}] in the file, [${spec.shape}] in the model`)
    }
    values.set(found.data, offset)
  }
  const known = new Set(named.map(({ name }) => prefix + name))
  const unknown = [...tensors.keys()].filter((name) => name.startsWith(prefix) && !known.has(name))
  if (unknown.length) throw new RmaatError('data', `the model has no place for ${unknown.join(', ')}`)
  model.device.write(variable, values)
}
