import { einsum } from '../../ops/contraction.ts'
import { type Attention, mask, phi } from './attention.ts'

/** Linear attention (Katharopoulos et al. 2020): phi(Q) phi(K)^T V, divided by its row sums. */
export const linear: Attention = {
  parameters: () => ({}),
  prepare: () => undefined,
  attend: ({ query, key, value, valid }) => {
    const [q, k] = [phi(query), phi(key)]
    const state = einsum('bnhm,bnhv->bhmv', k, mask(value, valid))
    const norm = einsum('bnhm,bhm->bnh', q, einsum('bnhm,bn->bhm', k, valid))
    return einsum('bnhm,bhmv->bnhv', q, state).div(norm.reshape([...norm.shape, 1]))
  },
}
