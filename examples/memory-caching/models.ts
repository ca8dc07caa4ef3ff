import * as engine from 'rmaat'
import type { Problem } from '../learn.ts'
import { memoriesOf, readOuts, scores, unit } from './cache.ts'

/** Associative recall (MQAR, Arora et al. 2023) in small: 256 keys, 16 values, segments of 8 pairs; every key asks. */
export function mqar(device: engine.Device, seed: number) {
  const [rows, size, keys, values, width] = [16, 8, 256, 16, 24]
  const tables = { key: engine.embeddingParameters(keys, width), value: engine.embeddingParameters(values, width) }
  const maps = { ask: engine.linearParameters(width, width), head: engine.linearParameters(width, values) } // ask is W_u
  const { tensors: w, variable } = new engine.Parameters(device, { ...tables, ...maps }, seed)
  const problem = (pairs: number, by: keyof typeof readOuts): Problem => ({
    inputs: { x: engine.i32(rows, pairs), values: engine.i32(rows, pairs), labels: engine.i32(rows, pairs) },
    draw(random) {
      const x = Array.from({ length: rows }, () => random.choose(pairs, keys)).flat()
      const labels = x.map(() => random.integer(values))
      return { x, values: labels, labels }
    },
    logits({ x, values }) {
      const key = engine.embedding(x, w.key) // [B, Q, d], also the token that asks
      const bySegment = (y: engine.Tensor) => y.reshape([rows, pairs / size, size, width])
      const memories = memoriesOf(bySegment(unit(key)), bySegment(engine.embedding(values, w.value)))
      const score = scores(engine.linear(key, w.ask), bySegment(key).mean(2)) // [B, Q, N]
      return engine.linear(readOuts[by](memories, unit(key), score), w.head)
    },
  })
  return { variables: [variable], problem }
}

/**
 * RMAAT on facts "this key has that value", a token each, in segments of S; the last segment asks for one of 16 keys. As it is,
 * or by GRM over the memory tokens that each segment leaves: to read a memory is, here, to process the segment that asks after
 * it, and what is weighed are its logits. Retention is off, as the gates choose what counts.
 */
export function rmaat(device: engine.Device, cached: boolean, length: number, seed: number) {
  const [rows, keys, values, width] = [32, 16, 4, 32]
  const sizes = { segments: 9, segmentLength: length, memory: 4, width, layers: 1, vocabulary: 1 + keys * (values + 1) }
  const model = new engine.Rmaat(device, { ...sizes, classes: values, retention: 'none', seed })
  const { memory, embed } = model.parameters.tensors // [M, d], and a row for each token
  const ask = engine.variable(device, [width, width], { init: 'normal', seed, name: 'W_u' })
  const begin = (rows: number) => memory.broadcastTo([rows, ...memory.shape])
  const segment = (tokens: engine.Tensor) => {
    const ones = engine.zeros(tokens.shape).add(1) // [rows, S]
    return { tokens, valid: ones.cast('i32'), retention: ones.select(1, 0) }
  }
  const problem = (segments: number): Problem => ({
    inputs: { x: engine.i32(rows, segments, length), asks: engine.i32(rows, 1), labels: engine.i32(rows) },
    draw(random) {
      const all = Array.from({ length: rows }, () => random.choose(segments * length, keys))
      const [labels, places] = [values, segments * length].map((limit) => all.map(() => random.integer(limit)))
      const value = (row: number, i: number) => (i === places[row] ? labels[row] : random.integer(values))
      const x = all.flatMap((own, row) => own.map((key, i) => 1 + key * values + value(row, i)))
      return { x, asks: all.map((own, row) => 1 + keys * values + own[places[row]]), labels }
    },
    logits({ x, asks }) {
      const last = segment(asks.broadcastTo([rows, length]))
      const handOn = (m: engine.Tensor, part: engine.Tensor) => model.advance(m, segment(part.select(1, 0)))
      if (!cached) return model.classify(x.split(1, 1).reduce(handOn, begin(rows)), last)
      // each segment begins anew, so that all are computed at once: their memory tokens, [B N, M, d]
      const memories = model.advance(begin(rows * segments), segment(x.reshape([-1, length])))
      const each = segment(asks.unsqueeze(1).broadcastTo(x.shape).reshape([-1, length]))
      const answers = model.classify(memories, each).reshape([rows, segments, values])
      const asking = engine.embedding(asks, embed).matmul(ask) // x W_u, [B, 1, d]
      const gates = scores(asking, engine.embedding(x, embed).mean(2)).softmax() // [B, 1, N]
      return engine.einsum('bnc,bqn->bc', answers, gates)
    },
  })
  return { variables: [model.parameters.variable, ...(cached ? [ask] : [])], problem }
}
