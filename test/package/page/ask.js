// What a page asks the engine for: some steps of a model and of a program, on a device.
import { compile, f32, grad, openDevice, Rmaat, SGD, tasks, train, variable } from 'rmaat'

export async function ask({ device: name, options }) {
  try {
    const device = await openDevice(name, options)
    const w = variable(device, [3, 1], { init: 'normal', seed: 1 })
    const step = compile(device, { x: f32(2, 3), y: f32(2, 1) }, ({ x, y }) => {
      const loss = x.matmul(w).sub(y).square().mean()
      return { loss, updates: new SGD([w], { rate: 0.01 }).update(grad(loss, [w])) }
    })
    const losses = []
    for (let i = 0; i < 10; i++) losses.push((await step.run({ x: [1, 2, 3, 4, 5, 6], y: [1, 2] })).loss)
    // a loop that awaits nothing else must let the page hear its timers
    let heard = 0
    const timer = setInterval(() => heard++, 0)
    for (let i = 0; i < 3000; i++) await step.run({ x: [1, 2, 3, 4, 5, 6], y: [1, 2] })
    clearInterval(timer)
    const task = tasks.cue({ segments: 2, segmentLength: 4 })
    const { vocabulary, classes } = task
    const model = new Rmaat(device, { segments: 2, segmentLength: 4, width: 8, heads: 2, vocabulary, classes, seed: 1 })
    const events = []
    for await (const event of train(model, task, { steps: 2 })) if (event.kind === 'step') events.push(event.loss)
    const { description } = device.backend
    device.close()
    return { description, losses, events, heard }
  } catch ({ name, code, message }) {
    return { name, code, message }
  }
}
