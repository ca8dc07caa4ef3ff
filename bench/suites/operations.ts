// Single operations and their gradients beside PyTorch's eager mode, both on one thread: where one of ours is many times as slow,
// it is computed in a wrong way.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { concat, type Device, grad, iota, openDevice, rfft, type Tensor } from '../../src/index.ts'
import { formula } from '../formula.ts'
import { compare, numbers } from '../operands.ts'
import { openOperations } from '../peers/pytorch.ts'
import type { Finding, Suite } from '../report.ts'
import { spreadOf } from '../spread.ts'

const ROUNDS = 7
const SIDE = 512
/** A sample takes so long. */
const SAMPLE_SECONDS = 0.03
const LIMIT = 1e-4

const ids = (): Tensor => iota([4096], 0).mul(37).mod(SIDE)
const labels = (): Tensor => ids().narrow(0, 0, SIDE)
const index = (): Tensor =>
  iota([SIDE * SIDE], 0)
    .mul(37)
    .mod(SIDE)
    .reshape([SIDE, SIDE])

/** As in `peers/pytorch_operations.py`. */
const operations: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  'sum of columns': (x) => x.sum(0),
  'maximum of rows': (x) => x.max(1),
  'product of rows': (x) => x.div(8).add(1).prod(1),
  'deviation of rows': (x) => x.std(1),
  'softmax of rows': (x) => x.softmax(1),
  'softmax of columns': (x) => x.softmax(0),
  'logsumexp of columns': (x) => x.logSumExp(0),
  'layer norm, bare': (x) => x.normalize(),
  'cross entropy': (x) => x.crossEntropy(labels()),
  'running sum': (x) => x.cumsum(1),
  'running product': (x) => x.div(8).add(1).cumprod(1),
  'running logsumexp': (x) => x.logCumSumExp(1),
  'sort of rows': (x) => x.sort(1).values,
  'two largest of a row': (x) => x.topK(2).values,
  'eight largest of a row': (x) => x.topK(8).values,
  'rows of a table': (x) => x.gather(ids()),
  'along rows by index': (x) => x.takeAlong(index(), 1),
  'along columns by index': (x) => x.takeAlong(index(), 0),
  transposed: (x) => x.transpose(),
  reversed: (x) => x.flip(0),
  padded: (x) =>
    x.pad([
      [1, 1],
      [1, 1],
    ]),
  joined: (x) => concat([x, x], 1),
  'lower triangle': (x) => x.tril(),
  'real Fourier transform': (x) => rfft(x),
  exp: (x) => x.exp(),
  sin: (x) => x.sin(),
  gelu: (x) => x.gelu(),
  sigmoid: (x) => x.sigmoid(),
  'product of matrices': (x) => x.matmul(x),
  'scalar product': (x) => x.mul(x).sum(),
}

/** Of squares the gradient of a norm would be 0. */
const cubes = (y: Tensor): Tensor => y.square().mul(y).sum()

export const single: Suite = {
  name: 'operations',
  title: `operations of a [${SIDE}, ${SIDE}] operand and their gradients over PyTorch's, one thread`,
  async *run() {
    const folder = await mkdtemp(join(tmpdir(), 'rmaat-'))
    const file = join(folder, 'operand')
    const values = numbers(SIDE * SIDE, 1)
    await writeFile(file, values)
    const device = await openDevice('wasm', { threads: 1 })
    try {
      yield* beside(device, file, values)
    } finally {
      device.close()
      await rm(folder, { recursive: true })
    }
  },
}

async function* beside(device: Device, file: string, values: Float32Array): AsyncGenerator<Finding, void> {
  const pytorch = await openOperations(file).catch((error: Error) => error)
  if (pytorch instanceof Error) return yield { kind: 'remark', text: pytorch.message }
  yield { kind: 'remark', text: pytorch.description }
  const calls = (seconds: number): number => Math.max(1, Math.round(SAMPLE_SECONDS / seconds))
  for (const [name, build] of Object.entries(operations))
    for (const gradient of [false, true]) {
      const whole = gradient ? (x: Tensor) => grad(cubes(build(x)), [x])[0] : build
      const ours = formula(device, [[[SIDE, SIDE], values]], whole)
      await pytorch.result(name, gradient)
      const { buffer } = await readFile(`${file}.result`).then((bytes) => Uint8Array.from(bytes))
      compare(`${name}${gradient ? ', gradient' : ''}`, new Float32Array(buffer), await ours.result(), LIMIT)
      const time = async (count: number): Promise<number> => {
        const begin = performance.now()
        for (let i = 0; i < count; i++) await ours.run()
        return (performance.now() - begin) / 1000
      }
      await time(3)
      await pytorch.time(name, gradient, 3)
      const [own, others] = [calls((await time(3)) / 3), calls((await pytorch.time(name, gradient, 3)) / 3)]
      const rounds: (readonly [ours: number, theirs: number])[] = []
      for (let round = 0; round < ROUNDS; round++)
        rounds.push([(await time(own)) / own, (await pytorch.time(name, gradient, others)) / others])
      const inWords = (which: 0 | 1): string => `${(1e6 * spreadOf(rounds.map((one) => one[which])).median).toFixed(0)}`
      yield {
        kind: 'ratio',
        name: gradient ? '  its gradient' : name,
        value: spreadOf(rounds.map(([ours, theirs]) => theirs / ours)),
        unit: 'times',
        target: { atLeast: 0.06 },
        note: `${inWords(0)} against ${inWords(1)} µs`,
      }
      ours.close()
    }
  await pytorch.close()
}
