import { masked, phi } from '../../nn/attention.ts'
import { init } from '../../nn/init.ts'
import { parameter } from '../../nn/parameters.ts'
import { einsum } from '../../ops/contraction.ts'
import { constant } from '../../ops/row.ts'
import { positions } from '../positions.ts'
import type { Attention } from './attention.ts'

/** Below this a sum of features counts as none: the power alpha has no slope at 0. */
const SMALLEST = 1e-6

/**
 * Astromorphic attention (RMAAT section 3.2, Eq. 4): synapses write a neuronal and an astrocytic Hebbian weight,
 * H = (phi(K)^T V + phi(R)^T V) / n^(1 - alpha), and the presynaptic state g = (sum phi(k))^alpha. Reading divides by the
 * calcium response C = phi(Q) g^T. Linear in the number of tokens. n counts the row's valid tokens; without R and with
 * alpha = 1 this is linear attention.
 */
export const astro: Attention = {
  // the basis so that R is of the order of 1
  parameters: ({ heads, features, tokens, learnScale, scale }) => ({
    basis: parameter([heads, features, tokens], init.normal(tokens ** (-1 / 3))),
    ...(learnScale ? { scale: parameter([], init.constant(Math.log(Math.expm1(scale)))) } : {}),
  }),

  prepare: ({ basis, scale }, config) => phi(positions(basis, scale ? scale.softplus() : constant(config.scale))),

  attend: ({ query, key, value, valid, prepared: astrocyte }, { alpha }) => {
    const [q, k, v] = [phi(query), phi(key), masked(value, valid)]
    // both sums over the tokens in one: phi(K)^T V + phi(R)^T V
    const hebbian = einsum('bnhm,bnhv->bhmv', k.add(astrocyte!.transpose([1, 0, 2])), v)
    const presynaptic = einsum('bnhm,bn->bhm', k, valid).maximum(SMALLEST).pow(alpha)
    const calcium = einsum('bnhm,bhm->bnh', q, presynaptic).maximum(SMALLEST)
    const divisor = valid.sum(-1).pow(1 - alpha)
    const norm = calcium.mul(divisor.reshape([valid.shape[0], 1, 1]))
    return einsum('bnhm,bhmv->bnhv', q, hebbian).div(norm.reshape([...norm.shape, 1]))
  },
}
