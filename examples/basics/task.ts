// A new task: a stream of examples is enough to train on. Here votes are read one by one: who of three has most?
import { type Example, evaluate, openDevice, Rmaat, train } from 'rmaat'

const [SEGMENTS, SEGMENT_LENGTH, CANDIDATES] = [3, 5, 3]

/** Numbers from 0 to 1, the same for the same seed: a linear congruential generator. */
function random(seed: number) {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

/** Without end: 9 to 15 votes with one winner. Ids 1 to 3 are the candidates; 0 is padding, in every task. */
function* votes(seed: number): Generator<Example, never> {
  for (const next = random(seed); ; ) {
    const length = 9 + Math.floor(next() * 7)
    const tokens = Array.from({ length }, () => 1 + Math.floor(next() * CANDIDATES))
    const counts = [1, 2, 3].map((id) => tokens.filter((token) => token === id).length)
    const most = Math.max(...counts)
    if (counts.indexOf(most) === counts.lastIndexOf(most)) yield { tokens, label: counts.indexOf(most) }
  }
}

const device = await openDevice('wasm', { threads: 1 })
const sizes = { vocabulary: 1 + CANDIDATES, classes: CANDIDATES, segments: SEGMENTS, segmentLength: SEGMENT_LENGTH }
const model = new Rmaat(device, { ...sizes, memory: 2, width: 16, layers: 1, update: 'additive', seed: 1 })
const held = votes(7_777_777) // a seed of its own
const test = Array.from({ length: 300 }, () => held.next().value)

const task = { name: 'votes', ...sizes, train: votes }
for await (const event of train(model, task, { steps: 100, batch: 32, rate: 0.01, seed: 1 }))
  if (event.kind === 'step' && event.step % 50 === 0) console.log(`step ${event.step}: loss ${event.loss.toFixed(3)}`)
const { accuracy, majority } = await evaluate(model, test)
console.log(`${(100 * accuracy).toFixed(1)} % are right; always the same answer: ${(100 * majority).toFixed(1)} %`)
model.close()
device.close()
