import { grad } from '../autograd/grad.ts'
import { shown, takes } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import { largest, largestError } from '../nn/largest-error.ts'
import type { Method } from '../nn/model.ts'
import { readSafetensors, type StoredTensor } from '../nn/safetensors.ts'
import { madeWith } from '../nn/weights.ts'
import { aDevice, type Device } from '../program/device.ts'
import { compile } from '../program/program.ts'
import { batchInputs, batchValues } from './batch.ts'
import { type ModelConfig, modelConfig } from './config.ts'
import { type MacroModel, simulate } from './macro-model.ts'
import { Rmaat } from './model.ts'
import { parameterTree } from './parameters.ts'

/** How far a tensor may be off, relative to its largest element. */
export const tolerances: Readonly<Record<string, number>> = { reference: 1e-9, wasm: 5e-6, webgpu: 5e-5 }

/** A tensor of a file beside what was computed. */
export interface TensorCheck {
  readonly tensor: string
  /** How it was recomputed. */
  readonly method: Method | 'simulation'
  readonly error: number
}

/** The settings that a golden file's metadata holds under other names. */
const renamed = { feature: 'features', ffn: 'feedForward', vocab: 'vocabulary', segment: 'segmentLength' } as const

/**
 * Recomputes a golden file. That of the macro model: its simulation. That of a model: loads its weights, computes logits, loss and every gradient by both methods, and returns
 * the largest error of each tensor relative to its largest element (a scalar's to its block's largest gradient).
 */
export async function verify(device: Device, bytes: Uint8Array): Promise<TensorCheck[]> {
  takes('verify', { device }, { device: aDevice })
  const { tensors, metadata } = readSafetensors(bytes)
  if (tensors.has('cycle_ends')) return verifySimulation(tensors.get('cycle_ends')!, metadata)
  const get = (name: string): StoredTensor => {
    const found = tensors.get(name)
    if (!found) throw new RmaatError('data', `the file has no tensor '${name}': it is no golden file of the model`)
    return found
  }
  get('logits')
  const stored = Object.fromEntries(Object.entries(metadata).map(([key, value]) => [key, parse(key, value)]))
  const { width, heads, memory, layers, classes, alpha, attention, norm, update, retention, loss } = stored
  const config = {
    width,
    heads,
    memory,
    layers,
    classes,
    alpha,
    attention,
    norm,
    update,
    retention,
    loss,
    segments: stored.segments,
    seed: 0,
  }
  const others = Object.fromEntries(Object.entries(renamed).map(([theirs, ours]) => [ours, stored[theirs]]))
  const settings = modelConfig({ ...config, ...others } as Partial<ModelConfig>)
  const model = madeWith(parameterTree(settings), tensors, 'weight.', () => new Rmaat(device, settings))
  try {
    const labels = get('labels')
    const rows = labels.shape[0] ?? 0
    const { segments, segmentLength } = model.config
    for (const [name, shape] of Object.entries({
      labels: [rows],
      tokens: [rows, segments, segmentLength],
      valid: [rows, segments, segmentLength],
    })) {
      const found = get(name).shape
      if (`${found}` !== `${shape}`) {
        throw new RmaatError('data', `'${name}' is ${shown(found)} in the file: expected ${shown(shape)}`)
      }
    }
    const inputs = batchValues(
      {
        tokens: Int32Array.from(get('tokens').data),
        valid: Int32Array.from(get('valid').data),
        labels: Int32Array.from(labels.data),
        weights: new Float64Array(rows).fill(1 / rows),
      },
      model.config,
      model.config.retention,
    )
    const checks: TensorCheck[] = []
    for (const method of ['bptt', 'amrb'] as const) {
      const program = compile(device, batchInputs(rows, model.config), (batch) => {
        const { loss, predicted: logits } = model.forward(batch, { method })
        const gradients = grad(loss, model.parameters.list)
        return {
          loss,
          logits,
          ...Object.fromEntries(model.parameters.named.map(({ name }, i) => [`grad.${name}`, gradients[i]])),
        }
      })
      const results: Record<string, ArrayLike<number> | number> = await program
        .run(inputs)
        .finally(() => program.close())
      for (const [tensor, value] of Object.entries(results)) {
        const found = typeof value === 'number' ? [value] : value
        checks.push({ tensor, method, error: largestError(found, get(tensor).data) / scaleOf(tensor, tensors) })
      }
    }
    return checks
  } finally {
    model.close()
  }
}

/** What a golden file of the macro model calls each constant. */
export const macroNames: Readonly<Record<keyof MacroModel, string>> = {
  tauNeuron: 'tau_n',
  tauSynapse: 'tau_s',
  tauShortTerm: 'tau_ps',
  tauLongTerm: 'tau_pl',
  leakNeuron: 'leak_n',
  leakSynapse: 'beta',
  leakShortTerm: 'gamma_s',
  leakLongTerm: 'gamma_l',
  driveShortTerm: 'drive_ps',
  coupling: 'coupling',
  scale: 'scale',
  stimulus: 'stimulus',
  stimulusDuration: 'on',
  cycleDuration: 'cycle',
  cycles: 'cycles',
  timeStep: 'dt',
  side: 'side',
}

/** The states of the macro model at the end of each cycle; computed on the host whatever the device. */
function verifySimulation({ data }: StoredTensor, metadata: Readonly<Record<string, string>>): TensorCheck[] {
  const constants = Object.entries(macroNames).map(([name, theirs]) => {
    if (metadata[theirs] === undefined)
      throw new RmaatError('data', `the metadata holds no '${theirs}' of the macro model`)
    return [name, parse(theirs, metadata[theirs])]
  })
  const { cycleEnds } = simulate(Object.fromEntries(constants))
  const found = cycleEnds.flatMap(({ neuron, synapse, shortTerm, longTerm }) => [neuron, synapse, shortTerm, longTerm])
  return [{ tensor: 'cycle_ends', method: 'simulation', error: largestError(found, data) / largest(data) }]
}

function parse(key: string, value: string): unknown {
  try {
    return JSON.parse(value)
  } catch (cause) {
    throw new RmaatError('data', `the metadata '${key}' is no JSON: ${shown(value)}`, { cause })
  }
}

function scaleOf(tensor: string, tensors: ReadonlyMap<string, StoredTensor>): number {
  const own = tensors.get(tensor)!
  const block = /^grad\.blocks\.\d+\./.exec(tensor)?.[0]
  if (own.shape.length > 0 || !block) return largest(own.data)
  return Math.max(...[...tensors].filter(([name]) => name.startsWith(block)).map(([, { data }]) => largest(data)))
}
