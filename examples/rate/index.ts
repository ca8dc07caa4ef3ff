/**
 * RATE, the Recurrent Action Transformer with Memory (Cherepanov et al. 2023, arXiv 2306.09459): memory tokens go from segment
 * to segment, and a memory retention valve decides what of the old ones stays. The task is a T-Maze in tokens: a hint in the
 * first token says where to turn in the last one.
 * Axes: B batch, T segments, S tokens, M memory tokens, N = M + S + M, D width, h heads.
 */
import {
  AdamW,
  attention,
  attentionParameters,
  clipByNorm,
  compile,
  concat,
  type Device,
  einsum,
  embedding,
  embeddingParameters,
  f32,
  feedForward,
  feedForwardParameters,
  grad,
  i32,
  init,
  iota,
  layerNorm,
  layerNormParameters,
  learningRate,
  linear,
  linearParameters,
  loop,
  type Mix,
  Parameters,
  parameter,
  randomUniform,
  type Tensor,
  type TensorLike,
  where,
} from 'rmaat'
import { type Example, mean, type Outcome, type Run, spread } from '../gallery.ts'

const [MEMORY, WIDTH, HEADS, BLOCKS] = [4, 32, 2, 2]
const [CUES, NOISE] = [4, 4]
const QUERY = CUES + NOISE

/** `tokens` is S; trained on 1 to `longest` segments in turn, tested on `lengths`, of which the last is that of the claim. */
const full = { tokens: 10, longest: 5, steps: 500, batch: 64, seeds: [1, 2, 3], lengths: [5, 10, 20, 50], tests: 512 }
const short = { tokens: 4, longest: 4, steps: 150, batch: 32, seeds: [1], lengths: [4, 10], tests: 128 }

/** What the next memory tokens are: what the valve lets through, what the segment wrote, or the learned first ones again. */
const memories = { valve: 'RATE: with the valve', tokens: 'RMT: without', none: 'no memory' } as const
type Memory = keyof typeof memories

/** Mazes of T segments: ids [T, B, S], and where to turn, [B]. Random numbers are counted: equal steps give equal mazes. */
function mazes(shape: readonly number[], source: { seed: number; site: number; step: TensorLike }) {
  const [segments, rows, tokens] = shape
  const numbers = randomUniform([segments + 1, rows, tokens], source)
  const cues = numbers.select(0, segments).select(1, 0).mul(CUES).floor().cast('i32')
  const noise = numbers.narrow(0, 0, segments).mul(NOISE).floor().add(CUES).cast('i32')
  const place = iota(shape, 0).mul(tokens).add(iota(shape, 2))
  const ended = where(place.equal(segments * tokens - 1), QUERY, noise)
  return { ids: where(place.equal(0), cues.reshape([1, rows, 1]), ended), cues }
}

function model(device: Device, memoryIs: Memory, seed: number, tokens: number) {
  const [end, all] = [MEMORY + tokens, MEMORY + tokens + MEMORY]
  const parameters = new Parameters(
    device,
    {
      embed: embeddingParameters(QUERY + 1, WIDTH),
      place: embeddingParameters(all, WIDTH),
      memory: parameter([MEMORY, WIDTH], init.normal(1)),
      blocks: Array.from({ length: BLOCKS }, () => ({
        norm1: layerNormParameters(WIDTH),
        ...attentionParameters(WIDTH),
        norm2: layerNormParameters(WIDTH),
        ...feedForwardParameters(WIDTH, 4 * WIDTH),
      })),
      norm: layerNormParameters(WIDTH),
      valve: attentionParameters(WIDTH),
      head: linearParameters(WIDTH, CUES),
    },
    seed,
  )
  const { embed, place, memory: first, blocks, norm, valve, head } = parameters.tensors

  // 1 where i sees j: read tokens see each other, those of the sequence what stands before, write tokens all; [N, N]
  const [i, j] = [iota([all, all], 0), iota([all, all], 1)]
  const sees = where(i.greaterEqual(end), 1, where(i.less(MEMORY), j.less(MEMORY), j.lessEqual(i)))
  const mix: Mix = (query, key, value) => {
    const scores = einsum('bnhm,bjhm->bhnj', query, key).mul(query.shape[3] ** -0.5)
    return einsum('bhnj,bjhv->bnhv', where(sees, scores, -1e30).softmax(), value)
  }

  /** A segment, ids [B, S] and memory [B, M, D], to its output at the last token [B, D] and the next memory [B, M, D]. */
  const segment = (ids: Tensor, memory: Tensor) => {
    let x = concat([memory, embedding(ids, embed), memory], 1).add(place) // [B, N, D]
    for (const of of blocks) {
      x = x.add(attention(layerNorm(x, of.norm1), of, { heads: HEADS, mix }))
      x = x.add(feedForward(layerNorm(x, of.norm2), of))
    }
    const y = layerNorm(x, norm)
    const written = y.narrow(1, end) // [B, M, D]
    const last = y.select(1, end - 1)
    if (memoryIs === 'none') return { last, next: memory }
    if (memoryIs === 'tokens') return { last, next: written }
    // the old memory asks, the new one answers
    return { last, next: attention(memory, valve, { heads: HEADS, to: written }) }
  }
  /** ids [T, B, S] -> [B, cues] */
  const logitsOf = (ids: Tensor, unroll: boolean): Tensor => {
    const [count, rows] = ids.shape
    const carry = [first.broadcastTo([rows, MEMORY, WIDTH])]
    const { outputs } = loop({ count, carry, inputs: [ids], unroll }, ([memory], [ids]) => {
      const { last, next } = segment(ids, memory)
      return { carry: [next], outputs: [last] }
    })
    return linear(outputs[0].select(0, count - 1), head)
  }
  return { parameters, logitsOf }
}

