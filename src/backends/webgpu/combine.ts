import type { DType } from '../../tensor/dtype.ts'
import { type Abilities, constants } from './dispatch.ts'
import tree from './modules/combine.wgsl.ts'
import subgroups from './modules/combine-subgroups.wgsl.ts'

const joins = { sum: 'a + b', max: 'max(a, b)' } as const
const identities = {
  sum: { f32: '0.0', i32: '0' },
  max: { f32: '-0x1.fffffep+127f', i32: 'i32(-2147483648)' },
} as const
const types = { f32: 'f32', i32: 'i32' } as const

export type Combination = `${keyof typeof joins}_${DType}`

/** Writes the names of one operation into a kernel's text: COMBINE, TYPE, JOIN, IDENTITY. */
export function specialize(text: string, combination: Combination): string {
  const [op, dtype] = combination.split('_') as [keyof typeof joins, DType]
  const names = { COMBINE: combination, TYPE: types[dtype], JOIN: joins[op], IDENTITY: identities[op][dtype] }
  return Object.entries(names).reduce((result, [name, value]) => result.replaceAll(name, value), text)
}

/** The functions that combine `lanes` invocations of a workgroup, which stand `stride` apart. */
export function combiners(
  combinations: Iterable<Combination>,
  { group, lanes, stride }: { group: number; lanes: number; stride: number },
  { subgroup }: Abilities,
): { enable: string; text: string } {
  const quick = subgroup > 1 && stride === 1 && group % subgroup === 0
  const text = [...combinations].map((combination) => specialize(quick ? subgroups : tree, combination))
  return {
    enable: quick && text.length ? 'enable subgroups;\n' : '',
    text: [
      constants({ GROUP: `${group}u`, LANES: `${lanes}u`, STRIDE: `${stride}u`, SUBGROUP: `${subgroup}u` }),
      ...text,
    ].join('\n'),
  }
}
