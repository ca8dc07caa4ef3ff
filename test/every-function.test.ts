import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { domains } from '../src/compare/domains.ts'
import * as rmaat from '../src/index.ts'
import { sizeOf } from '../src/tensor/shape.ts'
import { calls } from './support/calls.ts'
import type { Invocation } from './support/invocations.ts'
import { isNode } from './support/runtime.ts'

/**
 * Every public function, by the module's own exports, is called with arguments of which one is wrong: the answer is a valid
 * result or an RmaatError, never another error, never a shape that is none.
 */

const { RmaatError, Tensor, Variable } = rmaat

/** Public to JavaScript, but not to TypeScript. */
const inner = [
  'Device.checkOwn',
  'Program.check',
  'Program.checkVariables',
  'Program.named',
  'Program.results',
  'Rmaat.check',
  'Rmaat.checkPrepared',
  'Rmaat.checkSegment',
  'Rmaat.handOn',
  'Rmaat.head',
  'Rmaat.logits',
  'Rmaat.segment',
  'Stream.check',
  'Stream.inTurn',
  'Stream.pass',
  'Stream.roomIn',
  'Stream.tokensIn',
  'Stream.segment',
  'new RmaatError', // what is thrown
  'new Tensor', // operations make tensors
  'new Variable', // and devices variables
]
const isClass = (value: unknown): value is { name: string; prototype: object } =>
  typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value))

function methodsOf({ name, prototype }: { name: string; prototype: object }): string[] {
  const properties = Object.entries(Object.getOwnPropertyDescriptors(prototype))
  const functions = properties.filter(([key, { value }]) => key !== 'constructor' && typeof value === 'function')
  return functions.map(([key]) => `${name}.${key}`)
}

/** The names of all that can be called. */
async function publicNames(): Promise<string[]> {
  const device = await rmaat.openDevice('reference')
  const program = rmaat.compile(device, {}, () => ({ y: rmaat.zeros([1]) }))
  const exported = { ...rmaat, Device: device.constructor, Program: program.constructor }
  const names = Object.entries(exported).flatMap(([name, value]: [string, unknown]) => {
    if (isClass(value)) return [...(name in rmaat ? [`new ${name}`] : []), ...methodsOf(value)]
    if (typeof value === 'function') return [name]
    if (typeof value !== 'object' || value === null) return []
    return Object.entries(value).flatMap(([key, one]) => (typeof one === 'function' ? [`${name}.${key}`] : []))
  })
  return names.filter((name) => !inner.includes(name))
}

/** A method of tensors, with the arguments of its own tests. */
function method(name: string): Invocation {
  const [domain] = domains[name as keyof typeof domains]
  const [self, ...others] = domain.shapes.map((shape, i) =>
    rmaat.tensor(new Array<number>(sizeOf(shape)).fill(1), shape, domain.dtypes?.[i]),
  )
  const given = [...others, ...(domain.arguments ?? [])]
  return { given, call: (args) => (self as unknown as Record<string, (...args: unknown[]) => unknown>)[name](...args) }
}

/** What may stand in the place of an argument. */
const wrongs: readonly (() => unknown)[] = [
  ...[undefined, null, 'abc', '', Number.NaN, Infinity, -1, -7, 0, 0.5, 3, true, 10n, Symbol('s')].map(
    (one) => () => one,
  ),
  ...[[], [1.5], [-1], [0, 0], ['x'], [[1, 2], [3]], [2, -1]].map((one) => () => one),
  () => ({}),
  () => ({ unknown: 1 }),
  () => Object.create(null),
  () => () => 3,
  () => async () => ({}),
  () => Promise.resolve(1),
  () => new Date(0),
  () => new Map(),
  () => new Float32Array(3),
  () => new BigInt64Array(2),
  () => rmaat.tensor([1, 2, 3, 4, 5, 6], [2, 3]),
  () => rmaat.tensor([1, 2], [2], 'i32'),
  () => rmaat.tensor([2], []),
]

type Path = readonly (string | number)[]
const isPlain = (value: unknown): value is Record<string, unknown> =>
  Array.isArray(value) ||
  (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype)
