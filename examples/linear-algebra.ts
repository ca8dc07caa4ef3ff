import { RmaatError } from 'rmaat'

// Small dense linear algebra over the complex numbers, in double precision on the host, for the examples: `svd`,
// `hermitianEigen`, `squareRoot`, `eigen` and `solve`. Jacobi rotations and Francis steps, whose errors are some units of
// rounding times the largest element. Libraries on npm have real matrices alone, or take seconds for forty complex rows.

/** A complex matrix, row after row; real where `im` holds zeros. */
export interface Matrix {
  readonly rows: number
  readonly columns: number
  readonly re: Float64Array
  readonly im: Float64Array
}

/** A number, or its real and imaginary part. */
export type Complex = number | readonly [re: number, im: number]

export function matrix(rows: number, columns: number, element: (row: number, column: number) => Complex): Matrix {
  const [re, im] = [new Float64Array(rows * columns), new Float64Array(rows * columns)]
  for (let at = 0; at < rows * columns; at++) {
    const value = element(Math.floor(at / columns), at % columns)
    if (typeof value === 'number') re[at] = value
    else [re[at], im[at]] = value
  }
  return { rows, columns, re, im }
}
export const identity = (size: number): Matrix => matrix(size, size, (row, column) => Number(row === column))

export const at = ({ columns, re, im }: Matrix, row: number, column: number): readonly [re: number, im: number] => [
  re[row * columns + column],
  im[row * columns + column],
]

/** The first rows and columns. */
export const corner = (a: Matrix, rows: number, columns: number): Matrix => matrix(rows, columns, (i, j) => at(a, i, j))

/** The transpose of the conjugate. */
export const adjoint = (a: Matrix): Matrix =>
  matrix(a.columns, a.rows, (row, column) => {
    const [re, im] = at(a, column, row)
    return [re, -im]
  })

/** The product of all, from left to right. */
export function multiply(first: Matrix, ...others: readonly Matrix[]): Matrix {
  return others.reduce((a, b) => {
    if (a.columns !== b.rows) throw shapeError('multiply', `${sizes(a)} times ${sizes(b)}`, 'inner sizes that agree')
    const product = matrix(a.rows, b.columns, () => 0)
    for (let i = 0; i < a.rows; i++)
      for (let k = 0; k < a.columns; k++) {
        const [re, im] = at(a, i, k)
        for (let j = 0; j < b.columns; j++) {
          const [x, y] = [b.re[k * b.columns + j], b.im[k * b.columns + j]]
          product.re[i * b.columns + j] += re * x - im * y
          product.im[i * b.columns + j] += re * y + im * x
        }
      }
    return product
  }, first)
}

const sizes = ({ rows, columns }: Matrix): string => `[${rows}, ${columns}]`
const shapeError = (where: string, found: string, expected: string): RmaatError =>
  new RmaatError('shape', `${where}: found ${found}; expected ${expected}`)
const copyOf = ({ rows, columns, re, im }: Matrix): Matrix => ({ rows, columns, re: re.slice(), im: im.slice() })
const largest = ({ re, im }: Matrix): number => re.reduce((most, x, i) => Math.max(most, Math.hypot(x, im[i])), 0)

function square(where: string, a: Matrix): void {
  if (a.rows !== a.columns) throw shapeError(where, sizes(a), 'a square matrix')
}

function finite(where: string, a: Matrix): void {
  if (!Number.isFinite(largest(a))) throw new RmaatError('data', `${where}: an element is not finite; expected numbers`)
}

/** Rows p and q become c p + s q and c q - conj(s) p. */
function rotateRows({ columns, re, im }: Matrix, p: number, q: number, c: number, [sr, si]: readonly number[]): void {
  for (let x = p * columns, y = q * columns, end = x + columns; x < end; x++, y++) {
    const a = re[x]
    const b = im[x]
    const u = re[y]
    const v = im[y]
    re[x] = c * a + sr * u - si * v
    im[x] = c * b + sr * v + si * u
    re[y] = c * u - sr * a - si * b
    im[y] = c * v - sr * b + si * a
  }
}
/** The same of columns, with conj(s) for s: so that with `rotateRows` a matrix becomes a similar one. */
function rotateColumns(a: Matrix, p: number, q: number, c: number, [sr, si]: readonly number[]): void {
  const { columns, re, im } = a
  for (let x = p, y = q; x < re.length; x += columns, y += columns) {
    const k = re[x]
    const l = im[x]
    const u = re[y]
    const v = im[y]
    re[x] = c * k + sr * u + si * v
    im[x] = c * l + sr * v - si * u
    re[y] = c * u - sr * k + si * l
    im[y] = c * v - sr * l - si * k
  }
}

