import { grad } from '../autograd/grad.ts'
import { models } from '../models/index.ts'
import type { Config, ConfiguredModel } from '../nn/kind.ts'
import { largest, largestError } from '../nn/largest-error.ts'
import type { Backward, Model } from '../nn/model.ts'
import { AdamW } from '../optim/adamw.ts'
import type { Backend, Device } from '../program/device.ts'
import { compile } from '../program/program.ts'
import type { Example, Task } from '../tasks/task.ts'
import { sizeOf } from '../tensor/shape.ts'
import { type StepOptions, stepInputs, trainingStep } from '../train/step.ts'
import { unroll } from './instructions.ts'
import { checkKernels, type KernelResult } from './kernels.ts'
import { uniform } from './sample.ts'

/** What is trained, on whichever device. */
export interface Workload<M extends Model<Example> = Model<Example>> {
  /** In a few words, such as `2 segments, batch 4`. */
  readonly name: string
  /**
   * A new model, and the examples of a batch. `length`: tokens in a segment, or in an example of a model that reads none, where
   * times are taken over them.
   */
  make(device: Device, length?: number): { readonly model: M; readonly examples: readonly Example[] }
}

/** Examples of random tokens. */
const randomExamples = (
  count: number,
  { length, vocabulary, classes }: { length: number; vocabulary: number; classes: number },
): Example[] =>
  Array.from({ length: count }, (_, row) => ({
    tokens: Int32Array.from({ length }, (_, i) => 1 + Math.floor(uniform(row * length + i, 0, 0) * (vocabulary - 1))),
    label: row % classes,
  }))

/**
 * A model of `models` on so many examples, which are those given, or random ones. `sizes` are those of the examples; times are
 * taken over random ones of other lengths.
 */
export function workloadOf(
  { name, config }: { readonly name: string; readonly config: Config },
  sizes: Pick<Task, 'segments' | 'segmentLength' | 'vocabulary' | 'classes'>,
  batch: number,
  given?: readonly Example[],
): Workload<ConfiguredModel> {
  const { segments, segmentLength } = sizes
  return {
    name: `${segments} segments, batch ${batch}`,
    make: (device, length) => ({
      model: models[name].make(
        device,
        length && 'segmentLength' in config ? { ...config, segmentLength: length } : config,
      ),
      examples:
        length === undefined && given
          ? given
          : randomExamples(batch, { ...sizes, length: segments * (length ?? segmentLength) }),
    }),
  }
}

/** A training step that is ready to run on a batch, again and again. */
export function compiledStep(device: Device, workload: Workload, options: Omit<StepOptions, 'batch'>, length?: number) {
  return device.allOrNothing(() => {
    const { model, examples } = workload.make(device, length)
    const optimizer = new AdamW(model.parameters)
    const variables = [model.parameters.variable, ...optimizer.state]
    const { length: batch } = examples
    const inputs = { ...model.layout(batch).values(examples), step: 1, rate: 1e-3 }
    const program = compile(device, stepInputs(model, batch), trainingStep(model, optimizer, { ...options, batch }))
    return {
      program,
      inputs,
      variables,
      run: () => program.run(inputs),
      close: () => {
        program.close()
        for (const variable of variables) device.delete(variable)
      },
    }
  })
}

export interface Gradient {
  readonly loss: number
  /** By the name of the parameter. */
  readonly gradients: ReadonlyMap<string, ArrayLike<number>>
}

/** The loss of a batch and the gradient of every parameter. */
export async function gradientOf(
  device: Device,
  workload: Workload,
  { method, keep, hold, reach }: Backward,
): Promise<Gradient> {
  const { model, examples } = workload.make(device)
  const { parameters } = model
  try {
    const layout = model.layout(examples.length)
    const program = compile(device, layout.inputs, (inputs) => {
      const { loss } = model.forward(inputs, { method, keep, hold, reach })
      return { loss, gradient: parameters.flat(grad(loss, parameters.list)) }
    })
    try {
      const { loss, gradient } = await program.arrays(layout.values(examples))
      const gradients = parameters.named.map(
        ({ name, offset, spec }) => [name, gradient.subarray(offset, offset + sizeOf(spec.shape))] as const,
      )
      return { loss: loss[0], gradients: new Map(gradients) }
    } finally {
      program.close()
    }
  } finally {
    device.delete(parameters.variable)
  }
}

/** How far a gradient is from another one: over all of it, and for the parameter that is farthest off by its own measure. */
export function gradientError(found: Gradient, exact: Gradient) {
  const errors = [...exact.gradients].map(([parameter, values]) => ({
    parameter,
    error: largestError(found.gradients.get(parameter)!, values),
    size: largest(values),
  }))
  const size = Math.max(...errors.map((one) => one.size))
  const worst = errors.reduce((a, b) => (b.error * a.size > a.error * b.size ? b : a))
  return {
    loss: Math.abs(found.loss - exact.loss) / Math.abs(exact.loss),
    gradient: Math.max(...errors.map(({ error }) => error)) / size,
    worst: { parameter: worst.parameter, error: worst.error / worst.size },
  }
}

/** Every kernel of a training step, its loops written out, on the operands that the device itself held. */
export async function* stepKernels(
  device: Device,
  reference: Backend,
  workload: Workload,
  options: Omit<StepOptions, 'batch'>,
): AsyncGenerator<KernelResult & { readonly of: number }, void> {
  const { program, inputs, variables, close } = compiledStep(device, workload, options)
  try {
    const plan = unroll(program.plan)
    const first = await Promise.all(variables.map((variable) => device.readVariable(variable)))
    const loaded = device.backend.load(plan)
    const reset = (): void => {
      variables.forEach((variable, i) => {
        device.write(variable, first[i])
      })
    }
    const given = plan.inputs.map(({ name }) => {
      const value = inputs[name as keyof typeof inputs]
      return typeof value === 'number' ? [value] : value
    })
    try {
      for await (const result of checkKernels({ loaded, plan, inputs: given, reset }, reference)) {
        yield { ...result, of: plan.instructions.length }
      }
    } finally {
      loaded.close()
    }
  } finally {
    close()
  }
}
