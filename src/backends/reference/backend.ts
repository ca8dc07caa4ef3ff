import { elementsOf } from '../../program/axes.ts'
import type { Backend, HostArray, Loaded } from '../../program/device.ts'
import type { Kernel, KernelOf, Plan, View } from '../../program/plan.ts'
import { turn } from '../../runtime/turns.ts'
import { constantBytes } from '../counts.ts'
import { addresses, addressOf, type Iterations, walk } from '../cursor.ts'
import { doubles } from './doubles.ts'
import { fused } from './fused.ts'
import { gather, matmul, reduce, scan, scatterAdd } from './kernels.ts'

/** Plain TypeScript in double precision, in which integers are exact: the definition that other backends are tested against. */
export class ReferenceBackend implements Backend {
  readonly name = 'reference'
  readonly description: string
  /** The longest arena of the programs that were loaded at the last load. */
  private arena = NONE
  /** For each program the elements of its arena, and the bytes of its own buffers. */
  private readonly loaded = new Set<{ readonly arena: number; readonly bytes: number }>()
  private readonly variables = new Map<number, Float64Array>()

  /** @param why it was taken, where nobody asked for it by name */
  constructor(why = '') {
    this.description = `plain TypeScript, double precision${why && `, slow (${why})`}`
  }

  createVariable(id: number, elements: number): void {
    this.variables.set(id, doubles(elements, 'a variable'))
  }

  writeVariable(id: number, values: ArrayLike<number>): void {
    this.variables.get(id)!.set(values)
  }

  async readVariable(id: number): Promise<HostArray> {
    const held = this.variables.get(id)!
    const found = doubles(held.length, 'what is read of a variable')
    found.set(held)
    return found
  }

  deleteVariable(id: number): void {
    this.variables.delete(id)
  }

  get heldBytes(): number {
    const variables = [...this.variables.values()].reduce((sum, { byteLength }) => sum + byteLength, 0)
    return [...this.loaded].reduce((sum, { bytes }) => sum + bytes, this.arena.byteLength + variables)
  }

  load(plan: Plan): Loaded {
    const own = plan.buffers.map((buffer) =>
      buffer.kind === 'input'
        ? doubles(buffer.elements, `the input ${buffer.name}`)
        : buffer.kind === 'constant'
          ? buffer.values
          : undefined,
    )
    const bytes = own.reduce((sum, buffer) => sum + (buffer?.byteLength ?? 0), 0)
    const longest = [...this.loaded].reduce((most, { arena }) => Math.max(most, arena), plan.memory.arena)
    if (this.arena.length !== longest) this.arena = doubles(longest, 'an arena')
    const held = { arena: plan.memory.arena, bytes }
    this.loaded.add(held)
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
      const found = doubles(elementsOf(axes), 'a result')
      let at = 0
      for (const address of addresses(addressOf(place, []), axes)) found[at++] = from[address]
      return found
    }
    return {
      workspace: constantBytes(plan),
      run: async (inputs, timed) => {
        const begin = performance.now()
        feed(inputs)
        runTo(plan.instructions.length)
        const results = plan.outputs.map(({ view }) => look(view))
        timed?.(performance.now() - begin)
        const pause = turn()
        if (pause) await pause
        return results
      },
      profile: async (inputs) => {
        feed(inputs)
        const times = doubles(plan.instructions.length, 'the times')
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
        this.loaded.delete(held)
        if (this.loaded.size === 0) this.arena = NONE
      },
    }
  }

  close(): void {
    this.variables.clear()
    this.loaded.clear()
    this.arena = NONE
  }
}

const NONE = new Float64Array(0)

type Run<Call> = (call: Call, memory: readonly Float64Array[], iterations: Iterations) => void
const kernels: { readonly [Kind in Kernel['kind']]: Run<KernelOf<Kind>> } = {
  fused,
  reduce,
  matmul,
  scan,
  gather,
  scatterAdd,
}
/** Runs a call in an iteration of the enclosing loops. */
export const execute: Run<Kernel> = (call, memory, iterations) => kernels[call.kind](call as never, memory, iterations)
