// A sequence that has no known end, in the memory of one segment: learned on 4 segments, asked after 4 and after 16 of them.
import { openDevice, Rmaat, Stream, tasks, train } from 'rmaat'

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
  retention: 'running', // a schedule that does not need the number of segments
  seed: 1,
})
for await (const { kind } of train(model, task, { steps: 50, batch: 32, rate: 0.01, seed: 1 }))
  if (kind === 'end') break

for (const times of [1, 4]) {
  let right = 0
  const examples = [...task.test.slice(0, 5)]
  for (const { tokens, label } of examples) {
    const stream = new Stream(model)
    const [before, question] = [Array.from(tokens).slice(0, -1), tokens[tokens.length - 1]]
    await stream.push(before) // any number of tokens at a time
    for (let i = 1; i < times; i++) await stream.push(Array.from(tokens, () => 9)) // noise
    await stream.push([question])
    const logits = Array.from(await stream.predict())
    if (logits.indexOf(Math.max(...logits)) === label) right++
    stream.close()
  }
  console.log(`after ${times * task.segments} segments: ${right} of ${examples.length} are right`)
}
model.close()
device.close()
