import { takes } from '../checks.ts'
import { aTensor } from '../tensor/kinds.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { init } from './init.ts'
import { type ParameterSpec, parameter } from './parameters.ts'

/** A vector for each of `count` ids, [count, width], normal with the deviation 0.3; without weight decay. */
export const embeddingParameters = (count: number, width: number): ParameterSpec =>
  parameter([count, width], init.normal(0.3))

/** i32 ids [...] -> [..., width]: for each id its row of the table [count, width], NaN where there is none. */
export function embedding(ids: Tensor, table: Tensor): Tensor {
  takes('embedding', { ids, table }, { ids: aTensor, table: aTensor })
  return table.gather(ids)
}
