import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { openDevice } from '../../src/backends/open.ts'
import { openWasm, type WasmOptions } from '../../src/backends/wasm/open.ts'
import { type Sharing, share } from '../../src/backends/wasm/sharing.ts'
import { addressesOf } from '../../src/compare/instructions.ts'
import { inputsOf } from '../../src/compare/kernels.ts'
import { compiledStep, workloadOf } from '../../src/compare/step.ts'
import { Device, type HostArray } from '../../src/program/device.ts'
import { type Access, accessesOf } from '../../src/program/kernels.ts'
import { lower } from '../../src/program/lower.ts'
import type { Kernel, Loop, Plan } from '../../src/program/plan.ts'
import { compile, f32 } from '../../src/program/program.ts'
import { modelConfig } from '../../src/rmaat/config.ts'
import { sizeOf } from '../../src/tensor/shape.ts'
import type { Tensor } from '../../src/tensor/tensor.ts'
import { fails } from '../support/fails.ts'
import { tiny } from '../support/model.ts'
import { build, type Graph, type Recipe, recipes } from '../support/random-graphs.ts'

const open = async (options: WasmOptions): Promise<Device> => new Device(await openWasm(options))
const holds = (runs: number, arbitrary: fc.Arbitrary<Recipe>, property: (graph: Graph) => Promise<void>) =>
  fc.assert(
    fc.asyncProperty(arbitrary, (recipe) => property(build(recipe))),
    { seed: 4, numRuns: runs, includeErrorInReport: true },
  )
const sameBits = (a: HostArray, b: HostArray): boolean =>
  a.length === b.length && a.every((value, i) => Object.is(value, b[i]))

const SEVERAL = -1

/** Walks a plan as the threads do; the first call that they would meet too late for, in words. */
function firstRace({ instructions }: Plan, { parts, barriers }: Sharing): string | undefined {
  /** Who touched an address since the threads have met: one of them, by number, or several; and whether one wrote. */
  let touched = new Map<string, { by: number; writes: boolean }>()
  let own: Loop['threadPrivate']
  const iterations: number[] = []
  const walk = (from: number): { end: number; race?: string } => {
    for (let at = from; at < instructions.length; at++) {
      if (barriers[at]) touched = new Map()
      const call = instructions[at]
      if (call.kind === 'end') return { end: at }
      if (call.kind === 'loop') {
        let end = at
        if (call.threadPrivate) {
          touched = new Map()
          own = call.threadPrivate
        }
        for (let t = 0; t < call.count; t++) {
          iterations.push(t)
          const inner = walk(at + 1)
          if (inner.race) return inner
          iterations.pop()
          end = inner.end
        }
        if (call.threadPrivate) {
          touched = new Map()
          own = undefined
        }
        at = end
      } else if (races(call, own ? iterations[0] : parts[at] === 1 ? 0 : SEVERAL))
        return { end: at, race: `${call.kind} at ${at}` }
    }
    return { end: instructions.length }
  }
  const races = (call: Kernel, by: number): boolean => {
    const { reads, writes } = accessesOf(call)
    const keys = (list: Access[]) =>
      list.flatMap(({ view, ...rest }) => {
        const offset = view.loopStrides.reduce((sum, stride, depth) => sum + stride * iterations[depth], view.offset)
        return addressesOf({ ...rest, view: { ...view, offset } })
          .filter((address) => !own || view.buffer !== 0 || address < own.offset)
          .map((address) => `${view.buffer} ${address}`)
      })
    const isSame = (other: number): boolean => by === other && by !== SEVERAL
    const [read, written] = [keys(reads), keys(writes)]
    const late =
      read.some((key) => touched.get(key)?.writes && !isSame(touched.get(key)!.by)) ||
      written.some((key) => touched.has(key) && !isSame(touched.get(key)!.by))
    const note = (key: string, writes: boolean): void => {
      const before = touched.get(key)
      const one = !before || isSame(before.by)
      touched.set(key, { by: one ? by : SEVERAL, writes: writes || (before?.writes ?? false) })
    }
    for (const key of read) note(key, false)
    for (const key of written) note(key, true)
    return late
  }
  return walk(0).race
}

/** Whether what the iterations of a loop have for themselves lies at the end of the arena, where nothing else does. */
function ownPartsAreApart({ instructions, memory }: Plan): boolean {
  const owns = instructions.flatMap((call) => (call.kind === 'loop' && call.threadPrivate ? [call.threadPrivate] : []))
  const begin = Math.min(...owns.map(({ offset }) => offset))
  let own: Loop['threadPrivate']
  let depth = 0
  return instructions.every((call) => {
    if (call.kind === 'loop') {
      if (depth++ === 0) own = call.threadPrivate
      return !call.threadPrivate || call.threadPrivate.offset + call.threadPrivate.elements <= memory.arena
    }
    if (call.kind === 'end') return --depth >= 0
    const { reads, writes } = accessesOf(call)
    return (depth > 0 && own) || [...reads, ...writes].every(({ view }) => view.buffer !== 0 || view.offset < begin)
  })
}

