import { test } from 'uvu'
import { openDevice } from '../../src/backends/open.ts'
import { openWasm } from '../../src/backends/wasm/open.ts'
import { WebgpuBackend } from '../../src/backends/webgpu/backend.ts'
import { isSoftware, openAdapter, openWebgpu } from '../../src/backends/webgpu/open.ts'
import { Device } from '../../src/program/device.ts'
import { isNode } from './runtime.ts'

const adapter = await openAdapter().catch(() => undefined)
/** Whether WebGPU has an adapter here, and whether that is software. */
const gpu = adapter !== undefined
export const software = adapter === undefined || isSoftware(adapter)
/** Whether its kernels use subgroups. */
const subgroups = gpu && (await openWebgpu(await openAdapter()).then(withSubgroups))

function withSubgroups(backend: WebgpuBackend): boolean {
  backend.close()
  return backend.abilities.subgroup > 0
}

/** One GPU for all tests: a software adapter spends most of its time on compiling pipelines, which are the GPU's. */
function sharedGpu(subgroups: boolean): () => Promise<Device> {
  let opened: Promise<WebgpuBackend> | undefined
  return async () => {
    opened ??= openAdapter().then((adapter) => openWebgpu(adapter, subgroups))
    const { device, abilities, description } = await opened
    Object.defineProperty(device, 'destroy', { value: () => {}, configurable: true })
    return new Device(new WebgpuBackend(device, abilities, description))
  }
}

const all: Readonly<Record<string, () => Promise<Device>>> = {
  reference: () => openDevice('reference'),
  'wasm relaxed': () => openDevice('wasm', { instructionSet: 'relaxed', threads: 1 }),
  'wasm simd': () => openDevice('wasm', { instructionSet: 'simd', threads: 1 }),
  // with every kernel split, however small
  'wasm relaxed, 2 threads': async () =>
    new Device(await openWasm({ instructionSet: 'relaxed', threads: 2, grain: 0 })),
  'wasm simd, 3 threads': async () => new Device(await openWasm({ instructionSet: 'simd', threads: 3, grain: 0 })),
  webgpu: sharedGpu(true),
}
const isHere = (name: string): boolean => gpu || !name.startsWith('webgpu')

/**
 * The devices that every promise is held on. Other runtimes have Node's engine, which computes there as it does here: one build
 * with threads shows that they start it, and what they have of their own is their WebGPU.
 */
const elsewhere = ['reference', 'wasm relaxed, 2 threads', 'webgpu']
export const deviceNames: readonly string[] = isNode ? Object.keys(all) : elsewhere

type Devices = Readonly<Record<string, () => Promise<Device>>>
const open = (names: readonly string[]): Devices =>
  Object.fromEntries(names.filter(isHere).map((name) => [name, all[name]]))
/** Those of them that are here. */
export const held = open(deviceNames)
/** All that are here, by name. */
export const devices = open(Object.keys(all))

/** Each way that a kernel can be built, for tests of the kernels themselves. */
export const builds: Devices = {
  ...held,
  ...(subgroups ? { 'webgpu without subgroups': sharedGpu(false) } : {}),
}

/** Adds a test that needs this device; where it is not here, the test is counted as skipped. */
export const testOn = (name: string): typeof test | typeof test.skip => (isHere(name) ? test : test.skip)

/** Largest difference, relative to the largest element of the expected values. */
export function relativeError(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  let largest = 0
  let error = 0
  for (let i = 0; i < expected.length; i++) {
    largest = Math.max(largest, Math.abs(expected[i]))
    const difference = Math.abs(found[i] - expected[i])
    error = Math.max(error, Number.isNaN(difference) ? (Object.is(found[i], expected[i]) ? 0 : Infinity) : difference)
  }
  return error === 0 ? 0 : error / (largest || 1)
}
