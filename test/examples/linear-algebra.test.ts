import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  adjoint,
  at,
  type Complex,
  eigen,
  hermitianEigen,
  identity,
  type Matrix,
  matrix,
  multiply,
  solve,
  squareRoot,
  svd,
} from '../../examples/linear-algebra.ts'
import { fails } from '../support/fails.ts'

/** Complex numbers that look random, the same in every run. */
function drawn(rows: number, columns: number, seed = 1): Matrix {
  let state = seed
  const next = () => {
    state = (state * 48271) % 2147483647
    return state / 2147483647 - 0.5
  }
  return matrix(rows, columns, () => [next(), next()])
}
const diagonal = (values: ArrayLike<number>): Matrix =>
  matrix(values.length, values.length, (i, j) => (i === j ? values[i] : 0))
const column = (values: ArrayLike<number>): Matrix => matrix(values.length, 1, (i) => values[i])
const product = ([a, b]: readonly number[], [c, d]: readonly number[]): Complex => [a * c - b * d, a * d + b * c]
const real = (rows: readonly (readonly number[])[]): Matrix => matrix(rows.length, rows[0].length, (i, j) => rows[i][j])

function near(found: Matrix, expected: Matrix, tolerance = 1e-13): void {
  assert.equal([found.rows, found.columns], [expected.rows, expected.columns])
  const apart = (x: Float64Array, y: Float64Array) => Math.max(...x.map((one, i) => Math.abs(one - y[i])))
  const error = Math.max(apart(found.re, expected.re), apart(found.im, expected.im))
  assert.ok(error < tolerance, `${error} apart`)
}

test('singular values are in order, and their factors unitary', () => {
  for (const [rows, columns] of [
    [9, 6],
    [6, 9],
    [7, 7],
    [5, 1],
  ]) {
    const a = drawn(rows, columns)
    const { u, values, v } = svd(a)
    near(multiply(u, diagonal(values), adjoint(v)), a)
    for (const one of [u, v]) near(multiply(adjoint(one), one), identity(Math.min(rows, columns)))
    assert.ok(values.every((value, i) => value >= 0 && (i === 0 || value <= values[i - 1])))
  }
  const { values } = svd(multiply(drawn(8, 2), drawn(2, 8, 5)))
  assert.ok(values[1] > 0.1 && values[2] < 1e-15, `${values} are those of a product of rank 2`)
  near(
    column(
      svd(
        real([
          [3, 0],
          [4, 5],
        ]),
      ).values,
    ),
    column([Math.sqrt(45), Math.sqrt(5)]),
  )
})

test('a Hermitian matrix has real eigenvalues, of either sign', () => {
  const a = drawn(8, 8)
  const b = matrix(8, 8, (i, j) => {
    const [[x, y], [u, v]] = [at(a, i, j), at(a, j, i)]
    return [x + u, y - v]
  })
  const { values, vectors } = hermitianEigen(b)
  assert.ok(values[0] > 0 && values[7] < 0)
  near(multiply(vectors, diagonal(values), adjoint(vectors)), b)
  near(multiply(adjoint(vectors), vectors), identity(8))
  // the skew part of the Legendre memory's matrix: Gu et al. 2020, as S5 begins with it
  const n = (i: number) => Math.sqrt(2 * i + 1)
  const legendre = matrix(4, 4, (i, j) => [0, i === j ? 0 : ((i > j ? 1 : -1) * n(i) * n(j)) / 2])
  near(column(hermitianEigen(legendre).values), column([4.6033, 0.5565, -0.5565, -4.6033]), 5e-5)
  const root = squareRoot(multiply(a, adjoint(a)))
  near(multiply(root, root), multiply(a, adjoint(a)))
  near(adjoint(root), root)
})

test('any matrix has its eigenvalues: drawn ones, a polynomial’s roots, a turn, multiple ones', () => {
  for (const size of [1, 2, 3, 12, 40]) {
    const a = drawn(size, size, size)
    const { values, vectors } = eigen(a)
    const scaled = matrix(size, size, (i, j) => product(at(vectors, i, j), at(values, j, 0)))
    near(multiply(a, vectors), scaled, 1e-12)
  }
  // x^4 - 10 x^3 + 35 x^2 - 50 x + 24
  const companion = real([
    [10, -35, 50, -24],
    [1, 0, 0, 0],
    [0, 1, 0, 0],
    [0, 0, 1, 0],
  ])
  near(column([...eigen(companion).values.re].sort()), column([1, 2, 3, 4]), 1e-12)
  const turn = eigen(
    real([
      [0.6, -0.8],
      [0.8, 0.6],
    ]),
  ).values
  near(column([...turn.im].sort()), column([-0.8, 0.8]))
  // all shifts of these are nothing, or the same
  const cycle = eigen(matrix(4, 4, (i, j) => Number((i + 1) % 4 === j))).values
  near(column([...cycle.re, ...cycle.im].sort((x, y) => x - y)), column([-1, -1, 0, 0, 0, 0, 1, 1]))
  near(
    eigen(matrix(5, 5, () => 0)).values,
    matrix(5, 1, () => 0),
  )
  near(
    eigen(matrix(3, 3, (i, j) => (i === j ? 2 : Number(j > i)))).values,
    matrix(3, 1, () => 2),
  )
})

test('equations are solved, and what has no solution says so', async () => {
  const [a, x] = [drawn(9, 9), drawn(9, 3, 7)]
  near(solve(a, multiply(a, x)), x, 1e-12)
  near(
    solve(
      real([
        [0, 2],
        [4, 0],
      ]),
      column([2, 8]),
    ),
    column([2, 1]),
  )
  await fails('data', /column 1 depends on those before/, () =>
    solve(
      real([
        [1, 2],
        [2, 4],
      ]),
      column([1, 1]),
    ),
  )
  await fails('shape', /solve: found \[2, 3\]; expected a square matrix/, () => solve(drawn(2, 3), column([1, 1])))
  await fails('shape', /\[2, 2\] and \[3, 1\]/, () => solve(drawn(2, 2), column([1, 1, 1])))
  await fails('shape', /multiply/, () => multiply(drawn(2, 3), drawn(2, 3)))
  await fails('data', /not finite/, () => svd(real([[Number.NaN]])))
  await fails('data', /eigen: an element is not finite/, () =>
    eigen(
      real([
        [1, 2],
        [3, Number.NaN],
      ]),
    ),
  )
})

test.run()
