import { grad } from '../autograd/grad.ts'
import { AdamW } from '../optim/adamw.ts'
import type { Backend, Device } from '../program/device.ts'
import { compile } from '../program/program.ts'
import type { ModelConfig } from '../rmaat/config.ts'
import { batchInputs, Rmaat } from '../rmaat/model.ts'
import type { Batch } from '../tasks/task.ts'
import { sizeOf } from '../tensor/shape.ts'
import { modelInputs } from '../train/batch.ts'
import { largest, largestError } from '../train/largest-error.ts'
import { type StepOptions, stepInputs, trainingStep } from '../train/step.ts'
import { unroll } from './instructions.ts'
import { checkKernels, type KernelResult } from './kernels.ts'
import { uniform } from './sample.ts'

export type ModelBatch = Pick<Batch, 'tokens' | 'valid' | 'labels' | 'weights'>

/** Rows of random tokens, without padding. */
export function randomBatch({ segments, segmentLength, vocabulary, classes }: ModelConfig, rows: number): ModelBatch {
  const size = rows * segments * segmentLength
  return {
    tokens: Int32Array.from({ length: size }, (_, i) => 1 + Math.floor(uniform(i, 0, 0) * (vocabulary - 1))),
    valid: new Int32Array(size).fill(1),
    labels: Int32Array.from({ length: rows }, (_, i) => i % classes),
    weights: new Float32Array(rows).fill(1),
  }
}

/** A training step that is ready to run on a batch, again and again. */
export function compiledStep(device: Device, config: ModelConfig, options: StepOptions, batch: ModelBatch) {
  return device.allOrNothing(() => {
    const model = new Rmaat(device, config)
    const optimizer = new AdamW(model.parameters)
    const variables = [model.parameters.variable, ...optimizer.state]
    const inputs = {
      ...modelInputs(batch, model.config, model.config.retention),
      step: 1,
      rate: 1e-3,
    }
    const program = compile(device, stepInputs(options.batch, config), trainingStep(model, optimizer, options))
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
  config: ModelConfig,
  { method, batch: rows }: StepOptions,
  batch: ModelBatch,
): Promise<Gradient> {
  const model = new Rmaat(device, config)
  const { parameters } = model
  try {
    const program = compile(device, batchInputs(rows, config), (inputs) => {
      const { loss } = model.forward(inputs, { method })
      return { loss, gradient: parameters.flat(grad(loss, parameters.list)) }
    })
    try {
      const { loss, gradient } = await program.run(modelInputs(batch, config, config.retention))
      const gradients = parameters.named.map(
        ({ name, offset, spec }) => [name, gradient.subarray(offset, offset + sizeOf(spec.shape))] as const,
      )
      return { loss, gradients: new Map(gradients) }
    } finally {
      program.close()
    }
  } finally {
    model.close()
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
  config: ModelConfig,
  options: StepOptions,
  batch: ModelBatch,
): AsyncGenerator<KernelResult & { readonly of: number }, void> {
  const { program, inputs, variables, close } = compiledStep(device, config, options, batch)
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
