// Linear regression with an intercept: layers, an optimiser, a test on points that were held out, and the program itself.
import { compile, f32, grad, linear, linearParameters, openDevice, Parameters, read, SGD, type Tensor } from 'rmaat'

const [POINTS, TESTED] = [128, 32]
const truth = (a: number, b: number) => 3 * a - 2 * b + 0.5

/** Points of the square, and a value at each. */
function points(count: number, from: number) {
  const x = Float32Array.from({ length: 2 * count }, (_, i) => Math.sin((i + 1 + from) ** 2))
  return { x, y: Float32Array.from({ length: count }, (_, i) => truth(x[2 * i], x[2 * i + 1])) }
}

const device = await openDevice('wasm', { threads: 1 })
const parameters = new Parameters(device, linearParameters(2, 1), 1)
const optimizer = new SGD(parameters, { rate: 0.2 })
/** [N, 2] and [N] to the mean of the squared errors. */
const lossOf = (x: Tensor, y: Tensor) => linear(x, parameters.tensors).reshape(y.shape).sub(y).square().mean()

const step = compile(device, { x: f32(POINTS, 2), y: f32(POINTS) }, ({ x, y }) => {
  const loss = lossOf(x, y)
  return { loss, updates: optimizer.update(grad(loss, parameters.list)) }
})
const test = compile(device, { x: f32(TESTED, 2), y: f32(TESTED) }, ({ x, y }) => ({ loss: lossOf(x, y) }))

const training = points(POINTS, 0)
for (let i = 0; i < 100; i++) {
  const { loss } = await step.run(training)
  if (i % 25 === 0) console.log(`step ${i}: loss ${loss.toFixed(4)}`)
}
const { loss } = await test.run(points(TESTED, 1000))
console.log(`held out: loss ${loss.toFixed(4)}`)
const [w, b] = await read(device, parameters.tensors.w, parameters.tensors.b)
console.log(`w = ${w[0].toFixed(2)}, ${w[1].toFixed(2)}; b = ${b[0].toFixed(2)}`)
console.log(
  `the program has ${`${step}`.match(/^ *\d+ /gm)!.length} kernels; the first:\n${`${step}`.split(/^(?= *1 )/m)[0]}`,
)
device.close()
