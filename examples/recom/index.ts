/**
 * ReCoM (Xie et al., arXiv 2503.21847): motion from sound, by a transformer into which a recurrent embedding of the motion is
 * mixed, and which predicts the whole motion again and again. Their method section was not at hand: this is a reconstruction.
 * The sound is a rhythm, the motion that of joints which its beats kick, on one side, up or down: what the sound leaves open.
 */
import * as rmaat from 'rmaat'
import { type Example, mean, Random, type Run, spread } from '../gallery.ts'
import { frechet } from '../linear-algebra.ts'
import { transformer, transformerParameters } from '../transformer.ts'
import * as body from './motion.ts'

const [WIDTH, BATCH, MASK, GUIDANCE] = [48, 32, body.CODES, 1]
const inputs = { tokens: rmaat.i32(BATCH, body.TOKENS), audio: rmaat.f32(BATCH, body.TOKENS, body.PATCH) }

const tree = (recurrent: boolean) => ({
  audio: rmaat.linearParameters(body.PATCH, WIDTH),
  token: rmaat.embeddingParameters(body.CODES + 1, WIDTH),
  position: rmaat.embeddingParameters(body.TOKENS, WIDTH),
  ...(recurrent ? { recurrent: rmaat.gruParameters(WIDTH, WIDTH) } : {}),
  core: transformerParameters(2, WIDTH),
  head: rmaat.linearParameters(WIDTH, body.CODES),
})
type Weights = rmaat.Parameters<ReturnType<typeof tree>>['tensors']
type Training = { recurrent: boolean; seed: number; steps: number; clips: (body.Clip & { tokens: body.Row })[] }

/** Tokens [B, TOKENS], some of them MASK; audio [B, TOKENS, PATCH], of which `heard` [B, 1, 1] or a number -> logits. */
function logitsOf(of: Weights, tokens: rmaat.Tensor, audio: rmaat.Tensor, heard: rmaat.TensorLike) {
  const guess = rmaat.embedding(tokens, of.token) // [B, TOKENS, WIDTH]
  const x = guess.add(of.position).add(rmaat.linear(audio, of.audio).mul(heard))
  const mixed = of.recurrent ? x.add(rmaat.gru(guess, of.recurrent)) : x
  return rmaat.linear(transformer(mixed, of.core, { heads: 4 }), of.head)
}

/** Trains with tokens masked; returns what makes tokens for clips by iterative reconstruction, in so many rounds. */
async function maker({ device, progress }: Run, { recurrent, seed, steps, clips }: Training) {
  const parameters = new rmaat.Parameters(device, tree(recurrent), seed)
  const optimizer = new rmaat.AdamW(parameters, { rate: 2e-3 })
  const specs = { ...inputs, heard: rmaat.f32(BATCH, 1, 1), next: inputs.tokens }
  const train = rmaat.compile(device, specs, ({ tokens, audio, heard, next }) => {
    const asked = tokens.equal(MASK).cast('f32')
    const loss = logitsOf(parameters.tensors, tokens, audio, heard).crossEntropy(next).mul(asked).sum().div(asked.sum())
    return { loss, updates: optimizer.update(rmaat.grad(loss, parameters.list)) }
  })
  const random = new Random(seed)
  for (let step = 1; step <= steps; step++) {
    const batch = Array.from({ length: BATCH }, () => clips[random.integer(clips.length)])
    // some are masked; of the others a tenth is wrong, so that it knows its own mistakes; a tenth of the clips is not heard
    const tokens = batch.flatMap((one) => {
      const share = Math.cos((random.uniform() * Math.PI) / 2)
      return one.tokens.map((of) =>
        random.uniform() < share ? MASK : random.uniform() < 0.1 ? random.integer(body.CODES) : of,
      )
    })
    const [heard, audio] = [batch.map(() => Number(random.uniform() > 0.1)), batch.flatMap((one) => one.audio)]
    const { loss } = await train.arrays({ tokens, audio, heard, next: batch.flatMap((one) => one.tokens) })
    if (step % 100 === 0) progress(`seed ${seed}, recurrent: ${recurrent}, step ${step}: loss ${loss[0].toFixed(3)}`)
  }
  const guess = rmaat.compile(device, inputs, ({ tokens, audio }) => {
    const [heard, unheard] = [1, 0].map((heard) => logitsOf(parameters.tensors, tokens, audio, heard))
    return heard.add(heard.sub(unheard).mul(GUIDANCE)).softmax()
  })
  return async (clips: readonly body.Clip[], rounds: number): Promise<body.Row[]> => {
    const all = []
    for (const some of body.chunks(clips, BATCH)) {
      const audio = some.flatMap((one) => one.audio)
      let tokens = new Array<number>(BATCH * body.TOKENS).fill(MASK)
      for (let round = 1; round <= rounds; round++) {
        const chances = (await guess.run({ tokens, audio })) as Float32Array // [BATCH, TOKENS, CODES]
        const drawn = tokens.map((token, i) => {
          if (token !== MASK) return { token, sure: 2 }
          const of = chances.subarray(i * body.CODES, (i + 1) * body.CODES)
          let code = 0
          for (let at = random.uniform(); at >= of[code] && code < body.CODES - 1; code++) at -= of[code]
          return { token: code, sure: of[code] }
        })
        // the surest of each clip stay, the others are asked for again
        const left = Math.floor(body.TOKENS * Math.cos(((Math.PI / 2) * round) / rounds))
        tokens = body.chunks(drawn, body.TOKENS).flatMap((own) => {
          const limit = own.map(({ sure }) => sure).sort((a, b) => a - b)[left]
          return own.map(({ token, sure }) => (sure < limit ? MASK : token))
        })
      }
      all.push(...body.chunks(tokens, body.TOKENS))
    }
    return all
  }
}

