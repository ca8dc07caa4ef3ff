import type { Initializer } from '../nn/init.ts'
import { init } from '../nn/init.ts'
import { matrix, parameter } from '../nn/parameters.ts'
import { uniform } from '../nn/random.ts'
import { scan } from '../ops/scan.ts'
import { stack } from '../ops/views.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { stateSpaceKind } from './state-space.ts'

/** Eigenvalues begin on a ring between these radii, as is usual for sequences of thousands. */
const [LEAST, MOST, PHASE] = [0.9, 0.999, 2 * Math.PI]

/** log nu, log theta and log gamma of each state, [3, d]: eigenvalues uniform on the ring, gamma = sqrt(1 - |lambda|^2). */
const ring: Initializer = ([, states], stream) => {
  const drawn = uniforms(2 * states, stream)
  const radii = drawn.slice(0, states).map((u) => Math.sqrt(u * (MOST ** 2 - LEAST ** 2) + LEAST ** 2))
  const angles = drawn.slice(states).map((u) => Math.log(PHASE * u))
  const nu = radii.map((radius) => Math.log(-Math.log(radius)))
  return [...nu, ...angles, ...radii.map((radius) => Math.log(1 - radius ** 2) / 2)]
}
/** Above 0, as a logarithm follows. */
const uniforms = (count: number, stream: { seed: number; site: number }): number[] =>
  Array.from(uniform(count, { ...stream, low: 2 ** -24, high: 1 }))

/**
 * The linear recurrent unit (Orvieto et al. 2023): h_t = lambda h_(t-1) + gamma B x_t, y_t = Re(C h_t) + D x_t with d complex
 * states, lambda = exp(-exp(nu) + i exp(theta)). `into` is [Re B, Im B], `out` [Re C; -Im C].
 */
export function recurrentUnit(
  x: Tensor,
  { modes, into, out, skip }: Readonly<Record<'modes' | 'into' | 'out' | 'skip', Tensor>>,
  valid: Tensor,
): Tensor {
  const [batch, tokens, width] = x.shape
  const [nu, theta, gamma] = [0, 1, 2].map((row) => modes.select(0, row))
  const [radius, angle] = [nu.exp().neg().exp(), theta.exp()]
  const factors = stack([radius.mul(angle.cos()), radius.mul(angle.sin())], 0)
  const added = x
    .matmul(into)
    .reshape([batch, tokens, 2, width])
    .mul(gamma.exp())
    .mul(valid.reshape([batch, tokens, 1, 1]))
  const states = scan(factors, added, { axis: 1, complex: 2 })
  return states
    .reshape([batch, tokens, 2 * width])
    .matmul(out)
    .add(x.mul(skip))
}

/** The linear recurrent unit, a state-space model: complex states that each turn and shrink at a rate of their own. */
export const lru = stateSpaceKind('lru', 'the linear recurrent unit: states that turn and shrink at learned rates', {
  parameters: ({ width }) => ({
    modes: parameter([3, width], ring),
    into: parameter([width, 2 * width], init.normal((2 * width) ** -0.5)),
    out: matrix(2 * width, width, init.normal(width ** -0.5)),
    skip: parameter([width], init.normal(1)),
  }),
  apply: recurrentUnit,
})
