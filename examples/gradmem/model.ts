import * as nn from 'rmaat'
import { concat, grad, i32, init, loop, type Tensor, zeros } from 'rmaat'
import type { Problem } from '../learn.ts'

/** Memory vectors M, width D, heads h; an answer is one of `VALUES`. */
export const [SLOTS, WIDTH, HEADS, KEYS, VALUES] = [8, 32, 4, 128, 16]
/** Pairs of a segment, and how many keys of the context are asked for. */
export const [PAIRS, ASKS] = [4, 16]

/** Steps of gradient descent, or passes over the context that write as an RMT does; by replay, or by loops written out. */
export type Writing = { readonly by: 'descent' | 'passes'; readonly count: number; readonly unroll?: boolean }

/** A reader of memory, the same weights whichever way memory is written. B rows, T segments, S pairs, Q keys asked. */
export function reader(device: nn.Device, rows: number, seed: number) {
  const parameters = new nn.Parameters(
    device,
    {
      key: nn.embeddingParameters(KEYS, WIDTH),
      norm: nn.layerNormParameters(WIDTH),
      mix: nn.attentionParameters(WIDTH),
      normInner: nn.layerNormParameters(WIDTH),
      inner: nn.feedForwardParameters(WIDTH, 4 * WIDTH),
      normLast: nn.layerNormParameters(WIDTH),
      head: nn.linearParameters(WIDTH, VALUES),
      slots: nn.parameter([SLOTS, WIDTH], init.normal(1)), // m0
      eta: nn.parameter([], init.constant(0.5)),
    },
    seed,
  )
  const { key, norm, mix, normInner, inner, normLast, head, slots, eta } = parameters.tensors

  /** A pre-norm block in which x [B, N, D] attends to `to`. */
  const block = (x: Tensor, to: Tensor): Tensor => {
    const seen = x.add(nn.attention(nn.layerNorm(x, norm), mix, { heads: HEADS, to }))
    return seen.add(nn.feedForward(nn.layerNorm(seen, normInner), inner))
  }
  /** Keys [B, S] -> the logits of their values by the memory [B, M, D] alone, [B, S, values]. */
  const answer = (keys: Tensor, memory: Tensor): Tensor =>
    nn.linear(nn.layerNorm(block(nn.embedding(keys, key), memory), normLast), head)

  /** m - eta dL/dm, with L the error of m on every pair of keys and values [T, B, S], segment by segment. */
  const descend = (memory: Tensor, keys: Tensor, values: Tensor, unroll?: boolean): Tensor => {
    const options = { count: keys.shape[0], carry: [zeros([])], inputs: [keys, values], unroll }
    const { carry } = loop(options, ([error], [keys, values]) => ({
      carry: [error.add(answer(keys, memory).crossEntropy(values).sum())],
    }))
    return memory.sub(grad(carry[0], [memory])[0].mul(eta))
  }
  /** Segment by segment the memory goes through the block, where it sees itself and the pairs: the next memory. */
  const pass = (memory: Tensor, keys: Tensor, values: Tensor, unroll?: boolean): Tensor => {
    const value = head.w.transpose([1, 0]) // embeds what it tells
    const options = { count: keys.shape[0], carry: [memory], inputs: [keys, values], unroll }
    const { carry } = loop(options, ([memory], [keys, values]) => {
      const pairs = nn.embedding(keys, key).add(nn.embedding(values, value))
      return { carry: [block(memory, nn.layerNorm(concat([memory, pairs], 1), norm))] }
    })
    return carry[0]
  }

  const asked = i32(rows, ASKS)
  /** Contexts of so many segments, of which 16 keys are asked for. */
  const problem = (segments: number, { by, count, unroll }: Writing): Problem => ({
    inputs: { keys: i32(segments, rows, PAIRS), values: i32(segments, rows, PAIRS), asked, labels: asked },
    draw(random) {
      const pairs = segments * PAIRS
      const keys = Array.from({ length: rows }, () => random.choose(pairs, KEYS))
      const values = keys.map((own) => own.map(() => random.integer(VALUES)))
      const places = keys.map(() => random.choose(ASKS, pairs))
      const bySegment = (of: number[][]): number[] =>
        Array.from({ length: segments }, (_, t) => of.map((own) => own.slice(t * PAIRS, (t + 1) * PAIRS))).flat(2)
      const at = (of: number[][]): number[] => places.flatMap((own, row) => own.map((place) => of[row][place]))
      return { keys: bySegment(keys), values: bySegment(values), asked: at(keys), labels: at(values) }
    },
    logits({ keys, values, asked }) {
      const write = by === 'descent' ? descend : pass
      let memory: Tensor = slots.broadcastTo([rows, SLOTS, WIDTH])
      for (let i = 0; i < count; i++) memory = write(memory, keys, values, unroll)
      return answer(asked, memory)
    },
  })
  return { parameters, problem }
}
