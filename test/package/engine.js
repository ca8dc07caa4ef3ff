// What a user of the engine alone writes: a program, and tensors to look at.

import * as rmaat from 'rmaat'
import * as engine from 'rmaat/engine'

const all = { ...rmaat }
const missing = Object.entries(engine).flatMap(([name, one]) => (all[name] === one ? [] : [name]))
const device = await engine.openDevice('wasm', { threads: 1 })
const w = device.variable([2], 'f32', [1, 2])
const step = engine.compile(device, { x: engine.f32(2) }, ({ x }) => {
  const loss = x.sub(w).square().sum()
  return { loss, updates: new engine.SGD([w], { rate: 0.5 }).update(engine.grad(loss, [w])) }
})
const { loss } = await step.run({ x: [3, 5] })
console.log(JSON.stringify({ missing, model: 'Rmaat' in engine, loss, w: Array.from(await w.read()) }))
console.log(engine.tensor([1, 2, 3, 4], [2, 2]))
console.log(w)
device.close()
