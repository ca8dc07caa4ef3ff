// Which of two spirals a point of the plane lies on: a network with two hidden layers.
import {
  AdamW,
  compile,
  f32,
  grad,
  i32,
  init,
  linear,
  linearParameters,
  openDevice,
  Parameters,
  type Tensor,
} from 'rmaat'

const POINTS = 200

/** [N, 2] points, and the spiral of each. */
function spirals() {
  const x = new Float32Array(2 * POINTS)
  const label = Int32Array.from({ length: POINTS }, (_, i) => i % 2)
  for (let i = 0; i < POINTS; i++) {
    const radius = (i + 10) / POINTS
    const angle = 9 * radius + Math.PI * label[i]
    x.set([radius * Math.cos(angle), radius * Math.sin(angle)], 2 * i)
  }
  return { x, label }
}

const device = await openDevice('wasm', { threads: 1 })
const tree = {
  first: linearParameters(2, 32, init.he()),
  second: linearParameters(32, 32, init.he()),
  last: linearParameters(32, 2, init.xavier()),
}
const parameters = new Parameters(device, tree, 1)
const { first, second, last } = parameters.tensors
const logitsOf = (x: Tensor) => linear(linear(linear(x, first).relu(), second).relu(), last) // [N, 2]
const optimizer = new AdamW(parameters, { rate: 0.01 })

const step = compile(device, { x: f32(POINTS, 2), label: i32(POINTS) }, ({ x, label }) => {
  const logits = logitsOf(x)
  const loss = logits.crossEntropy(label).mean()
  const right = logits.argmax().equal(label).cast('f32').mean()
  return { loss, right, updates: optimizer.update(grad(loss, parameters.list)) }
})
const data = spirals()
for (let i = 0; i <= 300; i++) {
  const { loss, right } = await step.run(data)
  if (i % 100 === 0) console.log(`step ${i}: loss ${loss.toFixed(3)}, ${(100 * right).toFixed(1)} % are right`)
}
device.close()
