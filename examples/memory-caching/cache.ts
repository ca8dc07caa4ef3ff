import { compile, concat, type Device, einsum, f32, iota, stack, type Tensor, where } from 'rmaat'
import { Random } from '../gallery.ts'

/** Of length 1. */
export const unit = (x: Tensor) => x.div(x.square().sum(-1, true).sqrt())
/** Keys [B, N, C, dk] and values [B, N, C, dv] of N segments -> the memory sum of v k^T that each leaves, [B, N, dv, dk]. */
export const memoriesOf = (keys: Tensor, values: Tensor) => einsum('bncv,bnck->bnvk', values, keys)
/** Tokens u [B, Q, d] that ask, and the mean tokens of segments [B, N, d] -> <u, mean of S_i>, [B, Q, N]. */
export const scores = (asking: Tensor, pooled: Tensor) => einsum('bqd,bnd->bqn', asking, pooled)

/** What each memory answers to queries [B, Q, dk]: [B, Q, N, dv]. */
const read = (memories: Tensor, queries: Tensor) => einsum('bnvk,bqk->bqnv', memories, queries)
/** Memories [B, N, dv, dk], queries [B, Q, dk], scores [B, Q, N] -> [B, Q, dv]. */
type ReadOut = (memories: Tensor, queries: Tensor, score: Tensor) => Tensor

/** All answers added up. */
const residual: ReadOut = (memories, queries) => read(memories, queries).sum(2)
/** Gated residual memory: the answers weighed by g = softmax(scores). */
const gated: ReadOut = (memories, queries, score) => einsum('bqnv,bqn->bqv', read(memories, queries), score.softmax())
/** Memory soup: the parameters of the memories averaged by the same gates, and their mean read once. */
const soup: ReadOut = (memories, queries, score) =>
  einsum('bqvk,bqk->bqv', einsum('bqn,bnvk->bqvk', score.softmax(), memories), queries)
/** Sparse selective caching: the k cached memories with the highest scores, and the online one, which is the last. */
const selected =
  (k: number): ReadOut =>
  (memories, queries, score) => {
    const cached = score.narrow(-1, 0, -1)
    const least = cached.topK(Math.min(k, cached.shape[2])).values.min(-1, true) // [B, Q, 1]
    const kept = where(cached.less(least), Number.NEGATIVE_INFINITY, cached)
    return gated(memories, queries, concat([kept, score.narrow(-1, -1)], -1))
  }
export const readOuts = { residual, GRM: gated, soup, 'SSC(1)': selected(1), 'SSC(4)': selected(4) }

const [ROWS, WIDTH, SIZE] = [2, 32, 16]

/**
 * Without any training: random keys and values in segments of 16 pairs, each about something. Every key asks once, from a token
 * about the same: the share that each read-out recalls, and the largest differences between what must be equal.
 */
export async function recall(device: Device, pairs: number, seed: number) {
  const segments = pairs / SIZE
  const each = f32(ROWS, segments, SIZE, WIDTH)
  const inputs = { keys: each, values: each, noise: each, asking: each, about: f32(ROWS, segments, 1, WIDTH) }
  const program = compile(device, inputs, ({ keys, values, noise, asking, about }) => {
    const all = (x: Tensor) => x.reshape([ROWS, pairs, WIDTH]) // Q = N C
    const [memories, queries] = [memoriesOf(unit(keys), values), all(unit(keys))]
    const score = scores(all(about.add(asking)), about.add(noise).mean(2)).div(Math.sqrt(WIDTH)) // [B, Q, N]
    const answers = Object.values(readOuts).map((readOut) => readOut(memories, queries, score)) // [B, Q, dv] each
    // right where an answer points more to its own value than to any other that is stored
    const alike = (answer: Tensor) => einsum('bqv,bpv->bqp', answer, unit(all(values)))
    const right = (answer: Tensor) =>
      alike(answer)
        .argmax()
        .equal(iota([pairs], 0))
        .cast('f32')
        .mean()
    const uncut = memories.sum(1, true) // what the recurrent network without a cache holds at the end, [B, 1, dv, dk]
    const one = [readOuts.residual, readOuts.GRM].map((readOut) => readOut(uncut, queries, score.narrow(2, 0, 1)))
    const apart = (x: Tensor, y: Tensor) => x.sub(y).abs().max()
    const identities = [apart(answers[0], one[0]), apart(answers[1], answers[2]), apart(one[0], one[1])]
    return { shares: stack(answers.map(right)), identities: stack(identities) }
  })
  const random = new Random(seed)
  const normals = (count = ROWS * pairs * WIDTH) => Float64Array.from({ length: count }, () => random.normal())
  const drawn = { keys: normals(), values: normals(), noise: normals(), asking: normals() }
  const found = await program.arrays({ ...drawn, about: normals(ROWS * segments * WIDTH) })
  program.close()
  return { shares: [...found.shares], apart: Math.max(...found.identities) }
}
