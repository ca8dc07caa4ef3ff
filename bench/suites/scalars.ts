// Functions of single numbers against JavaScript's own, and the two fused functions of rows against libraries.
import { type Device, openDevice, type Tensor } from '../../src/index.ts'
import { erf } from '../../src/ops/exact.ts'
import { formula } from '../formula.ts'
import { compare, numbers } from '../operands.ts'
import { openPeers } from '../peers/index.ts'
import type { Matrix } from '../peers/peer.ts'
import { race } from '../race.ts'
import type { Finding, Suite } from '../report.ts'
import { type Spread, spreadOf } from '../spread.ts'
import { worstUlp } from '../ulp.ts'

const ROUNDS = 11
/** As many as an activation of the training step at batch 32 has: 16896 rows of 64. It fits no core's own cache. */
const COUNT = 16896 * 64
const EPSILON = 1e-5
const LIMIT = 1e-5

/** Abramowitz and Stegun 7.1.26, which is what JavaScript without an error function computes: 1.5e-7 off at most. */
function quickErf(x: number): number {
  const z = Math.abs(x)
  const t = 1 / (1 + 0.3275911 * z)
  const sum = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
  const y = 1 - sum * Math.exp(-z * z)
  return x < 0 ? -y : y
}

interface Scalar {
  readonly name: string
  /** Operands lie in (-range, range). */
  readonly range: number
  readonly build: (x: Tensor) => Tensor
  readonly loop: (x: Float32Array, y: Float32Array) => void
  readonly exact: (x: number) => number
  /** Where the result is near 0 and the operand is not, that one says how well it can be known. */
  readonly ofOperand?: true
}

const scalarsToTime: readonly Scalar[] = [
  {
    name: 'exp',
    range: 20,
    build: (x) => x.exp(),
    loop: (x, y) => {
      for (let i = 0; i < x.length; i++) y[i] = Math.exp(x[i])
    },
    exact: Math.exp,
  },
  {
    name: 'tanh',
    range: 5,
    build: (x) => x.tanh(),
    loop: (x, y) => {
      for (let i = 0; i < x.length; i++) y[i] = Math.tanh(x[i])
    },
    exact: Math.tanh,
  },
  {
    name: 'gelu',
    range: 4,
    build: (x) => x.gelu(),
    loop: (x, y) => {
      for (let i = 0; i < x.length; i++) {
        const z = x[i]
        y[i] = 0.5 * z * (1 + quickErf(z * Math.SQRT1_2))
      }
    },
    exact: (x) => 0.5 * x * (1 + erf(x * Math.SQRT1_2)),
    ofOperand: true,
  },
]

export const scalars: Suite = {
  name: 'scalars',
  title: `functions of ${COUNT.toLocaleString('en-US')} numbers, on one thread unless two are named`,
  async *run() {
    const [device, both] = [await openDevice('wasm', { threads: 1 }), await openDevice('wasm', { threads: 2 })]
    for (const scalar of scalarsToTime) yield* overLoop(device, scalar)
    for (const columns of [64, 256, 1024]) {
      const x: Matrix = { rows: COUNT / columns, columns, values: numbers(COUNT, columns).map((value) => 4 * value) }
      for (const name of ['softmax', 'layerNorm'] as const) yield* overPeers(device, both, name, x)
    }
    device.close()
    both.close()
  },
}

