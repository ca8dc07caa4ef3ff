import { aFunction, anObject, differences, kind, listOf, maybe, ofJson, shown, takes, wholeFrom } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import { aModel, type Model } from '../nn/model.ts'
import { type NamedParameter, OPTIMIZER, placeOf } from '../nn/parameters.ts'
import { readSafetensors, type StoredTensor } from '../nn/safetensors.ts'
import { checkSignature, writeSigned } from '../nn/signature.ts'
import { checkFinite, checkTensors, sideBySide, storedParameters } from '../nn/weights.ts'
import type { Optimizer } from '../optim/optimizer.ts'
import type { HostArray } from '../program/device.ts'
import { sizeOf } from '../tensor/shape.ts'
import type { Variable } from '../tensor/variable.ts'
import type { TrainOptions } from './train.ts'

/** The options of a training that its numbers depend on, by name. */
export type TrainedBy = Readonly<Record<string, unknown>>

/**
 * All that a training is between two steps. What else it needs follows from it: so many batches of the stream of examples
 * are behind it, and dropout and the learning rate go by the number of the step.
 */
export interface TrainState {
  /** How many steps were made. */
  readonly step: number
  /** How many of them changed nothing, and how many of these were the last ones. */
  readonly skipped: number
  readonly skippedInRow: number
  /** All parameters, side by side as `Parameters.variable` holds them. */
  readonly parameters: HostArray
  /** The optimiser's own variables, as its `state` lists them. */
  readonly optimizer: readonly HostArray[]
  /** Those of `train`, and of a model that has a `config` all of it, after `model.`. */
  readonly options: TrainedBy
}

/** Of the options of `train`, those that its numbers depend on. */
const deciding = [
  ...(['method', 'keep', 'hold', 'reach', 'steps', 'batch', 'slices', 'rate', 'schedule', 'warmUp', 'floor'] as const),
  ...(['decay', 'clip', 'seed', 'trace'] as const),
]

/**
 * What the numbers of a training depend on, beside its state.
 * @throws RmaatError 'config' for a value of the model's `config` or of the optimiser's `options` that is not of JSON
 */
export function trainedBy(model: Model, optimizer: Optimizer, options: TrainOptions): TrainedBy {
  const { trains } = optimizer
  const names: string[] = model.parameters.named.map(({ name }) => name)
  /** Values by their names behind the name of what has them. */
  const named = (of: string, values: object = {}) => {
    const found = Object.fromEntries(Object.entries(values).map(([name, value]) => [`${of}.${name}`, value]))
    for (const [name, value] of Object.entries(found))
      takes('train', { [name]: value }, { [name]: maybe(ofJson) }, 'config')
    return found
  }
  /** Of a function of names those that it chooses. */
  const chosen = (values: object = {}) =>
    Object.fromEntries(
      Object.entries(values).map(([name, value]) => [name, aFunction.fits(value) ? names.filter(value) : value]),
    )
  // the rate that counts, and what is trained, stand beside
  const beside = { rate: undefined, trains: undefined }
  return {
    ...Object.fromEntries(deciding.map((name) => [name, options[name]])),
    'seed of the parameters': placeOf(model.parameters.tensors)?.seed, // dropout depends on it
    ...(options.optimizer
      ? {
          optimizer: optimizer.constructor.name,
          ...named('optimizer', chosen({ ...optimizer.options, ...beside })),
        }
      : {}),
    ...(trains && !names.every(trains) ? { trains: names.filter(trains).join(', ') } : {}),
    ...named('model', model.config),
  }
}

const isArray = (value: unknown): boolean =>
  value instanceof Float32Array || value instanceof Float64Array || value instanceof Int32Array
const anArray = kind('a typed array of numbers', isArray)
const stateKinds = {
  step: wholeFrom(0),
  skipped: wholeFrom(0),
  skippedInRow: wholeFrom(0),
  parameters: anArray,
  optimizer: listOf(anArray, 'typed arrays of numbers'),
  options: anObject,
}

export const aState = kind('the `state` of a checkpoint event or of what loadCheckpoint gives', (value) => {
  if (!anObject.fits(value)) return false
  return Object.entries(stateKinds).every(([name, { fits }]) =>
    fits((value as unknown as Record<string, unknown>)[name]),
  )
})

/**
 * Throws where a training cannot go on from a state to what it would have come to.
 * @throws RmaatError 'config' that names each option that differs, 'data' for arrays of other sizes
 */
