import { compile, f32, grad, openDevice, SGD, variable } from 'rmaat'

const device = await openDevice('auto')
const w = variable(device, [3, 1], { init: 'normal', seed: 1 })
const optimizer = new SGD([w], { rate: 0.1 })
const step = compile(device, { x: f32(64, 3), y: f32(64, 1) }, ({ x, y }) => {
  const loss = x.matmul(w).sub(y).square().mean()
  return { loss, updates: optimizer.update(grad(loss, [w])) }
})
const x = Float32Array.from({ length: 192 }, Math.random)
const y = Float32Array.from({ length: 64 }, (_, i) => x[3 * i] - 2 * x[3 * i + 1] + x[3 * i + 2] / 2)
for (let i = 0; i < 200; i++) console.log((await step.run({ x, y })).loss)
