import { encode } from '../src/backends/webgpu/encode.ts'
import { kernelBudgets } from '../src/compare/budgets.ts'
import { compile, f32, type Program, Rmaat, RmaatError, type Tensor, vjp } from '../src/index.ts'
import { layoutOf } from '../src/nn/model.ts'
import { reachable } from '../src/ops/loop.ts'
import { AdamW } from '../src/optim/adamw.ts'
import { isKernel } from '../src/program/kernels.ts'
import type { Plan } from '../src/program/plan.ts'
import type { HostInputs, InputSpec } from '../src/program/program.ts'
import { sizeOf } from '../src/tensor/shape.ts'
import { stepInputs, trainingStep } from '../src/train/step.ts'
import { lifetimesOf } from './arena.ts'
import { programs } from './formulas.ts'
import type { Explained, KernelLine, Reply } from './messages.ts'
import type { Session } from './session.ts'
import { backwardOf, type Settings } from './settings.ts'
import { modelSettings, sizesOf } from './task.ts'

/** So many runs are measured, and their mean counts: the clocks of pages are coarse. */
const RUNS = 10
/** What every adapter has, where there is none to ask. */
const LEAST = { subgroup: 0, workgroupStorage: 16384 }
const ALIGNMENT = 256

type Specs = Readonly<Record<string, InputSpec>>

/** Compiles a formula of the model and its gradient, and measures each of their kernels on the device. */
export class Explainer {
  private readonly session: Session
  private readonly tell: (reply: Reply) => void
  private plans: Plan[] = []

  constructor(session: Session, tell: (reply: Reply) => void) {
    this.session = session
    this.tell = tell
  }

  async explain(id: string, settings: Settings): Promise<void> {
    const { session } = this
    const device = await session.anyDevice(settings)
    const { batch } = settings
    // weights of its own: the step that is measured changes them
    const model = new Rmaat(device, { ...modelSettings(settings), ...(await sizesOf(settings)) })
    this.plans = []
    try {
      const explained: Explained[] = []
      if (id === 'step') {
        const optimizer = new AdamW(model.parameters)
        const step = trainingStep(model, optimizer, { ...backwardOf(settings), batch, clip: 1 })
        const program = compile(device, stepInputs(model, batch), step) as unknown as Program
        const inputs = { ...layoutOf(model, batch).values(examplesFor(model, batch)), step: 1, rate: 0 }
        explained.push(await this.measured('The whole training step', program, inputs, []))
        for (const variable of optimizer.state) device.delete(variable)
      } else {
        const make = programs[id]
        if (!make) throw new RmaatError('argument', `no formula is called ${id}`)
        const { inputs, formula, weights = [] } = make(model, batch)
        let nodes: readonly Tensor[] = []
        const forward = compile(device, inputs, (given) => {
          const value = formula(given)
          nodes = reachable([value])
          return { value }
        }) as unknown as Program
        const [{ shape }] = forward.plan.outputs
        explained.push(await this.measured('The formula', forward, valuesOf(inputs), nodes))
        const specs = { ...inputs, cotangent: f32(...shape) }
        const backward = compile(device, specs, (all: Readonly<Record<string, Tensor>>) => {
          const { cotangent, ...given } = all
          const wrt = [...Object.values(given).filter(({ dtype }) => dtype === 'f32'), ...weights]
          const value = formula(given)
          const gradients = vjp([value], [cotangent], wrt)
          nodes = reachable(gradients)
          return { value, ...Object.fromEntries(gradients.map((gradient: Tensor, i) => [`gradient ${i}`, gradient])) }
        }) as unknown as Program
        explained.push(await this.measured('The formula and its gradient', backward, valuesOf(specs), nodes))
      }
      this.tell({ kind: 'explained', id, device: device.name, programs: explained })
    } finally {
      model.close()
    }
  }

  private async measured(
    title: string,
    program: Program,
    inputs: HostInputs<Specs>,
    nodes: readonly Tensor[],
  ): Promise<Explained> {
    try {
      const runs: number[][] = []
      for (let run = 0; run < RUNS; run++) {
        const times = await program.profile(inputs)
        runs.push(times.map(({ milliseconds }) => milliseconds))
      }
      const { plan } = program
      this.plans.push(plan)
      const mean = runs[0].map((_, i) => runs.reduce((sum, times) => sum + times[i], 0) / RUNS)
      const instructions = plan.instructions.length
      const { arena: arenaBytes } = program.memory
      const kernels = kernelsOf(program, mean)
      return { title, arenaBytes, instructions, lifetimes: lifetimesOf(plan), kernels, nodes: linesOf(nodes) }
    } finally {
      program.close()
    }
  }

  /** WGSL as it is written for this kernel: on the adapter of the device, or on the least of all where the CPU computes. */
  shader(program: number, at: number): void {
    const { backend } = this.session.device
    const abilities = 'abilities' in backend ? (backend.abilities as typeof LEAST) : LEAST
    const { dispatches } = encode(this.plans[program], abilities, ALIGNMENT)
    this.tell({ kind: 'shader', program, at, sources: [...new Set(dispatches[at].map(({ source }) => source))] })
  }
}

/** Sequences of full length: what they say takes no other time. */
function examplesFor({ config: { segments, segmentLength, vocabulary } }: Rmaat, rows: number) {
  const tokens = Int32Array.from({ length: segments * segmentLength }, (_, i) => 1 + (i % (vocabulary - 1)))
  return Array.from({ length: rows }, () => ({ tokens, label: 0 }))
}

/** Nodes by their place in the list, which is smaller than that of what is made of them. */
function linesOf(nodes: readonly Tensor[]): string[] {
  const places = new Map(nodes.map((node, at) => [node, at + 1]))
  return nodes.map(({ op, dtype, shape, inputs }, at) => {
    const of = inputs.map((input) => places.get(input)).join(', ')
    return `${at + 1}: ${op}${of && ` of ${of}`} -> ${dtype} [${shape.join(', ')}]`
  })
}

/** The kernels of a listing: a line, and its operands beneath. */
function kernelsOf(program: Program, milliseconds: readonly number[]): KernelLine[] {
  const { instructions } = program.plan
  const parts = `${program}`.split(/^(?= *\d+ )/m)
  let kernel = 0
  return instructions.flatMap((instruction, at): KernelLine[] => {
    if (!isKernel(instruction)) return []
    const [line, ...below] = parts[at].trimEnd().split('\n')
    const operands = below.filter((text) => !text.startsWith('arena ')).map((text) => text.trim())
    return [
      {
        at,
        kind: instruction.kind,
        words: line.replace(/^ *\d+ +/, ''),
        operands: operands.join('\n'),
        budget: kernelBudgets[instruction.kind],
        milliseconds: milliseconds[kernel++],
      },
    ]
  })
}

/** Numbers of a usual size; whole numbers of every input that asks for such are 0. */
const valuesOf = (specs: Specs): HostInputs<Specs> =>
  Object.fromEntries(
    Object.entries(specs).map(([name, { dtype, shape }]) => {
      const size = sizeOf(shape)
      if (dtype === 'i32') return [name, new Int32Array(size)]
      return [
        name,
        name === 'valid'
          ? new Float32Array(size).fill(1)
          : Float32Array.from({ length: size }, (_, i) => Math.sin(i + 1)),
      ]
    }),
  )
