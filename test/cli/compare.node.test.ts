import { readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { openDevice } from '../../src/backends/open.ts'
import { compareDevices, type Part } from '../../src/compare/compare.ts'
import type { CompareEvent } from '../../src/compare/events.ts'
import { unroll } from '../../src/compare/instructions.ts'
import { workloadOf } from '../../src/compare/step.ts'
import { crossings } from '../../src/compare/times.ts'
import { RmaatError } from '../../src/errors.ts'
import { type ScalarEntry, scalars } from '../../src/ops/scalar.ts'
import { type Backend, Device } from '../../src/program/device.ts'
import { accessesOf } from '../../src/program/kernels.ts'
import { modelConfig } from '../../src/rmaat/config.ts'
import { tiny as tinyModel } from '../support/model.ts'
import { jsonLines, run, temporaryFolder } from './run.ts'

const folder = temporaryFolder()
test.after(folder.remove)

const tiny = [
  '--segment-length',
  '4',
  '--memory',
  '2',
  '--width',
  '8',
  '--layers',
  '1',
  '--heads',
  '2',
  '--features',
  '4',
]
const kernelNames = ['fused', 'reduce', 'matmul', 'scan', 'gather', 'scatterAdd', 'loop']

test('devices tells what can be opened, and why not', async () => {
  const { code, out } = await run('devices')
  assert.is(code, 0)
  assert.match(out, /^wasm +WebAssembly/m)
  assert.match(out, /^reference +plain TypeScript/m)
  assert.match(out, /^webgpu +(WebGPU|not here: )/m)
  assert.match(out, /^auto takes (wasm|webgpu): /m)
  const lines = jsonLines((await run('devices', '--json')).out)
  const summary = lines.pop()
  assert.is(summary.kind, 'summary')
  assert.equal(
    lines.filter(({ available }) => available).map(({ name }) => name),
    summary.available,
  )
  for (const { available, reason, description } of lines) assert.type(available ? description : reason, 'string')
})

test('compare checks every operation and kernel, and writes a page that needs nothing else', async () => {
  const path = folder.path('pages', 'compare.html')
  const { code, out, err } = await run('compare', '--devices', 'wasm', '--parts', 'kernels', '--json', '--out', path)
  assert.is(code, 0)
  assert.match(err, /device {3}wasm: /)
  const lines = jsonLines(out)
  const { kind, passed, stopped, page, failures } = lines.pop()
  assert.equal(
    { kind, passed, stopped, page, failures },
    { kind: 'summary', passed: true, stopped: false, page: path, failures: [] },
  )
  const names = (of: string) => lines.filter((line) => line.of === of).map(({ name }) => name)
  assert.equal(names('scalar').sort(), Object.keys(scalars).sort())
  assert.equal(names('kernel').sort(), [...kernelNames].sort())
  assert.ok(names('operation').length > 50)
  for (const { budget, name } of lines.filter(({ kind }) => kind === 'accuracy')) assert.ok(budget <= 1, name)
  const html = readFileSync(path, 'utf8')
  assert.match(html, /Every kernel keeps to its error budget/)
  assert.not.match(html, /(?:src|href)=|@import|url\(/)
})

test('compare runs a training step and finds who is faster', async () => {
  const path = folder.path('step.html')
  const args = ['--devices', 'wasm,reference', '--parts', 'step,times', '--longest', '0.5', '--out', path, ...tiny]
  const { code, out } = await run('compare', ...args)
  assert.is(code, 0)
  assert.match(out, /\nwasm +[\d.]+ m?s +1 +[\d.]+ +\S+ +\S+ +\d+ +none\n/)
  assert.match(out, /matrix product, n × n × n: \w+ is faster than \w+ /)
  assert.match(out, /training step, 2 segments, batch 4: \w+ is faster than \w+ /)
  assert.match(readFileSync(path, 'utf8'), /class="chart"/)
})

test('what is past its budget is named, and the exit code is 1', async () => {
  const row = scalars.mul as { -readonly [Key in keyof ScalarEntry]: ScalarEntry[Key] }
  const { budget } = row
  row.budget = Object.assign((exact: number) => Math.abs(exact) * 1e-12, { text: 'next to nothing' })
  try {
    const path = folder.path('wrong.html')
    const { code, out } = await run('compare', '--devices', 'wasm', '--parts', 'step', '--out', path, ...tiny)
    assert.is(code, 1)
    assert.match(
      out,
      /\nFAILED\n {2}wasm: training step: kernel \d+, fused .*mul.*: element \d+ of result 1 is .*, expected /,
    )
    assert.match(readFileSync(path, 'utf8'), /<strong class="failed">kernel \d+, fused /)
  } finally {
    row.budget = budget
  }
})

/** A device whose matrix products are wrong in their first element, and that refuses random numbers. */
function faulty(backend: Backend): Backend {
  const load: Backend['load'] = (plan) => {
    const { instructions } = unroll(plan)
    const steps = instructions.flatMap((call) => (call.kind === 'fused' ? call.steps : []))
    if (steps.some(({ op }) => op === 'philox')) throw new RmaatError('device', 'it has no dice')
    const loaded = backend.load(plan)
    let done = 0
    return Object.assign(Object.create(loaded), {
      runTo: (inputs: readonly ArrayLike<number>[], count: number) => {
        done = count
        return loaded.runTo(inputs, count)
      },
      peek: async (...[view, dtype]: Parameters<typeof loaded.peek>) => {
        const values = await loaded.peek(view, dtype)
        const last = instructions[done - 1]
        const written = last?.kind === 'matmul' && accessesOf(last).writes[0].view
        if (written && JSON.stringify(written) === JSON.stringify(view)) values[0] += 1e-3 + Math.abs(values[0])
        return values
      },
    })
  }
  return Object.assign(Object.create(backend), { load })
}

async function compared(device: Device, parts: readonly Part[]): Promise<CompareEvent[]> {
  const config = modelConfig({ ...tinyModel, segments: 2 })
  const reference = await openDevice('reference')
  const rest = {
    workload: workloadOf({ name: 'rmaat', config }, config, 3),
    method: 'amrb',
    clip: 1,
    longest: 1,
  } as const
  const events: CompareEvent[] = []
  for await (const event of compareDevices([device], reference, { parts, ...rest })) events.push(event)
  reference.close()
  return events
}

test('a kernel that computes wrong is found in its cases, and is the first that differs in a step; a refusal is told', async () => {
  const wasm = await openDevice('wasm')
  const events = await compared(new Device(faulty(wasm.backend)), ['kernels', 'step'])
  wasm.close()
  const kernels = events.flatMap((event) => (event.kind === 'accuracy' && event.of === 'kernel' ? [event] : []))
  assert.equal(
    kernels.filter(({ passed }) => !passed).map(({ name }) => name),
    ['matmul'],
  )
  const step = events.find((event) => event.kind === 'step')!
  assert.match(step.wrong!, /^kernel \d+, matmul .*: element 0 of result 0 is .*, expected /)
  assert.equal(
    events.flatMap((event) => (event.kind === 'failure' ? [`${event.what}: ${event.message}`] : [])),
    ['philox: it has no dice', 'dropout: it has no dice'],
  )
  const end = events.at(-1)!
  assert.ok(end.kind === 'end' && !end.passed && end.failures.some((failure) => /training step: kernel/.test(failure)))
})

test('an interrupted comparison ends cleanly, and leaves no page', async () => {
  const path = folder.path('interrupted.html')
  const others = process.listenerCount('SIGINT')
  const look = setInterval(() => {
    if (process.listenerCount('SIGINT') === others) return
    clearInterval(look)
    process.emit('SIGINT')
  }, 50)
  const { code, out } = await run('compare', '--devices', 'wasm', '--json', '--out', path)
  assert.is(code, 130)
  const summary = jsonLines(out).at(-1)
  assert.is(summary.stopped, true)
  assert.is(summary.page, null)
  assert.throws(() => readFileSync(path))
})

test('compare says what is wrong with its flags', async () => {
  for (const [flag, value] of [
    ['--devices', 'wasm,abacus'],
    ['--devices', 'wasm,wasm'],
    ['--parts', 'everything'],
    ['--longest', '0'],
    ['--segments', '0'],
  ]) {
    assert.is((await run('compare', flag, value)).code, 2, `${flag} ${value}`)
  }
})

test('a crossing lies between the sizes around it', () => {
  const times = (device: string, ...milliseconds: number[]) =>
    milliseconds.map((time, i) => ({ device, workload: 'w', unit: 'rows', size: 4 ** i, milliseconds: time }))
  const found = crossings([...times('a', 1, 4, 16, 64), ...times('b', 8, 8, 8, 8)])
  assert.is(found.length, 1)
  const { faster, than, from, text } = found[0]
  assert.equal({ faster, than, from }, { faster: 'b', than: 'a', from: 8 })
  assert.is(text, 'w: b is faster than a from about 8 rows on (measured up to 64)')
  const [never] = crossings([...times('a', 1, 2), ...times('b', 8, 8, 8, 8)])
  assert.equal([never.faster, never.from], ['a', undefined])
  assert.equal(crossings(times('a', 1)), [])
})

test.run()