/** Trains a model; the share of mazes that it solves for each number of segments. */
async function learn({ device, progress }: Run, sizes: typeof full, memoryIs: Memory, seed: number): Promise<number[]> {
  const { tokens, longest, steps, batch, lengths, tests } = sizes
  const { parameters, logitsOf } = model(device, memoryIs, seed, tokens)
  const optimizer = new AdamW(parameters)
  const programs = Array.from({ length: longest }, (_, i) =>
    compile(device, { rate: f32() }, ({ rate }) => {
      const { ids, cues } = mazes([1 + i, batch, tokens], { seed, site: 1, step: optimizer.steps })
      const loss = logitsOf(ids, true).crossEntropy(cues).mean()
      const { gradient } = clipByNorm(parameters.flat(grad(loss, parameters.list)), 1)
      return { loss, updates: optimizer.update(gradient, rate) }
    }),
  )
  for (let step = 1; step <= steps; step++) {
    const rate = learningRate(step, { schedule: 'cosine', rate: 2e-3, steps, warmUp: 0.05, floor: 0.05 })
    const { loss } = await programs[step % longest].run({ rate })
    if (step % 100 === 0) progress(`${memories[memoryIs]}, seed ${seed}, step ${step}: loss ${loss.toFixed(3)}`)
  }
  for (const program of programs) program.close()

  const shares: number[] = []
  for (const segments of lengths) {
    const test = compile(device, { step: i32() }, ({ step }) => {
      const { ids, cues } = mazes([segments, batch, tokens], { seed: 0, site: 2, step })
      return { right: logitsOf(ids, false).argmax().equal(cues).cast('f32').mean() }
    })
    const rights: number[] = []
    for (let step = 0; step < tests / batch; step++) rights.push((await test.run({ step })).right)
    shares.push(mean(rights))
    test.close()
  }
  progress(`${memories[memoryIs]}, seed ${seed}: ${shares.map((share) => share.toFixed(2)).join(' ')}`)
  return shares
}

async function run(run: Run): Promise<Outcome> {
  const sizes = run.short ? short : full
  const found: number[][][] = []
  for (const memoryIs of Object.keys(memories) as Memory[]) {
    const shares: number[][] = []
    for (const seed of sizes.seeds) shares.push(await learn(run, sizes, memoryIs, seed))
    found.push(sizes.lengths.map((_, i) => shares.map((of) => of[i])))
  }
  const [valve, tokens, none] = found.map((of) => of[of.length - 1])
  return {
    columns: ['model', ...sizes.lengths.map((count) => `${count} segments`)],
    rows: Object.values(memories).map((name, i) => [name, ...found[i].map((of) => spread(of))]),
    acceptance: [
      {
        claim: `at ${sizes.lengths.at(-1)} segments the valve is better than memory tokens without it`,
        measured: `${spread(valve)} against ${spread(tokens)}`,
        holds: mean(valve) > mean(tokens),
      },
      {
        claim: `without memory it is chance, ${1 / CUES}`,
        measured: spread(none),
        holds: Math.abs(mean(none) - 1 / CUES) < 0.08,
      },
    ],
  }
}

export default {
  title: 'RATE',
  minutes: 4,
  claim: 'a valve between segments keeps what memory tokens hold for longer than they were trained for',
  run,
} satisfies Example
