import { aBoolean, maybe, numberThat, takes, takesOptions } from '../checks.ts'
import { aTensor } from '../tensor/kinds.ts'
import { broadcastShapes, normalizeAxis, sameShape, shapeError, sizeOf } from '../tensor/shape.ts'
import { Tensor } from '../tensor/tensor.ts'
import { expectDType, type OpEntry, zeros } from './entry.ts'
import { concat } from './views.ts'

/** What a `scan` node knows. */
export interface Recurrence {
  readonly axis: number
  readonly reverse: boolean
  /** The axis of size 2 with real and imaginary parts. */
  readonly complex: number | undefined
  /** Whether the factors are conjugated. */
  readonly conjugate: boolean
}

export const scanEntries = {
  /**
   * Of factors [..., T - 1, ...] and terms [..., T, ...]: state t is factor t - 1 times state t - 1, plus term t; in reverse
   * factor t times state t + 1, plus term t. So the gradient is the same the other way round, over the same factors.
   */
  scan: {
    scales: 'recurrence',
    gradient: ({ cotangent, inputs: [factors], output: states, attributes }) => {
      const { axis, reverse, complex, conjugate } = attributes as Recurrence
      const flipped = { axis, reverse: !reverse, complex, conjugate: complex !== undefined && !conjugate }
      const adjoint = node(factors, cotangent, flipped)
      const [from, to] = reverse
        ? [states.narrow(axis, 1), adjoint.narrow(axis, 0, -1)]
        : [states.narrow(axis, 0, -1), adjoint.narrow(axis, 1)]
      const slope = conjugate ? product(from, to, complex, true) : product(to, from, complex, true)
      return [slope, adjoint]
    },
  },
} satisfies Record<string, OpEntry>

const node = (factors: Tensor, terms: Tensor, recurrence: Recurrence): Tensor =>
  new Tensor('scan', [factors, terms], recurrence, terms.shape, 'f32')

/** x y, or x times the conjugate of y. */
function product(x: Tensor, y: Tensor, complex: number | undefined, conjugate = false): Tensor {
  if (complex === undefined) return x.mul(y)
  const [[a, b], [c, d]] = [x, y].map((z) => [z.narrow(complex, 0, 1), z.narrow(complex, 1)])
  const [real, imaginary] = [b.mul(d), a.mul(d)]
  return conjugate
    ? concat([a.mul(c).add(real), b.mul(c).sub(imaginary)], complex)
    : concat([a.mul(c).sub(real), b.mul(c).add(imaginary)], complex)
}

/** The options of `scan`. */
export interface ScanOptions {
  /** Along which the steps follow each other. */
  readonly axis: number
  /** From the last step to the first. */
  readonly reverse?: boolean
  /** The state before the first step: of the result's shape without the axis, or what broadcasts to it; zeros by default. */
  readonly first?: Tensor
  /** Of complex numbers: the axis of size 2 that holds real and imaginary parts, in a, b and the result. */
  readonly complex?: number
}
const anAxis = numberThat('the number of an axis', () => true)
export const scanOptions = { axis: anAxis, reverse: maybe(aBoolean), first: maybe(aTensor), complex: maybe(anAxis) }

/**
 * A linear recurrence of first order along an axis: h_t = a_t h_(t-1) + b_t, in reverse h_t = a_t h_(t+1) + b_t. a and b
 * broadcast to the result's shape, [B, T, C] say with `{ axis: 1 }`; a factor that is the same for all steps is read as such.
 * Fast where the last axis is neither that of the steps nor the complex one. The gradient is a scan the other way round.
 * @throws RmaatError 'shape' where shapes do not fit
 */
export function scan(a: Tensor, b: Tensor, options: ScanOptions): Tensor {
  takes('scan', { a, b }, { a: aTensor, b: aTensor })
  takesOptions('scan', options, scanOptions, 'argument')
  for (const one of [a, b, options.first]) if (one) expectDType('scan', one, 'f32')
  const { reverse = false, first } = options
  const shape = broadcastShapes('scan', a.shape, b.shape)
  const axis = normalizeAxis('scan', options.axis, shape.length)
  const complex = options.complex === undefined ? undefined : normalizeAxis('scan', options.complex, shape.length)
  if (complex !== undefined) {
    const isPair = (x: Tensor): boolean => x.shape[complex + x.rank - shape.length] === 2
    if (complex === axis || !isPair(a) || !isPair(b))
      throw shapeError`scan: axis ${complex} of ${a.shape} and ${b.shape}, along axis ${axis}; expected one of size 2, beside that of the steps`
  }
  if (sizeOf(shape) === 0) return zeros(shape)
  const [factors, terms] = [a.broadcastTo(shape), b.broadcastTo(shape)]
  const last = shape[axis] - 1
  const added = first ? withFirst(factors, terms, first, { axis, reverse, complex }) : terms
  if (last === 0) return added
  const between = reverse ? factors.narrow(axis, 0, last) : factors.narrow(axis, 1)
  return node(between, added, { axis, reverse, complex, conjugate: false })
}

/** The terms, that of the first step with what the state before it adds. */
function withFirst(
  factors: Tensor,
  terms: Tensor,
  first: Tensor,
  { axis, reverse, complex }: Omit<Recurrence, 'conjugate'>,
): Tensor {
  const { shape } = terms
  const state = shape.toSpliced(axis, 1)
  if (!sameShape(broadcastShapes('scan', first.shape, state), state))
    throw shapeError`scan: the first state is ${first.shape}; expected ${state}, or what broadcasts to it`
  const at = reverse ? shape[axis] - 1 : 0
  const [factor, term] = [factors, terms].map((x) => x.narrow(axis, at, at + 1))
  const entered = term.add(product(factor, first.broadcastTo(state).unsqueeze(axis), complex))
  return concat(reverse ? [terms.narrow(axis, 0, at), entered] : [entered, terms.narrow(axis, 1)], axis)
}
