import { maybe, numberThat, takes } from '../checks.ts'
import { aTensor } from '../tensor/kinds.ts'
import { normalizeAxis, shapeError, sizeOf } from '../tensor/shape.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { einsum } from './contraction.ts'
import { expectDType, tensor, zeros } from './entry.ts'
import { concat } from './views.ts'

const anInteger = numberThat('a whole number', () => true)
const kinds = { x: aTensor, axis: maybe(numberThat('the number of an axis', () => true)) }

/** No length has a prime factor above this. */
const POINTS = 64
/** So many points are transformed by one product with a matrix; more are by several of so many points, which multiply less. */
const [SHORT, PART] = [32, 16]

/** n = n1 n2, where n1 is what one product transforms: all of a short length, else the largest part up to the root, or a prime. */
function factors(n: number): [number, number] {
  let n1 = n <= SHORT ? n : Math.min(PART, Math.floor(Math.sqrt(n)))
  while (n % n1) n1--
  if (n1 === 1 && n > 1) for (n1 = 2; n % n1; ) n1++
  return [n1, n / n1]
}

/** How many frequencies real numbers have; an error where their count has a prime factor above POINTS. */
function frequencies(operation: string, n: number): number {
  let rest = n
  for (let factor = 2; factor <= POINTS && rest > 0; factor++) while (rest % factor === 0) rest /= factor
  if (rest !== 1)
    throw shapeError`${operation}: length ${n} has no Fourier transform here; expected a product of primes below ${POINTS}, which zeros may fill up to`
  return Math.floor(n / 2) + 1
}

/**
 * exp(sign 2 pi i k (n2 i + j) / n), p its real and imaginary part. Of complex numbers [n2 j, n1 k, 2 p, n1 i, 2 q], to be
 * multiplied by pairs q; with `weight`, of real ones, [n2 j, n1 / 2 + 1 k, 2 p, n1 i], times weight(k).
 */
function roots(n: number, sign: number, weight?: (k: number) => number): Tensor {
  const [n1, n2] = factors(n)
  const count = weight ? Math.floor(n1 / 2) + 1 : n1
  const angles = Array.from({ length: n }, (_, m) => (2 * Math.PI * m) / n)
  const cos = angles.map(Math.cos)
  // of 1 and -1 the imaginary part is 0, not nearly 0
  const sin = angles.map((angle, m) => ((2 * m) % n ? sign * Math.sin(angle) : 0))
  const values: number[] = []
  for (let j = 0; j < n2; j++)
    for (let k = 0; k < count; k++)
      for (const p of [0, 1])
        for (let i = 0; i < n1; i++) {
          const m = (k * (n2 * i + j)) % n
          if (weight) values.push(weight(k) * (p ? sin : cos)[m])
          else values.push(...(p ? [sin[m], cos[m]] : [cos[m], -sin[m]]))
        }
  return tensor(values, weight ? [n2, count, 2, n1] : [n2, count, 2, n1, 2])
}

/** Of complex z [A, N, 2, C] along N (Cooley & Tukey 1965): transforms of n1 points, and of what they give those of n2. */
function transform(z: Tensor, sign: number): Tensor {
  const [a, n, , c] = z.shape
  if (n === 1) return z
  const [n1, n2] = factors(n)
  const first = einsum('jkpiq,aijqc->akjpc', roots(n, sign), z.reshape([a, n1, n2, 2, c]))
  const second = transform(first.reshape([a * n1, n2, 2, c]), sign).reshape(first.shape)
  return second.transpose([0, 2, 1, 3, 4]).reshape(z.shape)
}

/** x [..., 2, C] conjugated. */
const conjugate = (x: Tensor): Tensor => x.mul(tensor([1, -1], [2, 1]))