test('threads meet before they touch what others have touched, in random programs', async () => {
  let barriers = 0
  let kernels = 0
  await holds(120, recipes(), async (graph) => {
    const plan = lower(graph)
    assert.ok(ownPartsAreApart(plan))
    // a grain in nanoseconds: all kernels are split, most, or few
    for (const grain of [0, 0.3, 2, 20]) {
      const sharing = share(plan, grain)
      assert.is(firstRace(plan, sharing), undefined, `grain ${grain}`)
      barriers += sharing.barriers.filter(Boolean).length
      kernels += plan.instructions.length
    }
  })
  assert.ok(barriers > 100 && barriers < 0.8 * kernels, `${barriers} barriers for ${kernels} instructions`)
})

test('a barrier stands where it is needed, and one that is left out is noticed', () => {
  const graph = lower(build({ steps: [{ op: 'input', a: 0, b: 0, c: 1 }], gradient: false, updates: [] }))
  const place = { buffer: 1, offset: 0, loopStrides: [] }
  const reduce = (offset: number): Kernel => ({
    kind: 'reduce',
    op: 'sum',
    dtype: 'f32',
    accumulate: false,
    x: { ...place, offset },
    out: { ...place, offset: offset + 4 },
    kept: [{ size: 4, stride: 1 }],
    reduced: [],
  })
  const plan = { ...graph, instructions: [reduce(0), reduce(4), reduce(12), reduce(0)] }
  const sharing = share(plan, 0)
  assert.equal(sharing.barriers, [false, true, false, true])
  assert.is(firstRace(plan, sharing), undefined)
  for (const at of [1, 3]) {
    const barriers = sharing.barriers.map((barrier, i) => barrier && i !== at)
    assert.is(firstRace(plan, { ...sharing, barriers }), `reduce at ${at}`)
  }
  assert.equal(share(plan, 1e9).barriers, [false, false, false, false])
})

/** Everything that a program leaves: its results, and the variables of the graph. */
async function everything({ backend }: Device, plan: Plan, { variables, values }: Graph): Promise<HostArray[]> {
  for (const { variable, values } of variables) {
    backend.createVariable(variable.id, sizeOf(variable.shape), variable.dtype)
    backend.writeVariable(variable.id, values)
  }
  const program = backend.load(plan)
  const found = await program.run(inputsOf(plan, values))
  for (const { variable } of variables) found.push(await backend.readVariable(variable.id))
  program.close()
  for (const { variable } of variables) backend.deleteVariable(variable.id)
  return found
}

const counts = [1, 2, 3, 4]

test('random programs yield the same bits for any number of threads', async () => {
  const devices = await Promise.all(counts.map((threads) => open({ threads, grain: 0 })))
  await holds(60, recipes(), async (graph) => {
    const plan = lower(graph)
    const [expected, ...others] = await Promise.all(devices.map((device) => everything(device, plan, graph)))
    others.forEach((found, i) => {
      found.forEach((values, k) => {
        assert.ok(sameBits(values, expected[k]), `result ${k} with ${counts[i + 1]} threads`)
      })
    })
  })
  for (const device of devices) device.close()
})

test('a training step yields the same bits for any number of threads', async () => {
  const sizes = { segments: 3, segmentLength: 24, width: 32, layers: 1, feedForward: 48, features: 16, dropout: 0.1 }
  const config = modelConfig({ ...tiny, ...sizes })
  const workload = workloadOf({ name: 'rmaat', config }, config, 7)
  for (const [method, slices] of [
    ['amrb', 1],
    ['bptt', 1],
    ['amrb', 7],
    ['bptt', 7],
  ] as const) {
    const results = await Promise.all(
      counts.map(async (threads) => {
        const device = await open({ threads, grain: threads === 3 ? 300 : 0 })
        const step = compiledStep(device, workload, { method, clip: 1, slices })
        const losses = [(await step.run()).loss, (await step.run()).loss]
        const variables = await Promise.all(step.variables.map((variable) => device.readVariable(variable)))
        device.close()
        return [Float32Array.from(losses), ...variables]
      }),
    )
    for (const [i, found] of results.entries()) {
      found.forEach((values, k) => {
        assert.ok(sameBits(values, results[0][k]), `${method}, ${slices} slices: result ${k} with ${counts[i]} threads`)
      })
    }
  }
})

