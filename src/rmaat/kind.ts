import { RmaatError } from '../errors.ts'
import { kindOf, type ModelKind } from '../nn/kind.ts'
import { type ModelConfig, modelConfig } from './config.ts'
import { Rmaat } from './model.ts'
import { parameterTree } from './parameters.ts'
import { settingSources } from './sources.ts'
import { Stream } from './stream.ts'

type Name = keyof ModelConfig

/** Of this class, and of those made of it. */
const stream: ModelKind['stream'] = (model, options) => new Stream(model as unknown as Rmaat, options)

export const count = (n: number, noun: string): string => `${n.toLocaleString('en-US')} ${noun}${n === 1 ? '' : 's'}`

const inWords = ({ segments, segmentLength, memory, width, layers }: ModelConfig): string =>
  `${count(segments, 'segment')} of ${segmentLength.toLocaleString('en-US')} tokens, ${memory} memory tokens, width ${width}, ${count(layers, 'layer')}`

/** RMAAT, with all of its settings. */
export const rmaat = kindOf<ModelConfig>({
  description: 'the recurrent memory augmented astromorphic transformer',
  settings: settingSources,
  configure: modelConfig,
  parameters: parameterTree,
  make: (device, config) => new Rmaat(device, config),
  stream,
  inWords,
})

/**
 * What a model on these settings takes of them: all but `fixed`, which make it what it is, and those in `useless`, which it
 * has no use for. A value given for one of these is an error, but for what it is in the whole configuration.
 */
export function without(
  name: string,
  fixed: Partial<ModelConfig>,
  useless: readonly string[],
): Pick<ModelKind, 'settings'> & { configure(given: Partial<ModelConfig>): ModelConfig } {
  const gone = [...Object.keys(fixed), ...useless]
  return {
    settings: Object.fromEntries(Object.entries(settingSources).filter(([key]) => !gone.includes(key))),
    configure(given) {
      const own = Object.entries(given).filter(([key]) => !gone.includes(key))
      const config = modelConfig({ ...Object.fromEntries(own), ...fixed })
      const wrong = gone.find((key) => ![undefined, config[key as Name]].includes(given[key as Name]))
      if (wrong !== undefined) throw new RmaatError('config', `${wrong} is no setting of the model ${name}`)
      return config
    },
  }
}

/** RMAAT with some settings that are what makes it another model, and others that are then of no use. */
export function special(
  name: string,
  description: string,
  fixed: Partial<ModelConfig>,
  useless: readonly (keyof ModelConfig)[],
): ModelKind {
  class Special extends Rmaat {
    override readonly name = name
  }
  return kindOf<ModelConfig>({
    description,
    ...without(name, fixed, useless),
    parameters: parameterTree,
    make: (device, config) => new Special(device, config),
    stream,
    inWords,
  })
}
