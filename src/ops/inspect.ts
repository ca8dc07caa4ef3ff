import type { Shape } from '../tensor/dtype.ts'
import { sizeOf } from '../tensor/shape.ts'
import { Tensor } from '../tensor/tensor.ts'
import { constantValue } from './entry.ts'

/** How many elements of an axis are shown. */
const MOST = 8

/** Values in row-major order as nested lists. */
function nested(valueAt: (index: number) => number, [size, ...inner]: Shape, first = 0): string {
  if (size === undefined) return String(valueAt(first))
  const stride = sizeOf(inner)
  const shown = Array.from({ length: Math.min(size, MOST) }, (_, i) => nested(valueAt, inner, first + i * stride))
  return `[${[...shown, ...(size > MOST ? ['…'] : [])].join(', ')}]`
}

/** Operation, type and shape; the device, or the values of a literal, which are there before anything runs. */
function inspect(x: Tensor): string {
  const literal = constantValue(x)
  const { values } = x.op === 'data' ? (x.attributes as { values: Float64Array }) : {}
  if (literal === undefined && !values) return `${x}${x.device ? ` on ${x.device.name}` : ''}`
  return `${x} ${nested((index) => literal ?? values![index], x.shape)}`
}

// what console.log calls in Node, Deno and Bun
Object.defineProperty(Tensor.prototype, Symbol.for('nodejs.util.inspect.custom'), {
  value(this: Tensor) {
    return inspect(this)
  },
})