const MOST_SWEEPS = 60
const MOST_STEPS = 300

/**
 * A = U diag(values) V^H of [m, n], values from the largest to the least: U [m, k] and V [n, k], k = min(m, n), by one-sided
 * Jacobi rotations (Hestenes 1958). Columns of U that belong to values of 0 are 0.
 * @throws RmaatError 'data' where an element is not finite
 */
export function svd(a: Matrix): { u: Matrix; values: Float64Array; v: Matrix } {
  if (a.rows < a.columns) {
    const { u, values, v } = svd(adjoint(a))
    return { u: v, values, v: u }
  }
  finite('svd', a)
  // rows of `left` are conjugated columns of A, which become those of U diag(values); those of `right` become those of V
  const [left, right] = [adjoint(a), identity(a.columns)]
  const { rows: count, columns: length, re, im } = left
  for (let sweep = 0, turned = true; turned && sweep < MOST_SWEEPS; sweep++) {
    turned = false
    for (let p = 0; p < count; p++)
      for (let q = p + 1; q < count; q++) {
        // the squares of both rows, and row p times the conjugate of row q
        let [alpha, beta, x, y] = [0, 0, 0, 0]
        for (let i = p * length, j = q * length; i < (p + 1) * length; i++, j++) {
          alpha += re[i] * re[i] + im[i] * im[i]
          beta += re[j] * re[j] + im[j] * im[j]
          x += re[i] * re[j] + im[i] * im[j]
          y += im[i] * re[j] - re[i] * im[j]
        }
        const gamma = Math.hypot(x, y)
        if (gamma <= 1e-15 * Math.sqrt(alpha * beta) || gamma < 1e-300) continue
        turned = true
        const zeta = (alpha - beta) / (2 * gamma)
        const t = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.sqrt(1 + zeta * zeta))
        const c = 1 / Math.sqrt(1 + t * t)
        const s = [(c * t * x) / gamma, (c * t * y) / gamma]
        rotateRows(left, p, q, c, s)
        rotateRows(right, p, q, c, s)
      }
  }
  const norms = Float64Array.from({ length: count }, (_, row) => {
    const [from, to] = [row * length, (row + 1) * length]
    return Math.hypot(...re.subarray(from, to), ...im.subarray(from, to))
  })
  const order = [...norms.keys()].sort((p, q) => norms[q] - norms[p])
  const column = (of: Matrix, row: number, i: number, scale: number): Complex => {
    const [x, y] = at(of, row, i)
    return [x * scale, -y * scale]
  }
  return {
    u: matrix(length, count, (i, k) => column(left, order[k], i, norms[order[k]] > 0 ? 1 / norms[order[k]] : 0)),
    values: Float64Array.from(order, (row) => norms[row]),
    v: matrix(count, count, (i, k) => column(right, order[k], i, 1)),
  }
}

/** A = V diag(values) V^H of a Hermitian matrix (symmetric where it is real), values from the largest to the least. */
export function hermitianEigen(a: Matrix): { values: Float64Array; vectors: Matrix } {
  square('hermitianEigen', a)
  // moved by its norm it has no negative eigenvalue, and these are its singular values
  const shift = Math.hypot(...a.re, ...a.im)
  const moved = matrix(a.rows, a.rows, (i, j) => {
    const [x, y] = at(a, i, j)
    const [u, v] = at(a, j, i)
    return [(x + u) / 2 + (i === j ? shift : 0), (y - v) / 2]
  })
  const { values, v } = svd(moved)
  return { values: values.map((value) => value - shift), vectors: v }
}

/** The square root of a Hermitian matrix without negative eigenvalues; what rounding made negative counts as 0. */
export function squareRoot(a: Matrix): Matrix {
  const { values, vectors } = hermitianEigen(a)
  const scaled = matrix(a.rows, a.rows, (i, k) => {
    const [x, y] = at(vectors, i, k)
    const root = Math.sqrt(Math.max(0, values[k]))
    return [x * root, y * root]
  })
  return multiply(scaled, adjoint(vectors))
}

