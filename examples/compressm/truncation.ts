import * as algebra from '../linear-algebra.ts'

const { adjoint, at, matrix, multiply, times } = algebra
type Matrix = algebra.Matrix
/** h_t = lambda h_(t-1) + B x_t, y_t = Re(C h_t), all complex: lambda [n, 1], B [n, inputs], C [outputs, n]. */
export type System = Readonly<Record<'lambda' | 'b' | 'c', Matrix>>

export const polar = (radius: number, angle: number) => [radius * Math.cos(angle), radius * Math.sin(angle)] as const
/** lambda drawn from the upper half of a ring, and sqrt(1 - |lambda|^2), by which states stay as large as their input. */
export const ring = (n: number, draw: () => number): Matrix =>
  matrix(n, 1, () => polar(Math.sqrt(0.81 + 0.188 * draw()), Math.PI * (1e-3 + draw())))
export const gamma = (lambda: Matrix, i: number): number => Math.sqrt(1 - lambda.re[i] ** 2 - lambda.im[i] ** 2)
/** P = sum_t L^t B B^H conj(L)^t for L = diag(lambda), a geometric series: (B B^H)_ij / (1 - lambda_i conj(lambda_j)). */
function gramian(lambda: Matrix, b: Matrix): Matrix {
  const [product, turns] = [multiply(b, adjoint(b)), multiply(lambda, adjoint(lambda))]
  const apart = ([re, im]: readonly [number, number]) => [1 - re, -im] as const
  return matrix(b.rows, b.rows, (i, j) => algebra.over(at(product, i, j), apart(at(turns, i, j))))
}

/**
 * The Hankel singular values sigma, from the largest on, and the system of the first states in balanced coordinates, where a
 * state is as easy to reach as to see, turned so that its states do not mix.
 */
export function balance({ lambda, b, c }: System) {
  const reach = algebra.squareRoot(gramian(lambda, b)) // L_c of P = L_c L_c^H
  const conjugate = { ...lambda, im: lambda.im.map((im) => -im) }
  const sight = algebra.squareRoot(gramian(conjugate, adjoint(c))) // L_o of Q = L_o L_o^H
  const { u, values: sigma, v } = algebra.svd(multiply(adjoint(sight), reach)) // L_o^H L_c = U S V^H
  const halved = (x: Matrix, rank: number) => matrix(x.rows, rank, (i, k) => times(at(x, i, k), [sigma[k] ** -0.5, 0]))
  const truncate = (rank: number): System => {
    const into = multiply(reach, halved(v, rank)) // T = L_c V S^(-1/2), [n, rank]
    const from = multiply(adjoint(halved(u, rank)), adjoint(sight)) // S^(-1/2) U^H L_o^H, [rank, n]
    const turned = matrix(into.rows, rank, (i, k) => times(at(lambda, i, 0), at(into, i, k)))
    const { values, vectors } = algebra.eigen(multiply(from, turned)) // W of A_r = W diag(values) W^(-1)
    return { lambda: values, b: algebra.solve(vectors, multiply(from, b)), c: multiply(c, into, vectors) }
  }
  /** The fewest states whose sigma sum up to all but a share tau of the whole sum. */
  const rankOf = (tau: number): number => {
    let [left, rank] = [(1 - tau) * sigma.reduce((sum, value) => sum + value, 0), 0]
    while (left > 0) left -= sigma[rank++]
    return rank
  }
  return { rankOf, truncate }
}
const LENGTH = 400
/** lambda_i^t b_i, [LENGTH, n]. */
function powers({ lambda: { re, im }, b }: Omit<System, 'c'>): Matrix {
  const power = (i: number, t: number) => polar(Math.hypot(re[i], im[i]) ** t, t * Math.atan2(im[i], re[i]))
  return matrix(LENGTH, b.rows, (t, i) => times(power(i, t), at(b, i, 0)))
}
/** An impulse response to identify: fading tones, of the poles .97 e^(.15 i), .95 e^(.6 i), .985 e^(1.1 i) and their conjugates. */
const tone = (radius: number, angle: number, t: number) => radius ** t * Math.cos(angle * t)
const target = matrix(LENGTH, 1, (t) => tone(0.97, 0.15, t) + tone(0.95, 0.6, t) + tone(0.985, 1.1, t))
function errorOf(system: System): number {
  const weights = matrix(system.lambda.rows, 1, (i) => at(system.c, 0, i))
  const apart = multiply(powers(system), weights).re.map((y, t) => y - target.re[t])
  return Math.hypot(...apart) / Math.hypot(...target.re)
}
/** Poles drawn on the ring, and C by least squares with a ridge of 1e-5. */
function fitted(n: number, draw: () => number): System {
  const lambda = ring(n, draw)
  const b = matrix(n, 1, (i) => gamma(lambda, i))
  const { re, im } = powers({ lambda, b })
  const parts = matrix(LENGTH, 2 * n, (t, i) => (i < n ? re[t * n + i] : -im[t * n + i - n]))
  const normal = multiply(adjoint(parts), parts)
  for (let i = 0; i < 2 * n; i++) normal.re[i * (2 * n + 1)] += 1e-5
  const { re: c } = algebra.solve(normal, multiply(adjoint(parts), target))
  return { lambda, b, c: matrix(1, n, (_, i) => [c[i], c[n + i]]) }
}
/** 96 states shrunk to 8 and to what each tau leaves: how many, their error, that of as many drawn and fitted, that of the 96. */
export function identify(draw: () => number, taus: readonly number[]): number[][] {
  const large = fitted(96, draw)
  const { rankOf, truncate } = balance(large)
  const ranks = [8, ...taus.map(rankOf)]
  return ranks.map((rank) => [rank, ...[truncate(rank), fitted(rank, draw), large].map(errorOf)])
}
