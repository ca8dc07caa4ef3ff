import { aBoolean, aString, kind, maybe, shown, takes, takesOptions } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import type { HostArray } from '../program/device.ts'
import { sameShape, sizeOf } from '../tensor/shape.ts'
import {
  type NamedParameter,
  OPTIMIZER,
  type ParameterSpec,
  Parameters,
  type ParameterTree,
  specsOf,
} from './parameters.ts'
import { readSafetensors, type StoredTensor } from './safetensors.ts'
import { checkSignature, writeSigned } from './signature.ts'

// biome-ignore lint/suspicious/noExplicitAny: of whatever tree
type AnyParameters = Parameters<any>
const areParameters = kind('Parameters', (value) => value instanceof Parameters)

/**
 * Parameters as a safetensors file: each as F32 under its own name, the path of its keys (`blocks.0.norm1.gain`), and
 * `metadata`, texts by name, to which a checksum is added.
 * @throws RmaatError 'diverged' for parameters that are not finite, which must not overwrite a good file
 */
export async function saveParameters(
  parameters: AnyParameters,
  metadata: Readonly<Record<string, string>> = {},
): Promise<Uint8Array> {
  takes('saveParameters', { parameters }, { parameters: areParameters })
  const values = await parameters.device.readVariable(parameters.variable)
  return writeSigned(storedParameters(parameters, Float32Array.from(values)), metadata)
}

/**
 * The values of parameters, which lie as their variable does, each under its own name: as F64 where they are doubles.
 * @throws RmaatError 'diverged' for values that are not finite
 */
export function storedParameters({ named }: AnyParameters, values: HostArray): Map<string, StoredTensor> {
  const tensors = (named as readonly NamedParameter[]).map(
    ({ name, offset, spec: { shape } }): [string, StoredTensor] => {
      const own = values.subarray(offset, offset + sizeOf(shape))
      checkFinite(`save: the parameter ${name}`, own)
      return values instanceof Float64Array
        ? [name, { dtype: 'F64', shape, data: Float64Array.from(own) }]
        : [name, { dtype: 'F32', shape, data: Float32Array.from(own) }]
    },
  )
  return new Map(tensors)
}

/** The options of `loadParameters`. */
export interface LoadOptions {
  /** The prefix of each parameter's name in the file. */
  readonly prefix?: string
  /** Whether the file may lack parameters, which then keep their values, and may have other tensors. */
  readonly partly?: boolean
}

/** What `loadParameters` found: names of parameters, in their order, and of tensors. */
export interface Loaded {
  /** Parameters that were set. */
  readonly loaded: readonly string[]
  /** Parameters that the file does not have. */
  readonly missing: readonly string[]
  /** Tensors of the file with the prefix for which there is no parameter, by their names in the file. */
  readonly surplus: readonly string[]
}

/**
 * Sets parameters to the tensors of their names in a safetensors file, or in what was read of one; F64, F32, F16 and BF16
 * are taken. All of them or, with an error, none: an error is a tensor that is missing or has no place, unless `partly`
 * says otherwise, one of another shape or of integers, and one that is not finite.
 * @throws RmaatError 'data' where the file does not fit or is damaged, 'diverged' for numbers that are not finite
 */
export async function loadParameters(
  parameters: AnyParameters,
  file: Uint8Array | ReadonlyMap<string, StoredTensor>,
  options: LoadOptions = {},
): Promise<Loaded> {
  takes('loadParameters', { parameters }, { parameters: areParameters })
  takesOptions('loadParameters', options, { prefix: maybe(aString), partly: maybe(aBoolean) }, 'argument')
  const { tensors, metadata } =
    file instanceof Map ? { tensors: file, metadata: {} } : readSafetensors(file as Uint8Array)
  checkSignature(tensors, metadata)
  const { named, device, variable } = parameters
  const found = checkTensors(named, tensors, options)
  const before = found.missing.length ? await device.readVariable(variable) : undefined
  device.write(variable, sideBySide(parameters, tensors, options.prefix, before))
  return found
}

/** A model with tensors for its parameters, which are held against these before anything is made. */
export function madeWith<Made extends { readonly parameters: AnyParameters }>(
  tree: ParameterTree,
  tensors: ReadonlyMap<string, StoredTensor>,
  prefix: string,
  make: () => Made,
): Made {
  checkTensors(specsOf(tree), tensors, { prefix })
  const made = make()
  const { device, variable } = made.parameters
  device.write(variable, sideBySide(made.parameters, tensors, prefix))
  return made
}

/** Tensors that fit, as the parameters' variable holds them, over the values that are there: these count where one is missing. */
export function sideBySide(
  { named, count }: AnyParameters,
  tensors: ReadonlyMap<string, StoredTensor>,
  prefix = '',
  before: ArrayLike<number> = new Float64Array(count),
): Float64Array {
  const values = Float64Array.from(before)
  for (const { name, offset } of named as readonly NamedParameter[])
    values.set(tensors.get(prefix + name)?.data ?? [], offset)
  return values
}

/** Throws where tensors do not fit parameters, of which nothing needs to be made yet. */
export function checkTensors(
  specs: readonly { readonly name: string; readonly spec: ParameterSpec }[],
  tensors: ReadonlyMap<string, StoredTensor>,
  { prefix = '', partly = false }: LoadOptions = {},
): Loaded {
  const known = new Set(specs.map(({ name }) => prefix + name))
  const missing = [...known].filter((name) => !tensors.has(name))
  const surplus = [...tensors.keys()].filter(
    (name) => name.startsWith(prefix) && !name.startsWith(OPTIMIZER) && !known.has(name),
  )
  const faults = [
    ...(missing.length ? [`the file has no tensor ${listed(missing)}`] : []),
    ...(surplus.length ? [`the model has no place for ${listed(surplus)}`] : []),
  ]
  if (faults.length && !partly) throw new RmaatError('data', faults.join('; '))
  const present = specs.filter(({ name }) => tensors.has(prefix + name))
  for (const { name: own, spec } of present) {
    const name = prefix + own
    const { dtype, shape, data } = tensors.get(name)!
    if (dtype === 'I32')
      throw new RmaatError('data', `${shown(name)} is of whole numbers in the file: expected F64, F32, F16 or BF16`)
    if (!sameShape(shape, spec.shape))
      throw new RmaatError('data', `${shown(name)} is ${shown(shape)} in the file, ${shown(spec.shape)} in the model`)
    checkFinite(shown(name), data)
  }
  const bare = (names: readonly string[]): string[] => names.map((name) => name.slice(prefix.length))
  return { loaded: present.map(({ name }) => name), missing: bare(missing), surplus }
}

/** Checks that all numbers are finite in float32. */
export function checkFinite(what: string, data: ArrayLike<number>): void {
  for (let i = 0; i < data.length; i++) {
    if (Number.isFinite(Math.fround(data[i]))) continue
    throw new RmaatError('diverged', `${what} is ${data[i]} at element ${i}: expected finite numbers of float32`)
  }
}

/** Some names, and how many more there are. */
function listed(names: readonly string[]): string {
  const some = names.slice(0, 5).map((name) => shown(name))
  return names.length > some.length ? `${some.join(', ')} and ${names.length - some.length} more` : some.join(', ')
}
