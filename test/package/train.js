// What a user writes in JavaScript: an RMAAT that trains, in the runtime that runs this file.
import { evaluate, openDevice, Rmaat, tasks, train } from 'rmaat'

const device = await openDevice('wasm', { threads: 2 })
const task = tasks.cue({ segments: 2, segmentLength: 4 })
const { vocabulary, classes } = task
const model = new Rmaat(device, { segments: 2, segmentLength: 4, width: 16, features: 8, vocabulary, classes, seed: 1 })
const losses = []
for await (const event of train(model, task, { method: 'amrb', steps: 40, rate: 5e-3 }))
  if (event.kind === 'step') losses.push(event.loss)
const { accuracy } = await evaluate(model, task.test.slice(0, 64))
console.log(JSON.stringify({ description: device.backend.description, losses, accuracy }))
device.close()
