/**
 * Memformer (Wu et al. 2020, arXiv 2010.06891): memory slots that every layer of a segment reads by cross-attention, that slot
 * attention writes, and that a biased normalisation lets fade; trained by memory replay, which keeps the slots alone and
 * computes each segment again on the way back. The task: the first token is a cue, the last one asks for it.
 * Axes: B batch, T segments, S tokens, M slots, D width, h heads, d = D / h.
 */
import * as nn from 'rmaat'
import { compile, concat, einsum, f32, grad, i32, iota, loop, plan, type Tensor, where } from 'rmaat'
import { type Example, mean, type Outcome, type Run, spread } from '../gallery.ts'

const [SLOTS, WIDTH, HEADS, BLOCKS] = [4, 32, 2, 2]
const [CUES, NOISE] = [8, 4]
const QUERY = CUES + NOISE
/** Divides the scores of slot attention. */
const TEMPERATURE = 0.25
/** Deviations that the biases of the normalisation begin with, which set how fast slots forget; and no normalisation. */
const biases = [0.02, 0.3, undefined]
/** Trained on 2 to so many segments, in turn. */
const LONGEST = 5
const TESTS = 512
/** `tokens` is S; tested on as many segments as `lengths` says, of which the second is that of the claim. */
const full = { tokens: 10, batch: 64, steps: 400, seeds: [1, 2, 3], biases, lengths: [5, 10, 20, 50] }
const short = { tokens: 4, batch: 32, steps: 150, seeds: [1], biases: [0.02], lengths: [4, 10] }

/** Sequences of T segments, ids [T, B, S], and their cues, [B]. Random numbers are counted: equal steps give equal ones. */
function sequences(shape: readonly number[], source: { seed: number; site: number; step: nn.TensorLike }) {
  const [segments, rows, tokens] = shape
  const numbers = nn.randomUniform([segments + 1, rows, tokens], source)
  const cues = numbers.select(0, segments).select(1, 0).mul(CUES).floor().cast('i32')
  const noise = numbers.narrow(0, 0, segments).mul(NOISE).floor().add(CUES).cast('i32')
  const place = iota(shape, 0).mul(tokens).add(iota(shape, 2))
  const ended = where(place.equal(segments * tokens - 1), QUERY, noise)
  return { ids: where(place.equal(0), cues.reshape([1, rows, 1]), ended), cues }
}

