import { aFunction, aString, kind, listOf, shown } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import { isParameters } from '../nn/is-parameters.ts'
import type { NamedParameter, Parameters } from '../nn/parameters.ts'
import { iota } from '../ops/entry.ts'
import '../ops/methods.ts'
import { sizeOf } from '../tensor/shape.ts'
import type { Tensor } from '../tensor/tensor.ts'
import type { Variable } from '../tensor/variable.ts'

/** What an optimiser trains: the parameters of a model, in one kernel, or f32 variables, each in a kernel of its own. */
// biome-ignore lint/suspicious/noExplicitAny: parameters of whatever tree
export type Trained = Parameters<any> | readonly Variable[]

/**
 * Some of what an optimiser trains: parameters by their names or whole parts of these (`head`, `up.w` and `w` are parts of
 * `head.up.w`), or by what a function says of the name. Variables of a list are called by their numbers, `0`, `1`, ...
 */
export type Names = readonly string[] | ((name: string) => boolean)

export const aNames = kind(
  'a list of names or a function of a name',
  (value) => aFunction.fits(value) || listOf(aString, 'names').fits(value),
)

/** The elements of a variable from the first number to below the second. */
type Range = readonly [from: number, to: number]

/** Of each variable. */
type Ranges = readonly (readonly Range[])[]

/** What names choose. @throws RmaatError 'config' for a name that nothing has */
export function choice(where: string, option: string, trained: Trained, names: Names): (name: string) => boolean {
  if (typeof names === 'function') return (name) => Boolean(names(name))
  const isCalled = (name: string, part: string): boolean => `.${name}.`.includes(`.${part}.`)
  const all = isParameters(trained) ? trained.named.map(({ name }) => name) : [...trained.keys()].map(String)
  const none = names.find((part) => !all.some((name) => isCalled(name, part)))
  if (none !== undefined)
    throw new RmaatError(
      'config',
      `${where}: ${option} names ${shown(none)}; there are ${[...new Set(all.join('.').split('.'))].join(', ')}`,
    )
  return (name) => names.some((part) => isCalled(name, part))
}

/** Of each variable the elements that are chosen; `isChosen` is asked with the specification of a parameter beside its name. */
export function rangesOf(trained: Trained, isChosen: (name: string, spec?: NamedParameter['spec']) => boolean): Ranges {
  if (!isParameters(trained))
    return trained.map(({ shape }, i) => (isChosen(`${i}`) ? [[0, sizeOf(shape)] as const] : []))
  const ranges: Range[] = []
  for (const { name, spec, offset } of [...(trained.named as NamedParameter[])].sort((a, b) => a.offset - b.offset)) {
    if (!isChosen(name, spec)) continue
    const [last, end] = [ranges[ranges.length - 1], offset + sizeOf(spec.shape)]
    if (last?.[1] === offset) ranges[ranges.length - 1] = [last[0], end]
    else ranges.push([offset, end])
  }
  return [ranges]
}

/** 1 for the elements of a variable that are within its ranges, one at least; undefined where all are. */
export function isWithin(ranges: readonly Range[], { shape }: Variable): Tensor | undefined {
  const [first] = ranges
  if (first?.[0] === 0 && first[1] === sizeOf(shape)) return undefined
  const element = iota(shape, 0)
  const isIn = ([from, to]: Range): Tensor => (from === 0 ? element.less(to) : element.less(to).sub(element.less(from)))
  return ranges.map(isIn).reduce((all, one) => all.add(one))
}
