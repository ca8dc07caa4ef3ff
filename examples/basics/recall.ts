// RMAAT on recall: one of eight cues stands in the first of four segments and is asked for at the end of the last one.
import { evaluate, openDevice, Rmaat, retention, tasks, train } from 'rmaat'

const device = await openDevice('wasm', { threads: 1 })
const task = tasks.cue({ segments: 4, segmentLength: 4 })
const { vocabulary, classes, segments, segmentLength } = task
const model = new Rmaat(device, {
  vocabulary,
  classes,
  segments,
  segmentLength,
  memory: 4,
  width: 32,
  layers: 1,
  update: 'additive',
  seed: 1,
})
const factors = [1, 2, 3, 4].map((t) => retention(t, segments, model.config.retention).toFixed(3))
console.log(`${task.description}, by a memory with the retention factors ${factors.join(', ')}`)

for await (const event of train(model, task, { method: 'amrb', steps: 60, batch: 32, rate: 0.01, seed: 1 })) {
  if (event.kind === 'begin') console.log(`${event.parameters} parameters, ${event.kernels} kernels a step`)
  if (event.kind === 'step' && event.step % 20 === 0) console.log(`step ${event.step}: loss ${event.loss.toFixed(3)}`)
}
const { accuracy, majority } = await evaluate(model, task.test.slice(0, 500))
console.log(
  `${(100 * accuracy).toFixed(1)} % of 500 are right; always the same answer: ${(100 * majority).toFixed(1)} %`,
)

const [{ tokens, label }] = task.test.slice(0, 1)
console.log(`such as: ${task.show(tokens)} -> ${task.classNames![label]}`)
model.close()
device.close()
