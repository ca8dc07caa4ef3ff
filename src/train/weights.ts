import { z } from 'zod'
import { aString, kind, takes } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import { specsOf } from '../nn/parameters.ts'
import { readSafetensors, type StoredTensor } from '../nn/safetensors.ts'
import { checkTensors, saveParameters, write } from '../nn/weights.ts'
import { aDevice, type Device } from '../program/device.ts'
import { type ModelConfig, modelConfig, type Source, settingSources, sourceOf } from '../rmaat/config.ts'
import { aModel, parameterTree, Rmaat } from '../rmaat/model.ts'

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
  const configuration = { ...taggedModel(model.config), ...beside }
  return saveParameters(model.parameters, { configuration: JSON.stringify(configuration), rmaat: version })
}

const configurationSchema = z.record(
  z.string(),
  z.object({ value: z.unknown(), source: z.enum(['paper', 'choice']), meaning: z.string() }),
)

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
  checkTensors(specsOf(parameterTree(config)), tensors, { prefix })
  const model = new Rmaat(device, config)
  write(model.parameters, tensors, prefix)
  return model
}