export function checkState(state: TrainState, options: TrainedBy, variables: readonly Variable[]): void {
  const other = differences(Object.keys({ ...options, ...state.options }), options, state.options)
  if (other) throw new RmaatError('config', `train: the options are not those of the state to go on from: ${other}`)
  const expected = variables.map(({ shape }) => sizeOf(shape))
  const found = [state.parameters, ...state.optimizer].map(({ length }) => length)
  if (`${found}` !== `${expected}`)
    throw new RmaatError(
      'data',
      `train: the state to go on from has arrays of ${found.join(', ')} numbers; expected ${expected.join(', ')}, those of the parameters and of the optimiser`,
    )
}

/** The form of a checkpoint: those of form 1 had no checksum, those of form 2 knew nothing of their model, of form 3 not its seed. */
const FORM = 4

const stored = (data: HostArray, shape: readonly number[]): StoredTensor =>
  data instanceof Float64Array
    ? { dtype: 'F64', shape, data }
    : data instanceof Int32Array
      ? { dtype: 'I32', shape, data }
      : { dtype: 'F32', shape, data }

/**
 * The state of a training as a safetensors file: a weights file, whose parameters stand under their own names, and beside them
 * the optimiser's variables; `metadata` are further texts by name.
 * @throws RmaatError 'diverged' for numbers that are not finite: nobody could go on from them
 */
export function saveCheckpoint(
  model: Model,
  state: TrainState,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  takes('saveCheckpoint', { model, state, metadata }, { model: aModel, state: aState, metadata: anObject })
  const { parameters, optimizer, ...training } = state
  for (const [i, data] of optimizer.entries()) checkFinite(`save: the optimiser's variable ${i}`, data)
  const tensors = new Map<string, StoredTensor>([
    ...storedParameters(model.parameters, parameters),
    ...optimizer.map((data, i) => [`${OPTIMIZER}${i}`, stored(data, [data.length])] as const),
  ])
  const texts = { ...metadata, training: JSON.stringify({ form: FORM, ...training }) }
  return writeSigned(tensors, texts)
}

/**
 * The state in a file that `saveCheckpoint` has made of a model like this one, and the metadata beside it. The model stays as
 * it is: `train` takes the state as `from`.
 * @throws RmaatError 'data' for a file that is none or is damaged, or that names what differs from the model
 */
export function loadCheckpoint(
  model: Model,
  bytes: Uint8Array,
): { readonly state: TrainState; readonly metadata: Readonly<Record<string, string>> } {
  takes('loadCheckpoint', { model }, { model: aModel })
  const { tensors, metadata } = readSafetensors(bytes)
  const training = trainingOf(metadata.training)
  checkSignature(tensors, metadata, true)
  checkTensors(model.parameters.named, tensors)
  const optimizer = [...tensors.keys()].filter((name) => name.startsWith(OPTIMIZER))
  const doubles = sideBySide(model.parameters, tensors)
  const own: readonly NamedParameter[] = model.parameters.named
  const state = {
    ...training,
    // as they were, so that they are saved as they were
    parameters: own.some(({ name }) => tensors.get(name)!.dtype === 'F64') ? doubles : Float32Array.from(doubles),
    optimizer: optimizer.map((_, i) => tensors.get(`${OPTIMIZER}${i}`)?.data),
  } as TrainState
  takes('the checkpoint', state, stateKinds, 'data')
  for (const [i, data] of state.optimizer.entries()) checkFinite(`the optimiser's variable ${i}`, data)
  return { state, metadata }
}

function trainingOf(text: string | undefined): Partial<TrainState> {
  if (text === undefined)
    throw new RmaatError(
      'data',
      "the metadata holds no 'training'; expected a file of saveCheckpoint, or a run's checkpoint.safetensors (weights alone: loadWeights)",
    )
  let found: unknown
  try {
    found = JSON.parse(text)
  } catch (cause) {
    throw new RmaatError('data', `the metadata's 'training' is not JSON: ${(cause as Error).message}`, { cause })
  }
  takes('the checkpoint', { training: found }, { training: anObject }, 'data')
  const { form, ...training } = found as Partial<TrainState> & { readonly form?: unknown }
  if (form !== FORM)
    throw new RmaatError(
      'data',
      `the checkpoint is of form ${shown(form)}; expected ${FORM}, the newest that is known here`,
    )
  return training
}
