import type { DType } from '../../tensor/dtype.ts'
import { type Abilities, constants } from './dispatch.ts'
import tree from './modules/combine.wgsl.ts'
import subgroup from './modules/combine-subgroup.wgsl.ts'
import subgroups from './modules/combine-subgroups.wgsl.ts'

const joins = { sum: 'a + b', max: 'max(a, b)' } as const
const identities = {
  sum: { f32: '0.0', i32: '0' },
  max: { f32: '-infinity()', i32: 'i32(-2147483648)' },
} as const

export type Combination = `${keyof typeof joins}_${DType}`

/** Writes the names of one operation into a kernel's text: COMBINE, TYPE, JOIN, IDENTITY. */
export function specialize(text: string, combination: Combination): string {
  const [op, dtype] = combination.split('_') as [keyof typeof joins, DType]
  const names = { COMBINE: combination, TYPE: dtype, JOIN: joins[op], IDENTITY: identities[op][dtype] }
  return Object.entries(names).reduce((result, [name, value]) => result.replaceAll(name, value), text)
}

/** From so many terms a lane on, lanes of further subgroups take part. */
const TERMS = 8

/**
 * How many neighbouring invocations share `terms`: a power of two up to `most`. One subgroup if that is enough, because it
 * needs no workgroup memory.
 */
export function lanesFor(terms: number, most: number, abilities: Abilities): number {
  const lanes = Math.min(most, 2 ** Math.floor(Math.log2(Math.max(terms, 1))))
  return abilities.subgroup > 0 && terms <= TERMS * abilities.subgroup ? Math.min(lanes, abilities.subgroup) : lanes
}

/** The functions that combine `lanes` invocations of a workgroup, `stride` apart. */
export function combiners(
  combinations: Iterable<Combination>,
  { group, lanes, stride }: { group: number; lanes: number; stride: number },
  abilities: Abilities,
): { enable: string; text: string } {
  const quick = abilities.subgroup > 1 && stride === 1 && group % abilities.subgroup === 0
  const text = !quick ? tree : lanes <= abilities.subgroup ? subgroup : subgroups
  const functions = [...combinations].map((combination) => specialize(text, combination))
  const sizes = { GROUP: group, LANES: lanes, STRIDE: stride, SUBGROUP: abilities.subgroup }
  const head = constants(Object.fromEntries(Object.entries(sizes).map(([name, size]) => [name, `${size}u`])))
  return { enable: quick && functions.length ? 'enable subgroups;\n' : '', text: [head, ...functions].join('\n') }
}
