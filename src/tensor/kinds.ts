import { type Kind, kind, listOf, oneOf } from '../checks.ts'
import { Tensor } from './tensor.ts'
import { Variable } from './variable.ts'

export const aTensor: Kind = kind('a tensor', (value) => value instanceof Tensor)
export const tensors = listOf(aTensor, 'tensors')
export const tensorLike = kind('a tensor or a number', (value) => value instanceof Tensor || typeof value === 'number')
export const aVariable = kind('a variable', (value) => value instanceof Variable)
export const aDType = oneOf(['f32', 'i32'])
