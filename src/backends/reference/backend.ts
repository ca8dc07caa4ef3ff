import type { Kernel } from '../../program/accesses.ts'
import type { Backend, HostArray, Loaded } from '../../program/device.ts'
import type { Plan, View } from '../../program/plan.ts'
import { addresses, addressOf, type Iterations, walk } from '../cursor.ts'
import { gather, matmul, reduce, scatterAdd } from './kernels.ts'
import { rows } from './rows.ts'

/** Plain TypeScript in double precision: what every other backend is held against. Integers are exact in it. */
export class ReferenceBackend implements Backend {
  readonly name = 'reference'
  readonly description = 'plain TypeScript, double precision'
  private arena = new Float64Array(0)
  private readonly variables = new Map<number, Float64Array>()
  private inputBytes = 0

  createVariable(id: number, elements: number): void {
    this.variables.set(id, new Float64Array(elements))
  }

  writeVariable(id: number, values: ArrayLike<number>): void {
    this.variables.get(id)!.set(values)
  }

  async readVariable(id: number): Promise<HostArray> {
    return this.variables.get(id)!.slice()
  }

  deleteVariable(id: number): void {
    this.variables.delete(id)
  }

  get heldBytes(): number {
    const variables = [...this.variables.values()].reduce((sum, { byteLength }) => sum + byteLength, 0)
    return this.arena.byteLength + variables + this.inputBytes
  }

  load(plan: Plan): Loaded {
    if (this.arena.length < plan.memory.arena) this.arena = new Float64Array(plan.memory.arena)
    const own = plan.buffers.map((buffer) =>
      buffer.kind === 'input'
        ? new Float64Array(buffer.elements)
        : buffer.kind === 'constant'
          ? buffer.values
          : undefined,
    )
    const bytes = own.reduce((sum, buffer) => sum + (buffer?.byteLength ?? 0), 0)
    this.inputBytes += bytes
    const memory = (): Float64Array[] =>
      plan.buffers.map((buffer, i) =>
        buffer.kind === 'arena' ? this.arena : buffer.kind === 'variable' ? this.variables.get(buffer.id)! : own[i]!,
      )
    const feed = (inputs: readonly ArrayLike<number>[]): void => {
      plan.inputs.forEach(({ view, dtype }, i) => {
        own[view.buffer]!.set(dtype === 'i32' ? Int32Array.from(inputs[i]) : inputs[i])
      })
    }
    const runTo = (count: number): void => {
      const all = memory()
      walk(plan.instructions, count, (call, _, iterations) => execute(call, all, iterations))
    }
    const look = ({ axes, ...place }: View): HostArray => {
      const from = memory()[place.buffer]
      return Float64Array.from(addresses(addressOf(place, []), axes), (address) => from[address])
    }
    return {
      workspace: 0,
      run: async (inputs) => {
        feed(inputs)
        runTo(plan.instructions.length)
        return plan.outputs.map(({ view }) => look(view))
      },
      profile: async (inputs) => {
        feed(inputs)
        const times = new Float64Array(plan.instructions.length)
        const all = memory()
        walk(plan.instructions, times.length, (call, at, iterations) => {
          const begin = performance.now()
          execute(call, all, iterations)
          times[at] += performance.now() - begin
        })
        return times
      },
      runTo: async (inputs, count) => {
        feed(inputs)
        runTo(count)
      },
      peek: async (view) => look(view),
      close: () => {
        this.inputBytes -= bytes
      },
    }
  }

  close(): void {
    this.variables.clear()
    this.arena = new Float64Array(0)
  }
}

/** Runs a call where an iteration sees its operands. */
function execute(call: Kernel, memory: readonly Float64Array[], iterations: Iterations): void {
  switch (call.kind) {
    case 'rows':
      rows(call, memory, iterations)
      break
    case 'reduce':
      reduce(call, memory, iterations)
      break
    case 'matmul':
      matmul(call, memory, iterations)
      break
    case 'gather':
      gather(call, memory, iterations)
      break
    case 'scatterAdd':
      scatterAdd(call, memory, iterations)
  }
}