test('kernels large enough to be split yield the same bits', async () => {
  const make = ({ x }: { readonly x: Tensor }) => ({
    square: x.matmul(x.transpose()),
    narrow: x.transpose().matmul(x.slice([0, 0], [300, 5])),
    batched: x.reshape([30, 10, 70]).matmul(x.reshape([30, 70, 10])),
    columns: x.exp().sum(0),
    rows: x.tanh().sum(1),
    whole: x.mul(x).sum(),
    softmax: x.softmax(),
  })
  const x = Float32Array.from({ length: 300 * 70 }, (_, i) => Math.sin(i))
  const results = await Promise.all(
    counts.map(async (threads) => {
      const device = await open({ threads, grain: 0 })
      const found = await compile(device, { x: f32(300, 70) }, make).arrays({ x })
      device.close()
      return Object.values(found)
    }),
  )
  for (const found of results)
    found.forEach((values, k) => {
      assert.ok(sameBits(values, results[0][k]), `result ${k}`)
    })
})

/** That it is refused, and does not hang first. */
async function failsSoon(message: RegExp, action: () => unknown): Promise<void> {
  const begin = performance.now()
  await fails('device', message, action)
  assert.ok(performance.now() - begin < 60_000, 'the error took a minute and more')
}

/** A device with a program on it, and what stands behind them. */
async function working(options: WasmOptions) {
  const device = await open({ grain: 0, ...options })
  const program = compile(device, { x: f32(300, 40) }, ({ x }) => ({ y: x.exp().sum(0).mul(x).sum(1) }))
  const x = new Float32Array(300 * 40)
  await program.run({ x })
  // biome-ignore lint/suspicious/noExplicitAny: what is private, to break it
  const [backend, { start }] = [device.backend as any, (program as any).loaded]
  return { device, run: () => program.run({ x }), threads: backend.threads, words: backend.array('i32', start, 1) }
}

test('a thread that traps is an error of the run and of all later ones', async () => {
  const { device, run, words } = await working({ threads: 3 })
  words[0] = 999 // no instruction: a trap that is no signal, which not every build of Chromium survives
  await failsSoon(/unreachable.*; open the device anew/, run)
  await failsSoon(/unreachable.*; open the device anew/, run)
  device.close()
  await failsSoon(/closed/, run)
})

test('a thread that no longer answers is an error and no hang', async () => {
  const { device, run, threads } = await working({ threads: 2, patience: 3 }) // a busy machine starts threads within that
  threads.close() // behind the device's back
  await new Promise((resolve) => setTimeout(resolve, 1000)) // until they have left
  await failsSoon(/a thread does not answer/, run)
  await failsSoon(/a thread does not answer/, run)
  device.close()
})

test('a patience that is none is refused', async () => {
  for (const patience of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
    await failsSoon(/a patience of \S+ seconds was asked for; expected 1 to 86400/, () => openWasm({ patience }))
})

test('an engine without WebAssembly says so', async () => {
  const usual = Object.getOwnPropertyDescriptor(globalThis, 'WebAssembly')!
  Object.defineProperty(globalThis, 'WebAssembly', { value: undefined, configurable: true, writable: true })
  try {
    await failsSoon(/this engine has no WebAssembly; use the device 'reference'/, () => openDevice('wasm'))
  } finally {
    Object.defineProperty(globalThis, 'WebAssembly', usual)
  }
})

test('devices come and go, and their threads with them', async () => {
  for (let i = 0; i < 10; i++) {
    const { device, run } = await working({ threads: 3 })
    await run()
    device.close()
  }
})

test('where memory cannot be shared there is one thread, and the reason', async () => {
  const usual = Object.getOwnPropertyDescriptor(globalThis, 'SharedArrayBuffer')!
  Object.defineProperty(globalThis, 'SharedArrayBuffer', { value: undefined, configurable: true })
  try {
    const { device, run } = await working({ threads: 2 })
    assert.match(device.backend.description, /one thread.*no more threads: .*cross-origin isolated/)
    await run()
    device.close()
  } finally {
    Object.defineProperty(globalThis, 'SharedArrayBuffer', usual)
  }
})

test('the description says how many threads there are', async () => {
  const device = await openDevice('wasm', { threads: 2 })
  assert.match(device.backend.description, /2 threads/)
  assert.is(device.backend.details!.threads, 2)
  device.close()
  for (const threads of [0, 1.5, 1000]) {
    await fails('config', /threads is .*; expected a whole number from 1 to 64/, () => openDevice('wasm', { threads }))
  }
})

test('a build of the kernels is compiled once, for however many devices', async () => {
  const options = { instructionSet: 'simd', threads: 1 } as const
  ;(await open(options)).close()
  const { compile: real } = WebAssembly
  let compiled = 0
  WebAssembly.compile = (bytes) => {
    compiled++
    return real(bytes)
  }
  try {
    const device = await open(options)
    const program = compile(device, { x: f32(3) }, ({ x }) => x.sum())
    assert.is(await program.run({ x: [1, 2, 3] }), 6)
    device.close()
  } finally {
    WebAssembly.compile = real
  }
  assert.is(compiled, 0)
})

test.run()
