import type { Backend, HostArray, Loaded } from '../../program/device.ts'
import type { Instruction, Plan, View } from '../../program/plan.ts'
import { addresses, addressOf } from '../cursor.ts'
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
    const look = ({ axes, ...place }: View): HostArray => {
      const from = memory()[place.buffer]
      return Float64Array.from(addresses(addressOf(place, []), axes), (address) => from[address])
    }
    return {
      workspace: 0,
      run: async (inputs) => {
        feed(inputs)
        execute(plan.instructions, memory())
        return plan.outputs.map(({ view }) => look(view))
      },
      profile: async (inputs) => {
        feed(inputs)
        const times = new Float64Array(plan.instructions.length)
        execute(plan.instructions, memory(), times)
        return times
      },
      runTo: async (inputs, count) => {
        feed(inputs)
        execute(plan.instructions.slice(0, count), memory())
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

/** Walks the list. `times` gathers milliseconds for each instruction. */
function execute(instructions: readonly Instruction[], memory: readonly Float64Array[], times?: Float64Array): void {
  const open: { at: number; count: number }[] = []
  const iterations: number[] = []
  for (let at = 0; at < instructions.length; at++) {
    const instruction = instructions[at]
    const begin = times ? performance.now() : 0
    switch (instruction.kind) {
      case 'loop':
        open.push({ at, count: instruction.count })
        iterations.push(0)
        break
      case 'end': {
        const loop = open[open.length - 1]
        if (++iterations[iterations.length - 1] < loop.count) at = loop.at
        else {
          open.pop()
          iterations.pop()
        }
        break
      }
      case 'rows':
        rows(instruction, memory, iterations)
        break
      case 'reduce':
        reduce(instruction, memory, iterations)
        break
      case 'matmul':
        matmul(instruction, memory, iterations)
        break
      case 'gather':
        gather(instruction, memory, iterations)
        break
      case 'scatterAdd':
        scatterAdd(instruction, memory, iterations)
    }
    if (times) times[at] += performance.now() - begin
  }
}
