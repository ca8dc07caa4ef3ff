// What an instruction costs beyond its work. A kernel on a single number has no work to speak of, so its time is that
// cost: the instruction taken from the list, the kernel called, its operands' places worked out. A program of many such
// kernels against one of few tells it without what a run costs as a whole (the call into WebAssembly, the promise).
import { openDevice } from '../../src/index.ts'
import type { Kernel, Place, Plan } from '../../src/program/plan.ts'
import { race } from '../race.ts'
import type { Suite } from '../report.ts'
import { scaled } from '../spread.ts'

const ROUNDS = 11
const [FEW, MANY] = [1000, 11_000]
const ELEMENTS = 64

const place = (offset: number): Place => ({ buffer: 0, offset, loopStrides: [] })
/** From element 0, and 16 where there are two operands, to element 32. */
const kernels: Readonly<Record<string, Kernel>> = {
  'matrix product 1 x 1 x 1': {
    kind: 'matmul',
    accumulate: false,
    a: place(0),
    b: place(16),
    out: place(32),
    batch: [],
    m: [{ size: 1, a: 1, b: 0, out: 1 }],
    n: [{ size: 1, a: 0, b: 1, out: 1 }],
    k: [{ size: 1, a: 1, b: 1, out: 0 }],
  },
  'sum over 1': {
    kind: 'reduce',
    op: 'sum',
    dtype: 'f32',
    accumulate: false,
    out: place(32),
    x: place(0),
    kept: [{ size: 1, stride: 1 }],
    reduced: [{ size: 1, stride: 1 }],
  },
  'fused: one negation': {
    kind: 'fused',
    rows: 1,
    width: 1,
    operands: [0, 32].map((at) => ({
      kind: 'memory',
      dtype: 'f32',
      view: { ...place(at), axes: [{ size: 1, stride: 1 }] },
    })),
    prologue: [],
    steps: [
      { op: 'load', level: 'inner', to: 0, args: [], operand: 0 },
      { op: 'neg', level: 'inner', to: 1, args: [0] },
      { op: 'store', level: 'inner', args: [1], operand: 1 },
    ],
  },
  'gather of 1 row of 1': {
    kind: 'gather',
    dtype: 'f32',
    table: place(0),
    indices: place(16),
    out: place(32),
    count: 1,
    width: 1,
    tableRows: 1,
  },
}

export const instructions: Suite = {
  name: 'instructions',
  title: 'the cost of an instruction beyond its work, one thread',
  async *run() {
    const device = await openDevice('wasm', { threads: 1 })
    for (const [name, kernel] of Object.entries(kernels)) {
      const [few, many] = [FEW, MANY].map((count) => {
        const loaded = device.backend.load(planOf(Array<Kernel>(count).fill(kernel)))
        return { name: `${count}`, run: () => loaded.run([]), close: () => loaded.close() }
      })
      const times = await race([few, many], ROUNDS)
      yield {
        kind: 'ratio',
        name,
        value: scaled(times.difference(many.name, few.name), 1e9 / (MANY - FEW)),
        unit: 'ns',
        target: { atMost: 50 },
      }
      few.close()
      many.close()
    }
    device.close()
  },
}

const planOf = (calls: readonly Kernel[]): Plan => ({
  buffers: [{ kind: 'arena', elements: ELEMENTS }],
  instructions: calls,
  inputs: [],
  outputs: [],
  memory: { arena: ELEMENTS, replay: 0, inputs: 0, variables: 0 },
})