async function run(run: Run) {
  const [seeds, steps, count] = run.short ? [[0], 150, 4] : [[0, 1], 800, 16]
  const random = new Random(7)
  const draw = (length: number) => Array.from({ length }, () => body.clip(random))
  const [drawn, held, others] = [draw(64 * count), draw(BATCH * count), draw(BATCH * count)]
  const book = body.codebook(drawn.slice(0, 12 * count), random)
  const clips = drawn.map((clip) => ({ ...clip, tokens: book.encode(clip.motion) }))
  const [real, other] = [held, others].map((clips) => clips.map(({ motion }) => motion))
  const rows: string[][] = []
  const judge = (name: string, sets: readonly (readonly body.Row[])[]): number => {
    const distances = sets.map((motions) => frechet(motions.map(body.features), real.map(body.features)))
    const beats = sets.map((motions) => mean(motions.map((motion, i) => body.alignment(held[i].beats, motion))))
    rows.push([name, spread(distances, 3), spread(beats, 3)])
    return mean(beats)
  }
  judge('motions to other sounds', [other])
  judge('these motions, as tokens', [real.map((motion) => book.decode(book.encode(motion)))])
  const ends = []
  for (const recurrent of [false, true]) {
    const makers = []
    for (const seed of seeds) makers.push(await maker(run, { recurrent, seed, steps, clips }))
    const found = []
    for (const rounds of run.short ? [1, 8] : [1, 2, 4, 8]) {
      const sets = []
      for (const make of makers) sets.push((await make(held, rounds)).map(book.decode))
      found.push(judge(`${recurrent ? '' : 'not '}recurrent, rounds: ${rounds}`, sets))
    }
    ends.push({ once: found[0], last: found[found.length - 1] })
  }
  const claim = 'motions of 8 rounds are nearer to the beats than those of one shot, without and with recurrence'
  const measured = ends.map(({ once, last }) => `${last.toFixed(3)} after ${once.toFixed(3)}`).join(', ')
  const columns = ['motion', 'Fréchet distance', 'beat alignment']
  return { columns, rows, acceptance: [{ claim, measured, holds: ends.every(({ once, last }) => last > once) }] }
}

export default {
  title: 'ReCoM: motion from sound by iterative reconstruction',
  minutes: 2,
  claim: 'predicting the whole motion again and again, with a recurrent embedding of it, makes it more real',
  run,
} satisfies Example