function memformer(device: nn.Device, seed: number, tokens: number, deviation?: number) {
  const parameters = new nn.Parameters(
    device,
    {
      embed: nn.embeddingParameters(QUERY + 1, WIDTH),
      place: nn.embeddingParameters(tokens, WIDTH),
      blocks: Array.from({ length: BLOCKS }, () => ({
        norm1: nn.layerNormParameters(WIDTH),
        self: nn.attentionParameters(WIDTH),
        norm2: nn.layerNormParameters(WIDTH),
        read: nn.attentionParameters(WIDTH),
        norm3: nn.layerNormParameters(WIDTH),
        ...nn.feedForwardParameters(WIDTH, 4 * WIDTH),
      })),
      norm: nn.layerNormParameters(WIDTH),
      write: nn.attentionParameters(WIDTH),
      bias: nn.parameter([SLOTS, WIDTH], nn.init.normal(deviation ?? 1)),
      head: nn.linearParameters(WIDTH, CUES),
    },
    seed,
  )
  const { embed, place, blocks, norm, write, bias, head } = parameters.tensors

  /** ids [B, S], which read the slots [B, M, D] -> [B, S, D] */
  const encode = (ids: Tensor, memory: Tensor): Tensor => {
    let x = nn.embedding(ids, embed).add(place)
    for (const of of blocks) {
      x = x.add(nn.attention(nn.layerNorm(x, of.norm1), of.self, { heads: HEADS }))
      x = x.add(nn.attention(nn.layerNorm(x, of.norm2), of.read, { heads: HEADS, to: memory }))
      x = x.add(nn.feedForward(nn.layerNorm(x, of.norm3), of))
    }
    return nn.layerNorm(x, norm)
  }
  /** Of length √D, so that slots weigh in attention as tokens do. */
  const unit = (slots: Tensor): Tensor => slots.mul(slots.square().mean(-1, true).add(1e-6).rsqrt())
  const forget = (slots: Tensor): Tensor => (deviation === undefined ? slots : unit(slots.add(bias)))
  /** Slot attention: each slot sees itself and the tokens x [B, S, D], and no other slot -> [B, M, D]. */
  const written = (x: Tensor, memory: Tensor): Tensor => {
    const split = (y: Tensor): Tensor => y.reshape([...y.shape.slice(0, 2), HEADS, WIDTH / HEADS]) // [B, M or S, h, d]
    const [query, own, kept] = [memory.matmul(write.wq), memory.matmul(write.wk), memory].map(split)
    const [key, value] = [x.matmul(write.wk), x.matmul(write.wv)].map(split)
    const ofSelf = query.mul(own).sum(-1).transpose([0, 2, 1]).unsqueeze(-1) // [B, h, M, 1]
    const ofTokens = einsum('bmhd,bshd->bhms', query, key)
    const scores = concat([ofSelf, ofTokens], -1).mul((WIDTH / HEADS) ** -0.5 / TEMPERATURE)
    const weights = scores.softmax() // [B, h, M, 1 + S]
    const self = weights.narrow(-1, 0, 1).transpose([0, 2, 1, 3]) // [B, M, h, 1]
    const mixed = self.mul(kept).add(einsum('bhms,bshd->bmhd', weights.narrow(-1, 1), value))
    return forget(mixed.reshape(memory.shape))
  }
  /** ids [T, B, S] -> [B, cues]; backpropagated through all segments, or by replay of one after another. */
  const logitsOf = (ids: Tensor, method: 'replay' | 'bptt'): Tensor => {
    const [count, rows] = ids.shape
    const carry = [unit(bias).broadcastTo([rows, SLOTS, WIDTH])]
    const inputs = [ids.narrow(0, 0, count - 1)]
    const { carry: last } = loop({ count: count - 1, carry, inputs, unroll: method === 'bptt' }, ([memory], [ids]) => ({
      carry: [written(encode(ids, memory), memory)],
    }))
    return nn.linear(encode(ids.select(0, count - 1), last[0]).select(1, tokens - 1), head)
  }
  const gradientOf = (ids: Tensor, cues: Tensor, method: 'replay' | 'bptt') => {
    const loss = logitsOf(ids, method).crossEntropy(cues).mean()
    return { loss, gradient: parameters.flat(grad(loss, parameters.list)) }
  }
  return { parameters, logitsOf, gradientOf }
}

/** The largest difference between both methods' gradients in double precision, in parts of the largest element. */
async function difference(tokens: number): Promise<number> {
  const device = await nn.openDevice('reference')
  const { gradientOf } = memformer(device, 1, tokens, 0.02)
  const { ids, cues } = sequences([6, 2, tokens], { seed: 3, site: 3, step: 0 })
  const [replay, bptt] = (['replay', 'bptt'] as const).map((method) => gradientOf(ids, cues, method).gradient)
  const [[apart], [largest]] = await nn.read(device, replay.sub(bptt).abs().max(), bptt.abs().max())
  device.close()
  return apart / largest
}

/** Bytes of a gradient's intermediate results, by the plan; of them the slots that replay keeps. */
function memoryOf(device: nn.Device, segments: number, { tokens, batch }: typeof full, method: 'replay' | 'bptt') {
  const { gradientOf } = memformer(device, 1, tokens, 0.02)
  const inputs = { ids: i32(segments, batch, tokens), cues: i32(batch) }
  const { memory } = plan(device, inputs, ({ ids, cues }) => gradientOf(ids, cues, method))
  return { all: 4 * memory.arena, slots: 4 * memory.replay }
}