/** All places among the arguments: they, and what lies in lists and plain objects. */
const placesIn = (value: unknown, path: Path = []): Path[] => [
  ...(path.length ? [path] : []),
  ...(isPlain(value) && path.length < 4
    ? Object.keys(value)
        .slice(0, 12)
        .flatMap((key) => placesIn(value[key], [...path, key]))
    : []),
]

/** A copy in which another value stands at a place. */
function put(into: unknown, [key, ...rest]: Path, value: unknown): unknown {
  if (!isPlain(into)) return value
  const copy = (Array.isArray(into) ? [...into] : { ...into }) as Record<string, unknown>
  copy[key] = rest.length ? put(copy[key], rest, value) : value
  return copy
}

/** What is wrong: one place, too few arguments, too many, or an option that there is not. */
function spoil(given: readonly unknown[], what: number, where: number, how: () => unknown): readonly unknown[] {
  if (what === 0) return given.slice(0, where % (given.length + 1))
  if (what === 1) return [...given, how()]
  const places = placesIn(given)
  if (places.length === 0) return [how()]
  const place = places[where % places.length]
  return put(given, what === 2 ? [...place, 'unknown'] : place, how()) as unknown[]
}

/** Throws where a result is none: a shape, a type, a number, or what cannot be computed. */
async function checkResult(result: unknown, depth = 3): Promise<void> {
  if (typeof result === 'number') assert.not(Number.isNaN(result), 'a result is NaN')
  if (typeof result !== 'object' || result === null || depth === 0) return
  if (result instanceof Variable) return
  if (result instanceof Tensor) {
    assert.ok(
      result.shape.every((size) => Number.isSafeInteger(size) && size >= 0),
      `a shape of ${result.shape}`,
    )
    assert.ok(['f32', 'i32'].includes(result.dtype), `a type of ${result.dtype}`)
    const device = result.device ?? (await rmaat.openDevice('reference'))
    const [values] = await rmaat.read(device as rmaat.Device, result)
    assert.is(values.length, sizeOf(result.shape))
    return
  }
  if (Symbol.asyncIterator in result) {
    for await (const one of result as AsyncIterable<unknown>) assert.ok(one)
    return
  }
  if ('next' in result) {
    const stream = result as Iterator<unknown>
    for (let i = 0; i < 3; i++) assert.ok(stream.next().value)
    return
  }
  const parts = Array.isArray(result) ? [...result] : isPlain(result) ? Object.values(result) : []
  for (const part of parts) await checkResult(part, depth - 1)
}

/** The error, where it is ours; another one is thrown. */
async function outcome({ call, after }: Invocation, args: readonly unknown[]): Promise<rmaat.RmaatError | undefined> {
  try {
    await checkResult(await call(args))
    return undefined
  } catch (error) {
    if (error instanceof RmaatError && error.code !== 'internal') return error
    throw error
  } finally {
    after?.()
  }
}

const names = await publicNames()
const invocation = async (name: string): Promise<Invocation> => {
  const [owner, key] = name.split('.')
  if (name in calls) return calls[name]()
  assert.ok(owner === 'Tensor' && key in domains, `${name} is public: give it arguments in test/support/calls.ts`)
  return method(key)
}

test('the public functions are found by themselves', () => {
  assert.ok(names.length > 100, `${names.length}`)
  for (const name of ['einsum', 'Tensor.add', 'new AdamW', 'Device.write', 'Program.run', 'tasks.cue', 'Rmaat.forward'])
    assert.ok(names.includes(name), name)
})

for (const name of [...new Set([...names, ...Object.keys(calls)])]) {
  test(`${name}: a wrong argument is a clear error`, async () => {
    const first = await invocation(name)
    const { refused, slow } = first
    const right = await outcome(first, first.given)
    assert.is(right === undefined, refused !== true, right?.message)
    const arbitrary = fc.tuple(fc.nat(7), fc.nat(1000), fc.nat(wrongs.length - 1))
    const property = fc.asyncProperty(arbitrary, async ([what, where, how]) => {
      const fresh = await invocation(name)
      const error = await outcome(fresh, spoil(fresh.given, what, where, wrongs[how]))
      if (error) assert.ok(error.message.length > 10, error.message)
    })
    await fc.assert(property, {
      numRuns: Math.ceil((slow ? 12 : 120) / (isNode ? 1 : 4)),
      seed: 3,
      includeErrorInReport: true,
    })
  })
}

test.run()
