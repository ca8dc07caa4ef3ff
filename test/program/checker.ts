import { execute } from '../../src/backends/reference/backend.ts'
import { addressesOf, unroll } from '../../src/compare/instructions.ts'
import { type Access, accessesOf } from '../../src/program/kernels.ts'
import type { Kernel, Level, Plan, View } from '../../src/program/plan.ts'
import type { Graph } from '../support/random-graphs.ts'
import { interpret } from './interpreter.ts'

const UNKNOWN = 0
const tags = { f32: 1, i32: 2 } as const

/**
 * Runs a plan on memory of its own and watches every element: the arena begins as NaN, and no kernel may read what nothing
 * has written or what was written as another type, leave its buffer, write an input or a constant, or write what itself
 * reads (but lane for lane). Then holds the results against the graph, interpreted node by node: a result that another
 * one overwrote before its last use gives other numbers. Returns what is wrong, or undefined.
 */
export function check(plan: Plan, graph: Graph): string | undefined {
  const variables = new Map(graph.variables.map(({ variable, values }) => [variable.id, values]))
  const memory = plan.buffers.map((buffer) => {
    if (buffer.kind === 'input') return graph.values[buffer.name].slice()
    if (buffer.kind === 'variable') return variables.get(buffer.id)!.slice()
    if (buffer.kind === 'constant') return buffer.values.slice()
    return new Float64Array(buffer.elements).fill(Number.NaN)
  })
  const types = plan.buffers.map((buffer) => {
    if (buffer.kind === 'arena') return new Uint8Array(buffer.elements).fill(UNKNOWN)
    const variable = graph.variables.find(({ variable }) => buffer.kind === 'variable' && variable.id === buffer.id)
    const dtype =
      buffer.kind === 'constant'
        ? buffer.dtype
        : buffer.kind === 'input'
          ? graph.inputs[buffer.name].dtype
          : variable!.variable.dtype
    return new Uint8Array(buffer.elements).fill(tags[dtype])
  })

  const { instructions } = unroll(plan)
  for (const [at, call] of instructions.entries()) {
    const wrong = hazard(call, plan) ?? untyped(call, types)
    if (wrong) return `kernel ${at}, ${call.kind}: ${wrong}`
    execute(call, memory, [])
    for (const access of accessesOf(call).writes)
      for (const address of addressesOf(access)) types[access.view.buffer][address] = tags[access.dtype]
  }

  const read = (view: View): Float64Array =>
    Float64Array.from(addressesOf({ view }), (address) => memory[view.buffer][address])
  const names = Object.keys(graph.outputs)
  const expected = interpret(
    [...Object.values(graph.outputs), ...graph.updates.map(([, value]) => value)],
    graph.values,
    variables,
  )
  for (const [i, name] of names.entries()) {
    const { view } = plan.outputs.find((port) => port.name === name)!
    if (addressesOf({ view }).some((address) => types[view.buffer][address] === UNKNOWN))
      return `the result ${name} is not written`
    const wrong = difference(read(view), expected[i])
    if (wrong) return `the result ${name} ${wrong}`
  }
  for (const { variable, values } of graph.variables) {
    const update = graph.updates.findIndex(([updated]) => updated === variable)
    const buffer = plan.buffers.findIndex((one) => one.kind === 'variable' && one.id === variable.id)
    if (buffer < 0) {
      if (update >= 0) return `variable ${variable.id} is not updated`
      continue
    }
    const wrong = difference(memory[buffer], update < 0 ? values : expected[names.length + update])
    if (wrong) return `variable ${variable.id} ${wrong}`
  }
  return undefined
}

/** Sums in another order differ in the last bits of a double. */
function difference(found: Float64Array, expected: Float64Array): string | undefined {
  if (found.length !== expected.length) return `has ${found.length} elements instead of ${expected.length}`
  const largest = expected.reduce((a, b) => (Number.isFinite(b) ? Math.max(a, Math.abs(b)) : a), 1e-30)
  for (const [i, value] of expected.entries()) {
    if (Object.is(found[i], value) || found[i] === value || Math.abs(found[i] - value) <= 1e-9 * largest) continue
    return `is ${found[i]} instead of ${value} at ${i}`
  }
  return undefined
}

function untyped(call: Kernel, types: readonly Uint8Array[]): string | undefined {
  for (const { view, dtype } of accessesOf(call).reads) {
    for (const address of addressesOf({ view })) {
      const type = types[view.buffer][address]
      if (type !== tags[dtype])
        return `reads ${type ? 'another type' : 'nothing'} at ${address} of buffer ${view.buffer}`
    }
  }
  return undefined
}

/** What makes the result of a call depend on the order of its lanes. */
function hazard(call: Kernel, plan: Plan): string | undefined {
  const { reads, writes } = accessesOf(call)
  const levels = levelsOf(call)
  for (const access of [...reads, ...writes]) {
    const { elements } = plan.buffers[access.view.buffer]
    const outside = addressesOf(access).find((address) => !(address >= 0 && address < elements))
    if (outside !== undefined) return `address ${outside} lies outside of buffer ${access.view.buffer} (${elements})`
  }
  for (const [i, write] of writes.entries()) {
    const { kind } = plan.buffers[write.view.buffer]
    if (kind === 'input' || kind === 'constant') return `writes into an ${kind}`
    const lanes = addressesOf(write)
    const laneOf = new Map(lanes.map((address, lane) => [address, lane]))
    if (laneOf.size !== lanes.length) return 'writes an element twice'
    for (const other of writes.slice(i + 1)) if (meets(other, write, laneOf)) return 'two results overlap'
    for (const read of reads) {
      if (!meets(read, write, laneOf)) continue
      const laneForLane =
        levels.has(write) &&
        levels.get(read) === levels.get(write) &&
        addressesOf(read).every((address, lane) => (laneOf.get(address) ?? lane) === lane)
      const itself = call.kind !== 'fused' && read === write
      if (!laneForLane && !itself) return `overwrites what it reads, ${JSON.stringify(read.view)}`
    }
  }
  return undefined
}

/** Of what `fused` reads and writes block after block: whether it has a lane for each element, or one for each row. */
function levelsOf(call: Kernel): ReadonlyMap<Access, Level> {
  if (call.kind !== 'fused') return new Map()
  const { rows, width, operands, prologue, steps } = call
  // the prologue reads for all blocks; one row is one block
  const each = rows > 1 ? steps : [...prologue, ...steps]
  return new Map(
    each.flatMap((step) =>
      'operand' in step ? [[operands[step.operand], rows * width === 1 ? 'inner' : step.level] as const] : [],
    ),
  )
}

const meets = (access: Access, { view }: Access, laneOf: ReadonlyMap<number, number>): boolean =>
  access.view.buffer === view.buffer && addressesOf(access).some((address) => laneOf.has(address))