/**
 * A V = V diag(values) of any square matrix that has as many vectors: [n, 1] and [n, n] of unit columns. By Schur's form: to
 * Hessenberg form by rotations, then QR steps with Wilkinson's shift; the vectors by substitution.
 * @throws RmaatError 'data' where an element is not finite
 */
export function eigen(a: Matrix): { values: Matrix; vectors: Matrix } {
  square('eigen', a)
  finite('eigen', a)
  const size = a.rows
  const [t, q] = [copyOf(a), identity(size)]
  const small = Number.EPSILON * largest(a)
  /** A similarity whose rotation of two rows turns the pair (x, element (row + 1, column)) into (r, 0). */
  const rotate = (row: number, column: number, [xr, xi]: Pair): void => {
    const [yr, yi] = at(t, row + 1, column)
    const [x, h] = [Math.hypot(xr, xi), Math.hypot(xr, xi, yr, yi)]
    if (h === 0) return
    const [ur, ui] = x > 0 ? [xr / x, xi / x] : [1, 0]
    const s = [(ur * yr + ui * yi) / h, (ui * yr - ur * yi) / h]
    rotateRows(t, row, row + 1, x / h, s)
    rotateColumns(t, row, row + 1, x / h, s)
    rotateColumns(q, row, row + 1, x / h, s)
  }
  /** One that makes element (row + 1, column) 0, without what rounding would leave of it. */
  const clear = (row: number, column: number): void => {
    rotate(row, column, at(t, row, column))
    zero(t, row + 1, column)
  }
  for (let column = 0; column < size - 2; column++) for (let row = size - 2; row > column; row--) clear(row, column)
  const modulus = (i: number, j: number): number => Math.hypot(...at(t, i, j))
  const isSmall = (i: number): boolean =>
    modulus(i, i - 1) <= Math.max(Number.EPSILON * (modulus(i - 1, i - 1) + modulus(i, i)), small / 1000)
  for (let high = size - 1, steps = 0; high > 0; steps++) {
    let low = high
    while (low > 0 && !isSmall(low)) low--
    if (low > 0) zero(t, low, low - 1)
    if (low === high) {
      high--
      steps = 0
      continue
    }
    if (steps === MOST_STEPS) throw new RmaatError('data', `eigen: no convergence in ${steps} steps for a value`)
    const [x, y] = at(t, low, low)
    const [shift, turn] = steps % 11 === 10 ? [modulus(high, high - 1), 0] : wilkinson(t, high)
    rotate(low, low, [x - shift, y - turn])
    for (let k = low + 1; k < high; k++) clear(k, k - 1)
  }
  return { values: matrix(size, 1, (i) => at(t, i, i)), vectors: multiply(q, triangularVectors(t, small)) }
}

function zero({ columns, re, im }: Matrix, row: number, column: number): void {
  re[row * columns + column] = 0
  im[row * columns + column] = 0
}

/** The eigenvalue of the last two rows up to `high` that is nearer to the last element. */
function wilkinson(t: Matrix, high: number): readonly [number, number] {
  const [a, b, c, d] = [at(t, high - 1, high - 1), at(t, high - 1, high), at(t, high, high - 1), at(t, high, high)]
  const half = [(a[0] - d[0]) / 2, (a[1] - d[1]) / 2] as const
  const product = times(b, c)
  const square = times(half, half)
  const root = squareRootOf([square[0] + product[0], square[1] + product[1]])
  const sign = half[0] * root[0] + half[1] * root[1] < 0 ? -1 : 1
  const below = [half[0] + sign * root[0], half[1] + sign * root[1]] as const
  if (Math.hypot(...below) === 0) return d
  const step = over(product, below)
  return [d[0] - step[0], d[1] - step[1]]
}

