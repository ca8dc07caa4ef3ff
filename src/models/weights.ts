import { aString, kind, ofJson, takes } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import type { Config, ConfiguredModel } from '../nn/kind.ts'
import { readSafetensors, type StoredTensor } from '../nn/safetensors.ts'
import { checkSignature } from '../nn/signature.ts'
import { madeWith, saveParameters } from '../nn/weights.ts'
import { aDevice, type Device } from '../program/device.ts'
import { choiceOf, type Source } from '../settings.ts'
import { models } from './index.ts'

/** Settings by name, each with its meaning and whether the paper fixes its value or we chose it. */
export type Configuration = Readonly<Record<string, TaggedSetting>>
export interface TaggedSetting {
  readonly value: unknown
  readonly source: Source
  readonly meaning: string
}

/** Which of `models` a file or a command is about. */
export const modelSetting = {
  range: choiceOf(Object.keys(models)),
  default: 'rmaat',
  source: 'choice',
  meaning: 'what is trained; `models` lists them',
} as const

/** A model's settings, tagged. */
export function taggedModel({ name, config }: Pick<ConfiguredModel, 'name' | 'config'>): Configuration {
  const values: Readonly<Record<string, unknown>> = { ...config, model: name }
  return Object.fromEntries(
    Object.entries({ model: modelSetting, ...models[name].settings }).map(([key, setting]) => {
      const { default: standard, source, meaning } = setting
      return [key, { value: values[key], source: values[key] === standard ? source : 'choice', meaning }]
    }),
  )
}

const aConfiguredModel = kind(
  'a model of this package',
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    'config' in value &&
    'name' in value &&
    Object.hasOwn(models, value.name as string),
)

/**
 * A model as a safetensors file: its parameters as F32 under their own names (`blocks.0.norm1.gain`), and in the metadata
 * its whole configuration as JSON, with the settings of `beside` (task, training) after the model's.
 * @throws RmaatError 'diverged' for parameters that are not finite: they are of no use, and no file should be lost for them
 */
export async function save(model: ConfiguredModel, beside: Configuration = {}, version = ''): Promise<Uint8Array> {
  takes(
    'saveWeights',
    { model, beside, version },
    { model: aConfiguredModel, beside: aConfiguration, version: aString },
  )
  const configuration = { ...taggedModel(model), ...beside }
  return saveParameters(model.parameters, { configuration: JSON.stringify(configuration), rmaat: version })
}

const isTagged = (entry: unknown): boolean =>
  typeof entry === 'object' &&
  entry !== null &&
  'source' in entry &&
  'meaning' in entry &&
  ['paper', 'choice'].includes(entry.source as string) &&
  typeof entry.meaning === 'string'

export const isConfiguration = (value: unknown): value is Configuration =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(isTagged)

const aConfiguration = kind(
  'settings by name, each { value, source, meaning } of JSON',
  (value) => isConfiguration(value) && ofJson.fits(value),
)

/** What a file that `save` has made says of its model, and the tensors in it, of which nothing is on a device. */
export interface Saved {
  readonly name: string
  readonly config: Config
  readonly tensors: ReadonlyMap<string, StoredTensor>
  readonly configuration: Configuration
}

/**
 * Reads a file that `save` has made. A setting of the model that it does not have keeps its default, as a file of an earlier
 * version has fewer; what is no setting of the model stays in the configuration. `where` names the file in errors, which are all
 * of code `data`; `use` is what is made of it, whose errors are told of in the same way.
 */
export function readSaved<Made>(bytes: Uint8Array, where: string, use: (saved: Saved) => Made): Made {
  try {
    const { tensors, metadata } = readSafetensors(bytes)
    checkSignature(tensors, metadata)
    const configuration = readConfiguration(metadata.configuration)
    const name = configuration.model?.value ?? modelSetting.default
    takes('the configuration', { model: name }, { model: modelSetting.range })
    const { settings, configure } = models[name as string]
    const known = Object.keys(settings).filter((key) => Object.hasOwn(configuration, key))
    const config = configure(Object.fromEntries(known.map((key) => [key, configuration[key].value])))
    return use({ name: name as string, config, tensors, configuration })
  } catch (cause) {
    if (cause instanceof RmaatError) throw new RmaatError('data', `${where}: ${cause.message}`, { cause })
    throw cause
  }
}

/** The model of a file that `save` has made, and the whole configuration in it; see `readSaved`. After an error nothing stays on the device. */
export function load(
  device: Device,
  bytes: Uint8Array,
  where = 'weights',
): { model: ConfiguredModel; configuration: Configuration } {
  takes('loadWeights', { device, where }, { device: aDevice, where: aString })
  return readSaved(bytes, where, ({ name, config, tensors, configuration }) => {
    const { parameters, make } = models[name]
    return { model: madeWith(parameters(config), tensors, '', () => make(device, config)), configuration }
  })
}

function readConfiguration(text: string | undefined): Configuration {
  if (text === undefined) {
    throw new RmaatError(
      'data',
      "the metadata holds no 'configuration'; expected a file of saveWeights or of `rmaat train` (tensors alone: loadParameters)",
    )
  }
  const foreign = (cause?: unknown): RmaatError =>
    new RmaatError('data', "the metadata's 'configuration' is not one that `rmaat train` writes", { cause })
  let configuration: unknown
  try {
    configuration = JSON.parse(text)
  } catch (cause) {
    throw foreign(cause)
  }
  if (!isConfiguration(configuration)) throw foreign()
  return configuration as Configuration
}
