// Matrix products on one thread, against the machine's peak and against libraries.
import { type Device, einsum, openDevice, type Tensor } from '../../src/index.ts'
import { formula } from '../formula.ts'
import { machine, PEAK_FLOPS } from '../machine.ts'
import { compare, matrix, numbers } from '../operands.ts'
import { openPeers } from '../peers/index.ts'
import type { Prepared } from '../peers/peer.ts'
import { type Competitor, race } from '../race.ts'
import { type Finding, gigaflopsOf, type Suite } from '../report.ts'
import { scaled } from '../spread.ts'

const ROUNDS = 11
/** Of f32 sums of up to 16896 products. */
const LIMIT = 1e-4
const targets = [
  { set: 'relaxed', ofPeak: 0.92 },
  { set: 'simd', ofPeak: 0.85 },
] as const
const overPeers: Readonly<Record<string, number>> = { 'tfjs-wasm': 1.3, 'onnxruntime-web': 1.7, 'jax-js': 1.8 }

/**
 * Products of a training step, [..., m, k] x [..., k, n]: of so many sequences of 528 tokens with two heads of 32 features,
 * which lie side by side in rows of 64.
 */
function ofSequences(count: number) {
  const rows = count * 528
  const rowsBy = (k: number, n: number) => ({
    name: `${rows} x ${k} x ${n}`,
    flops: 2 * rows * k * n,
    x: [rows, k],
    y: [k, n],
    product: 'ik,kj->ij',
  })
  const heads = (name: string, x: number[], y: number[], product: string) => ({
    name: `${2 * count} of ${name}`,
    flops: 2 * 2 * rows * 32 * 32,
    x,
    y,
    product,
  })
  return [
    ...[64, 192, 128].map((n) => rowsBy(64, n)),
    rowsBy(128, 64),
    { name: `64 x ${rows} x 64`, flops: 2 * 64 * rows * 64, x: [rows, 64], y: [rows, 64], product: 'ki,kj->ij' },
    heads('528 x 32 x 32', [count, 528, 2, 32], [count, 2, 32, 32], 'bnhm,bhmv->bnhv'),
    heads('32 x 528 x 32', [count, 528, 2, 32], [count, 528, 2, 32], 'bnhm,bnhv->bhmv'),
  ]
}
/** At batch 32 as a whole, and in slices of one sequence, as a step goes over it. */
const ofTheStep = [...ofSequences(32), ...ofSequences(1)]

export const gemm: Suite = {
  name: 'gemm',
  title: 'matrix products on one thread',
  async *run() {
    const devices = {
      relaxed: await openDevice('wasm', { threads: 1, instructionSet: 'relaxed' }),
      simd: await openDevice('wasm', { threads: 1, instructionSet: 'simd' }),
    }
    for (const size of [256, 512, 1024]) yield* square(size, devices)
    yield* stepProducts(devices.relaxed)
    for (const device of Object.values(devices)) device.close()
  },
}

async function* square(size: number, devices: Readonly<Record<'relaxed' | 'simd', Device>>): AsyncGenerator<Finding> {
  const [a, b] = [matrix(size, size, 1), matrix(size, size, 2)]
  const flops = 2 * size ** 3
  const shape = [size, size]
  const multiply = (x: Tensor, y: Tensor): Tensor => x.matmul(y)
  const ours = targets.map(({ set }) => ({
    name: set,
    ...formula(
      devices[set],
      [
        [shape, a.values],
        [shape, b.values],
      ],
      multiply,
    ),
  }))
  const peers: (Competitor & Prepared)[] = []
  for (const { name, matmul } of await openPeers()) peers.push({ name, ...(await matmul(a, b)) })
  const expected = await ours[0].result()
  for (const { name, result } of [...ours.slice(1), ...peers]) compare(name, await result(), expected, LIMIT)

  const { peak } = await machine()
  const times = await race([peak, ...ours, ...peers], ROUNDS)
  const most = gigaflopsOf(PEAK_FLOPS, times.of('peak'))
  for (const { set, ofPeak } of targets) {
    yield {
      kind: 'ratio',
      name: `${size}, ${set === 'simd' ? 'plain' : set} SIMD, of the peak`,
      value: scaled(times.ratio('peak', set), flops / PEAK_FLOPS),
      unit: 'percent',
      target: { atLeast: ofPeak },
      note: `${gigaflopsOf(flops, times.of(set))} of ${most}`,
    }
  }
  for (const { name } of peers) {
    yield {
      kind: 'ratio',
      name: `${size}, relaxed SIMD, over ${name}`,
      value: times.ratio(name, 'relaxed'),
      unit: 'times',
      target: { atLeast: overPeers[name] },
      note: `${name}: ${gigaflopsOf(flops, times.of(name))}`,
    }
  }
  for (const { close } of ours) close()
}

async function* stepProducts(device: Device): AsyncGenerator<Finding> {
  const ours = ofTheStep.map(({ name, x, y, product }) => ({
    name,
    ...formula(
      device,
      [x, y].map(
        (shape, i) =>
          [
            shape,
            numbers(
              shape.reduce((n, size) => n * size, 1),
              i,
            ),
          ] as const,
      ),
      (one, other) => einsum(product, one, other),
    ),
  }))
  const { peak } = await machine()
  const times = await race([peak, ...ours], ROUNDS)
  for (const { name, flops } of ofTheStep) {
    yield {
      kind: 'ratio',
      name: `${name}, of the peak`,
      value: scaled(times.ratio('peak', name), flops / PEAK_FLOPS),
      unit: 'percent',
      target: { atLeast: 0.75 },
      note: gigaflopsOf(flops, times.of(name)),
    }
  }
  for (const { close } of ours) close()
}
