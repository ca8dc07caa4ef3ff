import { type Initializer, init } from '../nn/init.ts'
import { parameter } from '../nn/parameters.ts'
import { uniform } from '../nn/random.ts'
import { einsum } from '../ops/contraction.ts'
import { tensor } from '../ops/entry.ts'
import { scan } from '../ops/scan.ts'
import { stack } from '../ops/views.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { stateSpaceKind } from './state-space.ts'

/** Between these the time step of a channel begins, evenly in its logarithm. */
const [SHORTEST, LONGEST] = [0.001, 0.1]
const logSteps: Initializer = ([channels], stream) =>
  Array.from(uniform(channels, { ...stream, low: Math.log(SHORTEST), high: Math.log(LONGEST) }))

/** log of -Re A and Im A of n modes, alike in each of d channels, [2, d, n]: A_n = -1/2 + i pi n. */
const modes: Initializer = ([, channels, count]) => [
  ...new Array<number>(channels * count).fill(Math.log(0.5)),
  ...Array.from({ length: channels * count }, (_, i) => Math.PI * (i % count)),
]

/**
 * S4D-Lin (Gu et al. 2022): each of d channels is a system of its own, n complex modes x' = A x + u under a time step Delta
 * held over a token: h_t = exp(Delta A) h_(t-1) + u_t, y_t = 2 Re sum_n C_n (exp(Delta A_n) - 1) / A_n h_t,n + D u_t.
 * u [B, N, d] -> the same; `delta` [d], `modes` and `out` (real and imaginary C) [2, d, n], `skip` [d].
 */
export function diagonalSystem(
  u: Tensor,
  { delta, modes, out, skip }: Readonly<Record<'delta' | 'modes' | 'out' | 'skip', Tensor>>,
  valid: Tensor,
): Tensor {
  const [batch, tokens, channels] = u.shape
  const count = modes.shape[2]
  const [re, im] = [modes.select(0, 0).exp().neg(), modes.select(0, 1)]
  const step = delta.exp().reshape([channels, 1])
  const [radius, angle] = [re.mul(step).exp(), im.mul(step)]
  const factor = [radius.mul(angle.cos()), radius.mul(angle.sin())]
  const added = u
    .mul(valid.unsqueeze(-1))
    .reshape([batch, tokens, 1, channels, 1])
    .mul(tensor([1, 0], [2, 1, 1]))
    .broadcastTo([batch, tokens, 2, channels, count])
  const states = scan(stack(factor, 0), added, { axis: 1, complex: 2 })
  // C times (factor - 1) / A, each a complex number
  const size = re.square().add(im.square()).div(2)
  const [a, b] = [factor[0].sub(1), factor[1]]
  const [held, turned] = [a.mul(re).add(b.mul(im)).div(size), b.mul(re).sub(a.mul(im)).div(size)]
  const [c, s] = [out.select(0, 0), out.select(0, 1)]
  const read = stack([c.mul(held).sub(s.mul(turned)), c.mul(turned).add(s.mul(held)).neg()], 0)
  return einsum('btcdn,cdn->btd', states, read).add(u.mul(skip))
}

/** A diagonal state-space model: `features` modes for each channel, at frequencies that begin evenly spaced. */
export const s4d = stateSpaceKind(
  's4d',
  'a diagonal state-space model: modes of evenly spaced frequencies for each channel',
  {
    parameters: ({ width, features }) => ({
      delta: parameter([width], logSteps),
      modes: parameter([2, width, features], modes),
      out: parameter([2, width, features], init.normal(0.5 ** 0.5)),
      skip: parameter([width], init.normal(1)),
    }),
    apply: diagonalSystem,
  },
  ['features'],
)