/** Trains by replay; the share of cues recalled for each number of segments. */
async function learn({ device, progress }: Run, sizes: typeof full, deviation: number | undefined, seed: number) {
  const { tokens, steps, batch, lengths } = sizes
  const { parameters, logitsOf, gradientOf } = memformer(device, seed, tokens, deviation)
  const optimizer = new nn.AdamW(parameters)
  const programs = Array.from({ length: LONGEST - 1 }, (_, i) =>
    compile(device, { rate: f32() }, ({ rate }) => {
      const { ids, cues } = sequences([2 + i, batch, tokens], { seed, site: 1, step: optimizer.steps })
      const { loss, gradient } = gradientOf(ids, cues, 'replay')
      return { loss, updates: optimizer.update(nn.clipByNorm(gradient, 1).gradient, rate) }
    }),
  )
  for (let step = 1; step <= steps; step++) {
    const rate = nn.learningRate(step, { schedule: 'cosine', rate: 2e-3, steps, warmUp: 0.05, floor: 0.05 })
    const { loss } = await programs[step % programs.length].run({ rate })
    if (step % 100 === 0)
      progress(`biases of ${deviation ?? 'none'}, seed ${seed}, step ${step}: loss ${loss.toFixed(3)}`)
  }
  for (const program of programs) program.close()

  const shares: number[] = []
  for (const segments of lengths) {
    const { ids, cues } = sequences([segments, TESTS, tokens], { seed: 0, site: 2, step: 0 })
    shares.push(await logitsOf(ids, 'replay').argmax().equal(cues).cast('f32').mean().read())
  }
  return shares
}

async function run(run: Run): Promise<Outcome> {
  const sizes = run.short ? short : full
  const apart = await difference(sizes.tokens)
  const [replay, bptt] = (['replay', 'bptt'] as const).map((method) =>
    sizes.lengths.map((segments) => memoryOf(run.device, segments, sizes, method)),
  )
  const recalls: number[][][] = []
  for (const deviation of sizes.biases) {
    const shares: number[][] = []
    for (const seed of sizes.seeds) shares.push(await learn(run, sizes, deviation, seed))
    recalls.push(sizes.lengths.map((_, i) => shares.map((of) => of[i])))
  }
  const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(2)
  const nameOf = (deviation?: number) => (deviation ? `normalised, biases from ${deviation}` : 'not normalised')
  const [first, last] = [replay[0], replay[replay.length - 1]]
  const growth = (last.all - last.slots) / (first.all - first.slots)
  const kept = recalls[0][1]
  return {
    columns: ['', ...sizes.lengths.map((count) => `${count} segments`)],
    rows: [
      ...recalls.map((of, i) => [`recall, ${nameOf(sizes.biases[i])}`, ...of.map((shares) => spread(shares))]),
      ['MiB by replay', ...replay.map(({ all }) => mebibytes(all))],
      ['of it the slots kept', ...replay.map(({ slots }) => mebibytes(slots))],
      ['MiB through time', ...bptt.map(({ all }) => mebibytes(all))],
    ],
    acceptance: [
      {
        claim: 'the replayed gradient is that through time, to 1e-12',
        measured: apart.toExponential(1),
        holds: apart < 1e-12,
      },
      {
        claim: `replay at ${sizes.lengths.at(-1)} segments takes what it takes at ${sizes.lengths[0]}, but for the slots kept`,
        measured: `${growth.toFixed(3)} times`,
        holds: growth < 1.02,
      },
      {
        claim: `recall at ${sizes.lengths[1]} segments is 0.9 at least`,
        measured: spread(kept),
        holds: mean(kept) >= 0.9,
      },
    ],
  }
}

export default {
  title: 'Memformer',
  minutes: 4,
  claim: 'slots remember over segments, and replay trains them in memory that does not grow with the sequence',
  run,
} satisfies Example
