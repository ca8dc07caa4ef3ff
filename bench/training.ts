import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { workloadOf } from '../src/compare/step.ts'
import {
  AdamW,
  batchOf,
  compile,
  type Device,
  type Example,
  type Method,
  type ModelConfig,
  modelConfig,
  retention,
} from '../src/index.ts'
import { save } from '../src/models/weights.ts'
import { readSafetensors, type StoredTensor, writeSafetensors } from '../src/nn/safetensors.ts'
import { stepInputs, trainingStep } from '../src/train/step.ts'
import { openPytorch, type Pytorch } from './peers/pytorch.ts'

/** What a training step computes with. */
export interface Workload {
  readonly name: string
  /** Of `models`; RMAAT, where none is given. */
  readonly model?: string
  readonly config: ModelConfig
  readonly batch: number
}

const sizes = { segmentLength: 512, width: 64, layers: 2, heads: 2, features: 32, memory: 16 }

/** The sizes of two tasks of the Long Range Arena. */
export const listops: Workload = {
  name: 'ListOps 2K',
  config: modelConfig({ ...sizes, segments: 4, vocabulary: 16, classes: 10 }),
  batch: 32,
}
export const text: Workload = {
  name: 'Text 4K',
  config: modelConfig({ ...sizes, segments: 8, vocabulary: 256, classes: 2 }),
  batch: 32,
}

const RATE = 1e-3

/** Trains a new model on one batch: `step` is forward pass, gradients, clipping and AdamW, and yields the loss. */
export function trainer(
  device: Device,
  { model: kind = 'rmaat', config, batch: rows }: Workload,
  method: Method,
  more: { readonly keep?: number; readonly hold?: number; readonly slices?: number } = {},
) {
  const { model, examples } = workloadOf({ name: kind, config }, config, rows).make(device)
  const optimizer = new AdamW(model.parameters)
  const inputs = model.layout(rows).values(examples)
  const program = compile(
    device,
    stepInputs(model, rows),
    trainingStep(model, optimizer, { method, batch: rows, clip: 1, ...more }),
  )
  let steps = 0
  const next = () => ({ ...inputs, step: ++steps, rate: RATE })
  return {
    program,
    step: async (): Promise<number> => (await program.arrays(next())).loss[0],
    profile: () => program.profile(next()),
    close: () => {
      program.close()
      for (const variable of [model.parameters.variable, ...optimizer.state]) device.delete(variable)
    },
  }
}

/** The weights that a trainer begins with and its batch, for a peer in another process. */
export async function writeBeginning(path: string, device: Device, { config, batch: rows }: Workload): Promise<void> {
  const { model, examples } = workloadOf({ name: 'rmaat', config }, config, rows).make(device)
  const { tensors } = readSafetensors(await save(model))
  model.close()
  const batch = batchOf(examples as Example[], { ...config, batch: rows })
  const tokens: StoredTensor = {
    dtype: 'I32',
    shape: [rows, config.segments, config.segmentLength],
    data: Int32Array.from(batch.tokens),
  }
  const labels: StoredTensor = { dtype: 'I32', shape: [rows], data: Int32Array.from(batch.labels) }
  const factors = Array.from({ length: config.segments }, (_, t) => retention(t + 1, config.segments, config.retention))
  const metadata = { config: JSON.stringify(config), retention: JSON.stringify(factors) }
  await writeFile(path, writeSafetensors(new Map([...tensors, ['tokens', tokens], ['labels', labels]]), metadata))
}

/** PyTorch, ready to compute with our weights. */
export async function beside(device: Device, workload: Workload): Promise<Pytorch> {
  const folder = await mkdtemp(join(tmpdir(), 'rmaat-bench-'))
  try {
    const file = join(folder, 'beginning.safetensors')
    await writeBeginning(file, device, workload)
    return await openPytorch(file)
  } finally {
    await rm(folder, { recursive: true })
  }
}