/**
 * The discrete Fourier transform of real numbers along an axis, the last one where none is named: x [..., N, ...] ->
 * [..., N / 2 + 1, 2, ...], X_k = sum_n x_n exp(-2 pi i k n / N) for k = 0 .. N / 2. Real and imaginary parts are an axis
 * behind that of the frequencies.
 * @throws RmaatError 'shape' where N is 0 or has a prime factor above 64
 */
export function rfft(x: Tensor, axis = -1): Tensor {
  takes('rfft', { x, axis }, kinds)
  const along = normalizeAxis('rfft', axis, expectDType('rfft', x, 'f32').rank)
  const n = x.shape[along]
  const shape = x.shape.toSpliced(along, 1, frequencies('rfft', n), 2)
  if (sizeOf(shape) === 0) return zeros(shape)
  const [n1, n2] = factors(n)
  const [a, c] = [x.shape.slice(0, along), x.shape.slice(along + 1)].map(sizeOf)
  // rows beside each other are transformed faster than one after another
  if (c === 1 && a > 1)
    return rfft(x.reshape([a, n]).transpose(), 0)
      .transpose([2, 0, 1])
      .reshape(shape)
  const first = einsum(
    'jkpi,aijc->akjpc',
    roots(n, -1, () => 1),
    x.reshape([a, n1, n2, c]),
  )
  // frequencies k1 + n1 k2 for k1 up to n1 / 2; the others are conjugates of these, from the last to the first
  const own = transform(first.reshape([-1, n2, 2, c]), -1).reshape(first.shape)
  if (n2 === 1) return own.reshape(shape)
  const others = conjugate(own.narrow(1, 1, Math.ceil(n1 / 2)).flip([1, 2]))
  const all = concat([own, others], 1).transpose([0, 2, 1, 3, 4]).reshape([a, n, 2, c])
  return all.narrow(1, 0, shape[along]).reshape(shape)
}

/**
 * The inverse of `rfft` along the same axis, the last one of the result where none is named: [..., N / 2 + 1, 2, ...] ->
 * [..., N, ...] for N = `length`. Imaginary parts of the frequencies 0 and N / 2 count as 0.
 * @throws RmaatError 'shape' where the length is not that of the spectrum, or has a prime factor above 64
 */
export function irfft(spectrum: Tensor, length: number, axis = -1): Tensor {
  takes('irfft', { x: spectrum, length, axis }, { ...kinds, length: anInteger })
  const along = normalizeAxis('irfft', axis, Math.max(0, expectDType('irfft', spectrum, 'f32').rank - 1))
  const [count, pair] = spectrum.shape.slice(along)
  const expected = [frequencies('irfft', length), 2]
  if (count !== expected[0] || pair !== 2)
    throw shapeError`irfft: ${spectrum.shape} is no spectrum of length ${length} along axis ${along}; expected sizes ${expected} from there`
  const shape = spectrum.shape.toSpliced(along, 2, length)
  if (sizeOf(shape) === 0) return zeros(shape)
  const [n1, n2] = factors(length)
  const [a, c] = [shape.slice(0, along), shape.slice(along + 1)].map(sizeOf)
  const given = spectrum.reshape([a, count, 2, c])
  if (c === 1 && a > 1)
    return irfft(given.reshape([a, count, 2]).transpose([1, 2, 0]), length, 0)
      .transpose()
      .reshape(shape)
  // a frequency and its conjugate add up to twice the real part: so k1 up to n1 / 2 is enough, as in `rfft`
  const others = conjugate(given.narrow(1, 1, Math.ceil(length / 2)).flip(1))
  const all = n2 === 1 ? given.unsqueeze(1) : concat([given, others], 1).reshape([a, n2, n1, 2, c])
  const own = all.narrow(2, 0, Math.floor(n1 / 2) + 1).transpose([0, 2, 1, 3, 4])
  const first = transform(own.reshape([-1, n2, 2, c]), 1).reshape(own.shape)
  const weight = (k: number): number => ((2 * k) % n1 ? 2 : 1) / length
  return einsum('jkpi,akjpc->aijc', roots(length, -1, weight), first).reshape(shape)
}
