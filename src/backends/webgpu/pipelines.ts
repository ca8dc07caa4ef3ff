import { RmaatError } from '../../errors.ts'
import { ShaderStage } from '../../runtime/gpu.ts'

const ofDevices = new WeakMap<GPUDevice, Pipelines>()

/** The pipelines of a GPU device: compiled once, whoever asks for them. */
export function pipelinesOf(device: GPUDevice): Pipelines {
  const pipelines = ofDevices.get(device) ?? new Pipelines(device)
  ofDevices.set(device, pipelines)
  return pipelines
}

/** Compute pipelines by their source: all have one layout, so one bind group serves a whole program. */
export class Pipelines {
  readonly bindings: GPUBindGroupLayout
  private readonly device: GPUDevice
  private readonly layout: GPUPipelineLayout
  private readonly bySource = new Map<string, Promise<GPUComputePipeline>>()

  constructor(device: GPUDevice) {
    this.device = device
    const entry = (binding: number, buffer: GPUBufferBindingLayout): GPUBindGroupLayoutEntry => ({
      binding,
      visibility: ShaderStage.COMPUTE,
      buffer,
    })
    this.bindings = device.createBindGroupLayout({
      label: 'heap, call, iteration',
      entries: [
        entry(0, { type: 'storage' }),
        entry(1, { type: 'uniform', hasDynamicOffset: true }),
        entry(2, { type: 'uniform', hasDynamicOffset: true }),
      ],
    })
    this.layout = device.createPipelineLayout({ bindGroupLayouts: [this.bindings] })
  }

  /**
   * Compiles what is not compiled yet.
   * @throws RmaatError 'device' where the compiler refuses, with its words and the line
   */
  get(name: string, source: string): Promise<GPUComputePipeline> {
    const known = this.bySource.get(source)
    if (known) return known
    const pipeline = this.compile(name, source)
    this.bySource.set(source, pipeline)
    pipeline.catch(() => this.bySource.delete(source))
    return pipeline
  }

  private async compile(name: string, source: string): Promise<GPUComputePipeline> {
    const { device } = this
    device.pushErrorScope('validation')
    const module = device.createShaderModule({ label: name, code: source })
    const [refusal, { messages }] = await Promise.all([device.popErrorScope(), module.getCompilationInfo()])
    const errors = messages.filter(({ type }) => type === 'error')
    if (refusal || errors.length) {
      const lines = source.split('\n')
      const places = errors.map(
        ({ message, lineNum, linePos }) =>
          `line ${lineNum}, column ${linePos}: ${message}\n    ${lines[lineNum - 1]?.trim() ?? ''}`,
      )
      throw refused(name, places.join('\n  ') || refusal!.message)
    }
    try {
      return await device.createComputePipelineAsync({
        label: name,
        layout: this.layout,
        compute: { module, entryPoint: 'main' },
      })
    } catch (cause) {
      throw refused(name, (cause as Error).message, cause)
    }
  }
}

const refused = (name: string, words: string, cause?: unknown): RmaatError =>
  new RmaatError('device', `the GPU's compiler refuses the kernel ${name}:\n  ${words}`, { cause })
