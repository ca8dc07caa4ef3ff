import * as engine from 'rmaat'
import { type Matrix, matrix } from '../linear-algebra.ts'
import { balance, gamma, polar, ring } from './truncation.ts'

const { init } = engine
const [WIDTH, CLASSES] = [16, 16] // H, what the states are seen as
/** log nu and log theta of lambda = exp(-nu + i theta), [2, n]. */
function modesOf({ re, im }: Matrix): number[] {
  const turns = Array.from(re, (x, i) => (Math.atan2(im[i], x) + 2 * Math.PI) % (2 * Math.PI))
  const nu = Array.from(re, (x, i) => Math.log(-Math.log(Math.hypot(x, im[i]))))
  return [...nu, ...turns.map((angle) => Math.log(Math.max(angle, 1e-6)))]
}
const onRing: engine.Initializer = ([, n], stream) => {
  const drawn = init.uniform(0, 1)([2 * n], stream)
  let count = 0
  return modesOf(ring(n, () => drawn[count++]))
}
/** A linear recurrent unit of n states reads a sequence of numbers; the mean of what it says over time tells its class. */
export function classifier(device: engine.Device, n: number, seed: number, given?: readonly ArrayLike<number>[]) {
  let count = 0
  const make = (own: engine.Initializer, ...shape: number[]) =>
    engine.variable(device, shape, { init: given ? init.values(given[count]) : own, seed, name: String(count++) })
  const modes = make(onRing, 2, n)
  const [b, c] = [make(init.normal(0.7), 2, n), make(init.normal(n ** -0.5), 2, WIDTH, n)] // real and imaginary part
  const [hidden, head] = [make(init.he(), WIDTH, WIDTH), make(init.xavier(), WIDTH, CLASSES)]
  const variables = [modes, b, c, hidden, head]
  /** h_t = lambda h_(t-1) + gamma B x_t, y_t = Re(C h_t): x [B, T] -> logits [B, classes] */
  const logits = ({ x }: Readonly<Record<string, engine.Tensor>>): engine.Tensor => {
    const [nu, theta] = modes.exp().split(1) // each [1, n]
    const radius = nu.neg().exp()
    const lambda = engine.concat([radius.mul(theta.cos()), radius.mul(theta.sin())], 0) // [2, n]
    const scaled = b.mul(radius.square().neg().add(1).sqrt())
    const h = engine.scan(lambda, x.reshape([...x.shape, 1, 1]).mul(scaled), { axis: 1, complex: 2 }) // [B, T, 2, n]
    const [real, imaginary] = [0, 1].map((part) => engine.einsum('btn,hn->bth', h.select(2, part), c.select(0, part)))
    return real.sub(imaginary).gelu().mean(1).matmul(hidden).gelu().matmul(head)
  }
  /** The same with the states that hold all but a share tau of the sum of its Hankel singular values. */
  const compress = async (tau: number) => {
    const [modes, b, c, ...rest] = await engine.read(device, ...variables)
    const lambda = matrix(n, 1, (i) => polar(Math.exp(-Math.exp(modes[i])), Math.exp(modes[n + i])))
    const scaled = matrix(n, 1, (i) => [gamma(lambda, i) * b[i], gamma(lambda, i) * b[n + i]])
    const seen = matrix(WIDTH, n, (h, i) => [c[h * n + i], c[(WIDTH + h) * n + i]])
    const { rankOf, truncate } = balance({ lambda, b: scaled, c: seen })
    const rank = rankOf(tau)
    if (rank >= 0.95 * n) return classifier(device, n, seed, [modes, b, c, ...rest]) // as the authors do: too few would go
    const small = truncate(rank)
    const into = [small.b.re, small.b.im].flatMap((part) => Array.from(part, (x, i) => x / gamma(small.lambda, i)))
    return classifier(device, rank, seed, [modesOf(small.lambda), into, [...small.c.re, ...small.c.im], ...rest])
  }
  return { states: n, variables, logits, compress }
}
