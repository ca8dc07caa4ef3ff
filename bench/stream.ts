// A model that reads one sequence segment by segment, and learns nothing.
import { workloadOf } from '../src/compare/step.ts'
import { batchOf, compile, type Device, type Example, modelConfig, Rmaat, read, Stream } from '../src/index.ts'
import { save } from '../src/models/weights.ts'
import { readSafetensors, type StoredTensor } from '../src/nn/safetensors.ts'
import type { BatchTensors } from '../src/rmaat/batch.ts'
import type { Prepared } from './peers/peer.ts'
import type { Workload } from './training.ts'

/** Segments of a call. */
export const SEGMENTS = 8

export const reading: Workload = {
  name: 'reading',
  config: modelConfig({
    ...{ segments: SEGMENTS, segmentLength: 512, width: 64, layers: 2, heads: 2, features: 32, memory: 16 },
    ...{ vocabulary: 256, classes: 2, retention: 'none' },
  }),
  batch: 1,
}

/** The model and the sequence, as plain numbers. */
export interface StreamWork {
  readonly config: Workload['config']
  readonly weights: ReadonlyMap<string, StoredTensor>
  /** phi(R) of each block, [heads, features, memory + segmentLength]. */
  readonly astrocytes: readonly Float32Array[]
  /** Of SEGMENTS segments. */
  readonly tokens: Int32Array
}

/** Weights are the same for any number of segments. */
function make(device: Device, segments = SEGMENTS) {
  const config = { ...reading.config, segments }
  const { model, examples } = workloadOf({ name: 'rmaat', config }, config, 1).make(device)
  if (!(model instanceof Rmaat)) throw new Error('expected RMAAT')
  return { model, examples }
}

export async function streamWork(device: Device): Promise<StreamWork> {
  const { model, examples } = make(device)
  // made [heads, tokens, features]
  const astrocytes = await read(device, ...model.prepare().map((x) => x.transpose([0, 2, 1])))
  const { tensors } = readSafetensors(await save(model))
  model.close()
  const { tokens } = batchOf(examples as Example[], { ...reading.config, batch: 1 })
  return {
    config: reading.config,
    weights: tensors,
    astrocytes: astrocytes.map((values) => Float32Array.from(values)),
    tokens: Int32Array.from(tokens),
  }
}

/** Ours: `run` reads the sequence once more; the result is the memory behind its first reading, [memory, width]. */
export function ours(device: Device, { tokens }: StreamWork): Prepared & { readonly close: () => void } {
  const { model } = make(device)
  const stream = new Stream(model)
  return {
    run: () => stream.push(tokens),
    async result() {
      // what enters one segment more
      const { model: longer } = make(device, SEGMENTS + 1)
      const { inputs, values } = longer.layout(1)
      const more = Int32Array.from({ length: tokens.length + reading.config.segmentLength }, (_, i) => tokens[i] ?? 1)
      const program = compile(device, inputs, (batch) => ({
        memory: longer.forward(batch as BatchTensors, { method: 'bptt' }).carries[SEGMENTS],
      }))
      const { memory } = await program.arrays(values([{ tokens: more, label: 0 }]))
      program.close()
      longer.close()
      return Float32Array.from(memory)
    },
    close() {
      stream.close()
      model.close()
    },
  }
}
