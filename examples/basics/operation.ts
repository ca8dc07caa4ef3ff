// A new operation: a function of tensors. It fuses into the kernels around it, and its derivative comes by itself.
import { compile, f32, grad, openDevice, stopGradient, type Tensor, vjp } from 'rmaat'

/** Snake: x + sin²(a x) / a, an activation for what repeats. a is a number. */
const snake = (x: Tensor, a: number) => x.add(x.mul(a).sin().square().div(a))

/** Rounds to multiples of `step`, with the derivative of x itself: the straight-through estimator. */
const quantize = (x: Tensor, step: number) => x.add(stopGradient(x.div(step).round().mul(step).sub(x)))

const device = await openDevice('reference') // in double precision, so that differences say something
const COUNT = 5
const x = Float64Array.from({ length: COUNT }, (_, i) => i / 2 - 1)

const program = compile(device, { x: f32(COUNT), cotangent: f32(COUNT) }, ({ x, cotangent }) => {
  const [y, q] = [snake(x, 3), quantize(x, 0.4)]
  const [dy] = vjp([y], [cotangent], [x])
  const [dq] = vjp([q], [cotangent], [x])
  const [second] = grad(grad(y.sum(), [x])[0].sum(), [x]) // a gradient has a gradient
  return { y, q, dy, dq, second }
})
const { y, q, dy, dq, second } = await program.arrays({ x, cotangent: x.map(() => 1) })

const EPSILON = 1e-6
const [above, below] = await Promise.all(
  [EPSILON, -EPSILON].map((by) => program.arrays({ x: x.map((value) => value + by), cotangent: x })),
)
const slopes = Array.from(above.y, (value, i) => (value - below.y[i]) / (2 * EPSILON))
const worst = Math.max(...slopes.map((slope, i) => Math.abs(slope - dy[i])))

const row = (name: string, values: ArrayLike<number>) =>
  console.log(name.padEnd(12), ...Array.from(values, (value) => value.toFixed(3).padStart(7)))
row('x', x)
row('snake', y)
row('slope', dy)
row('second', second)
row('quantized', q)
row('its slope', dq)
console.log(`the slope of snake is off by ${worst < 1e-8 ? 'less than 1e-8' : worst} from finite differences`)
console.log(`kernels: ${`${program}`.match(/^ *\d+ /gm)!.length}`)
device.close()