async function* overLoop(device: Device, scalar: Scalar): AsyncGenerator<Finding> {
  const { name, range, build, loop, exact, ofOperand } = scalar
  const x = numbers(COUNT, 1).map((value) => value * range)
  const y = new Float32Array(COUNT)
  const ours = formula(device, [[[COUNT], x]], build)
  const found = await ours.result()
  loop(x, y)
  compare('the loop', y, found, LIMIT)
  const times = await race(
    [
      { name: 'ours', run: ours.run },
      { name: 'loop', run: () => loop(x, y) },
    ],
    ROUNDS,
  )
  yield {
    kind: 'ratio',
    name: `${name} over a JavaScript loop`,
    value: times.ratio('loop', 'ours'),
    unit: 'times',
    target: { atLeast: 10 },
    note: `${rate(times.of('ours'))} against ${rate(times.of('loop'))} million a second`,
  }
  const ulp = worstUlp(found, (i) => exact(x[i]), ofOperand && ((i) => x[i]))
  yield {
    kind: 'ratio',
    name: `${name}: worst error${ofOperand ? ', in units of the operand' : ''}`,
    value: spreadOf([ulp]),
    unit: 'ulp',
    target: { atMost: 4 },
  }
  ours.close()
}

async function* overPeers(
  device: Device,
  both: Device,
  name: 'softmax' | 'layerNorm',
  x: Matrix,
): AsyncGenerator<Finding> {
  const { rows, columns, values } = x
  const build = { softmax: (z: Tensor) => z.softmax(), layerNorm: (z: Tensor) => z.normalize(EPSILON) }[name]
  const [ours, twice] = [device, both].map((one) => formula(one, [[[rows, columns], values]], build))
  const found = await ours.result()
  compare('two threads', await twice.result(), found, 0)
  const peers = []
  for (const peer of await openPeers()) {
    const { run, result } = await peer[name](x, EPSILON)
    compare(peer.name, await result(), found, LIMIT)
    peers.push({ name: peer.name, run })
  }
  const times = await race([{ name: 'ours', run: ours.run }, { name: 'twice', run: twice.run }, ...peers], ROUNDS)
  const title = `${{ softmax: 'softmax', layerNorm: 'layer norm' }[name]} of rows of ${columns}`
  for (const peer of peers) {
    yield {
      kind: 'ratio',
      name: `${title} over ${peer.name}`,
      value: times.ratio(peer.name, 'ours'),
      unit: 'times',
      target: peer.name === 'tfjs-wasm' && name === 'layerNorm' ? { atLeast: 2 } : undefined,
      note: `${rate(times.of('ours'))} against ${rate(times.of(peer.name))} million a second`,
    }
    if (peer.name !== 'tfjs-wasm') continue
    yield {
      kind: 'ratio',
      name: `${title}, two threads, over ${peer.name}`,
      value: times.ratio(peer.name, 'twice'),
      unit: 'times',
      target: { atLeast: 2 },
      note: `${rate(times.of('twice'))} million a second`,
    }
  }
  const exact = exactly[name](x)
  // a normed number near 0 is a difference of large ones: its error is told in units of 1, the deviation of its row
  const ulp = worstUlp(found, (i) => exact[i], name === 'softmax' ? undefined : () => 1)
  yield {
    kind: 'ratio',
    name: `${title}: worst error${name === 'softmax' ? '' : ', in units of 1'}`,
    value: spreadOf([ulp]),
    unit: 'ulp',
  }
  ours.close()
  twice.close()
}

/** Million numbers a second. */
const rate = ({ median }: Spread): string => (COUNT / median / 1e6).toFixed(0)

/** In double precision. */
const exactly = {
  softmax: (x: Matrix) =>
    byRow(x, (row) => {
      const most = Math.max(...row)
      const sum = row.reduce((total, value) => total + Math.exp(value - most), 0)
      return (value) => Math.exp(value - most) / sum
    }),
  layerNorm: (x: Matrix) =>
    byRow(x, (row) => {
      const mean = row.reduce((total, value) => total + value, 0) / row.length
      const variance = row.reduce((total, value) => total + (value - mean) ** 2, 0) / row.length
      return (value) => (value - mean) / Math.sqrt(variance + EPSILON)
    }),
}

function byRow({ columns, values }: Matrix, of: (row: number[]) => (value: number) => number): Float64Array {
  const result = new Float64Array(values.length)
  for (let at = 0; at < values.length; at += columns) {
    const row = Array.from(values.subarray(at, at + columns))
    result.set(row.map(of(row)), at)
  }
  return result
}
