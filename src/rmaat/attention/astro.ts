import { causalSums, masked, phi } from '../../nn/attention.ts'
import { init } from '../../nn/init.ts'
import { parameter } from '../../nn/parameters.ts'
import { einsum } from '../../ops/contraction.ts'
import { constant } from '../../ops/entry.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { positions } from '../positions.ts'
import type { Attention } from './attention.ts'

/** The least value of a sum of features: the power alpha has no derivative at 0. */
const SMALLEST = 1e-6

/**
 * Astromorphic attention (RMAAT section 3.2, Eq. 4): synapses write a neuronal and an astrocytic Hebbian weight,
 * H = (phi(K)^T V + phi(R)^T V) / n^(1 - alpha), and the presynaptic state g = (sum phi(k))^alpha. The output phi(Q) H is
 * divided by the calcium response C = phi(Q) g^T. n counts a sequence's valid tokens. Linear in the number of tokens; without
 * R and with alpha = 1 this is linear attention. Causal, all sums of token n, its count of tokens and those in R too, are those
 * over the tokens 0 ... n.
 */
export const astro: Attention = {
  // the deviation of the basis makes R of the order of 1
  parameters: ({ heads, features, tokens, learnScale, scale }) => ({
    basis: parameter([heads, features, tokens], init.normal(tokens ** (-1 / 3))),
    ...(learnScale ? { scale: parameter([], init.constant(Math.log(Math.expm1(scale)))) } : {}),
  }),

  prepare: ({ basis, scale }, config) =>
    phi(positions(basis, scale ? scale.softplus() : constant(config.scale), config.causal)),

  attend: ({ query, key, value, valid, prepared: astrocyte }, { alpha, causal }) => {
    const [q, k, v] = [phi(query), phi(key), masked(value, valid)]
    // phi(K)^T V + phi(R)^T V in one sum over the tokens
    const synapses = k.add(astrocyte!.transpose([1, 0, 2]))
    const power = (sums: Tensor): Tensor => sums.maximum(SMALLEST).pow(alpha)
    if (causal) {
      const upTo = (x: Tensor): Tensor => x.narrow(1, 0, q.shape[1]).cumsum(1)
      const calcium = einsum('bnhm,bnhm->bnh', q, power(upTo(masked(k, valid))))
      // a token with nothing but padding to attend to gets zeros
      return normalised(causalSums(q, synapses, v), calcium, upTo(valid).maximum(1).unsqueeze(-1), alpha)
    }
    const hebbian = einsum('bnhm,bnhv->bhmv', synapses, v)
    const calcium = einsum('bnhm,bhm->bnh', q, power(einsum('bnhm,bn->bhm', k, valid)))
    return normalised(einsum('bnhm,bhmv->bnhv', q, hebbian), calcium, valid.sum(-1).reshape([-1, 1, 1]), alpha)
  },
}

/** Divides phi(Q) H n^(1 - alpha), [B, Q, h, v], by n^(1 - alpha) and C: C [B, Q, h]; n [B, 1 or Q, 1]. */
function normalised(mixed: Tensor, calcium: Tensor, count: Tensor, alpha: number): Tensor {
  const norm = calcium.maximum(SMALLEST).mul(count.pow(1 - alpha))
  return mixed.div(norm.reshape([...norm.shape, 1]))
}
