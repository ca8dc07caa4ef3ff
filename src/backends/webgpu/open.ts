import { RmaatError } from '../../errors.ts'
import { gpuEntry, noAdapter } from '../../runtime/gpu.ts'
import { WebgpuBackend } from './backend.ts'

/** Features that kernels use where they are there. */
const wanted = ['subgroups', 'timestamp-query'] as const
/** Limits that are taken as high as the adapter has them. */
const raised = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxComputeWorkgroupStorageSize',
  'maxComputeWorkgroupsPerDimension',
] as const

/**
 * The adapter of the machine.
 * @throws RmaatError 'device' where there is none
 */
export async function openAdapter(entry: Promise<Pick<GPU, 'requestAdapter'>> = gpuEntry()): Promise<GPUAdapter> {
  const gpu = await entry
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' }).catch(refused('an adapter'))
  if (!adapter) throw new RmaatError('device', noAdapter())
  return adapter
}

const refused =
  (what: string) =>
  (cause: Error): never => {
    throw new RmaatError('device', `WebGPU refuses ${what}: ${cause.message}`, { cause })
  }

/** Whether an adapter computes on the CPU. */
export const isSoftware = ({ info }: GPUAdapter): boolean =>
  info.isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|basic render/i.test(Object.values(namesOf(info)).join(' '))

const namesOf = ({ vendor, architecture, device, description }: GPUAdapterInfo) => ({
  vendor,
  architecture,
  device,
  description,
})

/** The adapter's name, for people. */
export function nameOf(adapter: GPUAdapter): string {
  const { vendor, architecture, device, description } = namesOf(adapter.info)
  const name = description || [vendor, architecture, device].filter(Boolean).join(' ') || 'an adapter without a name'
  return isSoftware(adapter) ? `${name}, in software` : name
}

/** Takes an adapter, which can be used once. `subgroups` false leaves them alone. */
export async function openWebgpu(adapter: GPUAdapter, subgroups = true): Promise<WebgpuBackend> {
  const description = `WebGPU, ${nameOf(adapter)}`
  const requirements = {
    requiredFeatures: wanted.filter((feature) => adapter.features.has(feature)),
    requiredLimits: Object.fromEntries(raised.map((limit) => [limit, adapter.limits[limit]])),
  }
  const device = await adapter.requestDevice(requirements).catch(refused(`the adapter ${nameOf(adapter)} as a device`))
  const { subgroupMinSize, subgroupMaxSize } = adapter.info
  const steady = subgroups && device.features.has('subgroups') && subgroupMinSize === subgroupMaxSize
  const { maxStorageBufferBindingSize, maxBufferSize, maxComputeWorkgroupStorageSize } = device.limits
  const abilities = { subgroup: steady ? subgroupMinSize : 0, workgroupStorage: maxComputeWorkgroupStorageSize }
  return new WebgpuBackend(device, abilities, description, {
    adapter: nameOf(adapter),
    software: isSoftware(adapter),
    heapLimitBytes: Math.min(maxStorageBufferBindingSize, maxBufferSize),
    workgroupStorageBytes: maxComputeWorkgroupStorageSize,
    subgroups: abilities.subgroup || 'not used',
    timestampQueries: device.features.has('timestamp-query'),
  })
}
