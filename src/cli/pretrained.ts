import { isAbsolute } from 'node:path'
import { shown } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import { models } from '../models/index.ts'
import { type Configuration, readSaved, type Saved } from '../models/weights.ts'
import type { ConfiguredModel } from '../nn/kind.ts'
import { type NamedParameter, specsOf } from '../nn/parameters.ts'
import { checkTensors, loadParameters } from '../nn/weights.ts'
import { sameShape } from '../tensor/shape.ts'
import { valuesOf } from './given.ts'
import { readWeights } from './paths.ts'
import type { modelFor } from './prepare.ts'
import type { Entries } from './presets.ts'
import { check, type Given, type SettingName, settings, taskSettings } from './settings.ts'
import { notice, plural } from './terminal.ts'

/** A model's sizes that follow from its task: of a model for another task, what they shape begins anew. */
const OF_TASK = ['vocabulary', 'classes', 'towers']

/** The weights that a training begins with, where some are given. */
export async function pretrained({ weights }: Entries): Promise<Pretrained | undefined> {
  if (weights === undefined) return undefined
  const path = weights.value as string
  return readSaved(await readWeights(path), path, (saved) => new Pretrained(path, saved))
}

/** Weights of a file that `train` has written, to begin with. */
export class Pretrained {
  private readonly path: string
  private readonly saved: Saved

  constructor(path: string, saved: Saved) {
    this.path = path
    this.saved = saved
  }

  /** What is given over the settings of the file: those of its model, and of its task where that stays. */
  beneath(given: Entries): Entries {
    const { name, configuration } = this.saved
    const values = valuesOf(given)
    if (values.model !== undefined && values.model !== name)
      throw new RmaatError(
        'config',
        `model is ${values.model}, but the weights of ${this.path} are of the model ${name}`,
      )
    const ofModel = Object.keys(models[name].settings).filter((key) => ![...OF_TASK, 'segments', 'seed'].includes(key))
    return { ...savedEntries(configuration, values, this.path, ['model', 'segmentLength', ...ofModel]), ...given }
  }

  /** Throws where the weights are not those of such a model, for the file's task or another. */
  check({ name, config }: ReturnType<typeof modelFor>): void {
    const own = Object.fromEntries(OF_TASK.filter((key) => key in config).map((key) => [key, this.saved.config[key]]))
    const { configure, parameters } = models[name]
    try {
      checkTensors(specsOf(parameters(configure({ ...config, ...own }))), this.saved.tensors)
    } catch (cause) {
      if (!(cause instanceof RmaatError)) throw cause
      const text = `${this.path}: ${cause.message}: expected the sizes of its own model`
      throw new RmaatError('config', text, { cause })
    }
  }

  /** Sets a model's parameters, but those whose shape follows from another task. */
  async give({ parameters }: ConfiguredModel): Promise<void> {
    const named: readonly NamedParameter[] = parameters.named
    const { tensors } = this.saved
    const fitting = named.filter(({ name, spec }) => sameShape(tensors.get(name)!.shape, spec.shape))
    await loadParameters(parameters, new Map(fitting.map(({ name }) => [name, tensors.get(name)!])), { partly: true })
    const others = named.filter((one) => !fitting.includes(one)).map(({ name }) => name)
    const anew = others.length ? `; of other sizes here, and so from their beginning: ${others.join(', ')}` : ''
    notice(`weights  ${plural(fitting.length, 'parameter')} of ${this.path}${anew}`)
  }
}

/** Settings of a weights file, checked: those of the names, and of its task where that stays. */
export function savedEntries(
  configuration: Configuration,
  given: Given,
  path: string,
  names: readonly SettingName[],
): Entries {
  const unknown = Object.keys(configuration).filter((name) => !Object.hasOwn(settings, name))
  if (unknown.length > 0) {
    throw new RmaatError(
      'data',
      `${path}: no setting is called ${unknown.join(', ')}: expected a file of this version or an earlier one`,
    )
  }
  const stays = given.task === undefined || given.task === configuration.task?.value
  const data = configuration.data?.value
  if (stays && given.data === undefined && typeof data === 'string' && !isAbsolute(data)) {
    throw new RmaatError(
      'config',
      `${path} names its data ${shown(data)}, but not the folder that this is in: expected --data`,
    )
  }
  const wanted = [...names, ...(stays ? [...taskSettings, 'testExamples'] : [])]
  return Object.fromEntries(
    wanted.flatMap((name) => {
      const { value, source } = configuration[name] ?? {}
      return value === undefined ? [] : [[name, { value: check(name, value, `${path}: ${name}`), source }]]
    }),
  )
}