/** The eigenvectors of an upper triangular matrix, unit columns. */
function triangularVectors(t: Matrix, small: number): Matrix {
  const vectors = matrix(t.rows, t.rows, () => 0)
  for (let k = 0; k < t.rows; k++) {
    const x: (readonly [number, number])[] = []
    x[k] = [1, 0]
    for (let i = k - 1; i >= 0; i--) {
      let [re, im] = [0, 0]
      for (let j = i + 1; j <= k; j++) {
        const [u, v] = times(at(t, i, j), x[j])
        ;[re, im] = [re - u, im - v]
      }
      const apart = [at(t, i, i)[0] - at(t, k, k)[0], at(t, i, i)[1] - at(t, k, k)[1]] as const
      x[i] = over([re, im], Math.hypot(...apart) < small ? [small || 1, 0] : apart)
    }
    const norm = Math.hypot(...x.flat())
    for (let i = 0; i <= k; i++) {
      vectors.re[i * t.rows + k] = x[i][0] / norm
      vectors.im[i * t.rows + k] = x[i][1] / norm
    }
  }
  return vectors
}

type Pair = readonly [number, number]
export const times = ([a, b]: Pair, [c, d]: Pair): Pair => [a * c - b * d, a * d + b * c]
export const over = ([a, b]: Pair, [c, d]: Pair): Pair => {
  const square = c * c + d * d
  return [(a * c + b * d) / square, (b * c - a * d) / square]
}
const squareRootOf = ([a, b]: Pair): Pair => {
  const r = Math.hypot(a, b)
  return [Math.sqrt((r + a) / 2), (b < 0 ? -1 : 1) * Math.sqrt(Math.max(0, (r - a) / 2))]
}

/**
 * X with A X = B, for a square A: elimination with the largest element of a column as pivot.
 * @throws RmaatError 'data' where A is singular
 */
export function solve(a: Matrix, b: Matrix): Matrix {
  square('solve', a)
  if (a.rows !== b.rows) throw shapeError('solve', `${sizes(a)} and ${sizes(b)}`, 'as many rows')
  const [rows, width] = [a.rows, a.columns + b.columns]
  const both = matrix(rows, width, (i, j) => (j < a.columns ? at(a, i, j) : at(b, i, j - a.columns)))
  const { re, im } = both
  const swap = (values: Float64Array, i: number, j: number): void => {
    const row = values.slice(i * width, (i + 1) * width)
    values.copyWithin(i * width, j * width, (j + 1) * width)
    values.set(row, j * width)
  }
  const eliminate = (target: number, pivot: number): void => {
    const [fr, fi] = over(at(both, target, pivot), at(both, pivot, pivot))
    for (let x = target * width + pivot, y = pivot * width + pivot; x < (target + 1) * width; x++, y++) {
      re[x] -= fr * re[y] - fi * im[y]
      im[x] -= fr * im[y] + fi * re[y]
    }
  }
  for (let pivot = 0; pivot < rows; pivot++) {
    let best = pivot
    for (let row = pivot + 1; row < rows; row++)
      if (Math.hypot(...at(both, row, pivot)) > Math.hypot(...at(both, best, pivot))) best = row
    if (!(Math.hypot(...at(both, best, pivot)) > 0))
      throw new RmaatError(
        'data',
        `solve: column ${pivot} depends on those before; expected a matrix that is not singular`,
      )
    for (const values of [re, im]) if (best !== pivot) swap(values, pivot, best)
    for (let row = 0; row < rows; row++) if (row !== pivot) eliminate(row, pivot)
  }
  return matrix(rows, b.columns, (i, j) => over(at(both, i, a.columns + j), at(both, i, i)))
}

/**
 * The Fréchet distance of two sets of rows as normal distributions: |m1 - m2|² + trace(S1 + S2 - 2 (S1 S2)^1/2) of their means and
 * covariances (Dowson & Landau 1982; of features of networks, Heusel et al. 2017).
 */
export function frechet(first: readonly (readonly number[])[], second: readonly (readonly number[])[]): number {
  const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0)
  const [a, b] = [first, second].map((rows) => {
    const middle = rows[0].map((_, i) => total(rows.map((row) => row[i])) / rows.length)
    const product = (i: number, j: number) => total(rows.map((row) => (row[i] - middle[i]) * (row[j] - middle[j])))
    return { middle, spread: matrix(middle.length, middle.length, (i, j) => product(i, j) / (rows.length - 1)) }
  })
  const root = squareRoot(a.spread)
  const trace = ({ rows, re }: Matrix): number => total(Array.from({ length: rows }, (_, i) => re[i * (rows + 1)]))
  const apart = total(a.middle.map((value, i) => (value - b.middle[i]) ** 2))
  return apart + trace(a.spread) + trace(b.spread) - 2 * trace(squareRoot(multiply(root, b.spread, root)))
}
