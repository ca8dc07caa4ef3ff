import { workloadOf } from '../src/compare/step.ts'
import { compareDevices, type Device, models, openDevice } from '../src/index.ts'
import { trainedBits, trainedOn } from './bits.ts'
import type { Reply } from './messages.ts'
import type { Settings } from './settings.ts'
import { modelSettings, sizesOf } from './task.ts'

/** Enough of a step to meet every kernel in it, and small enough to check each of them. */
const SMALL = { segments: 2, batch: 4 }
/** Sizes grow until a run takes so many milliseconds. */
const LONGEST = 30

/** Compares the devices of this browser; the model is that of the settings, over two segments. */
export async function compareHere(settings: Settings, tell: (reply: Reply) => void): Promise<void> {
  const open: Device[] = []
  try {
    const wasm = await openDevice('wasm', { threads: settings.threads || undefined })
    open.push(wasm)
    const other = await openDevice(settings.device === 'webgpu' ? 'webgpu' : 'auto')
    open.push(other)
    const reference = await openDevice('reference')
    open.push(reference)
    const devices = other.name === 'webgpu' ? [wasm, other] : [wasm]
    const { segments, batch } = SMALL
    const sizes = { ...(await sizesOf(settings)), segments, segmentLength: settings.segmentLength }
    const config = models.rmaat.configure({ ...modelSettings(settings), ...sizes })
    const events = compareDevices(devices, reference, {
      parts: devices.length > 1 ? ['kernels', 'step', 'times'] : ['kernels', 'step'],
      workload: workloadOf({ name: 'rmaat', config }, sizes, batch),
      method: 'amrb',
      clip: 1,
      longest: LONGEST,
      progress: (what, done, total) => tell({ kind: 'comparing', words: `${what}: ${done} of ${total}` }),
    })
    tell({ kind: 'comparing', words: 'the same steps with plain SIMD' })
    tell({ kind: 'curve', device: 'wasm, plain SIMD', ...(await trainedBits(settings.threads || undefined)) })
    for (const device of devices) {
      tell({ kind: 'comparing', words: `the same steps on ${device.name}` })
      tell({ kind: 'curve', device: device.name, losses: (await trainedOn(device)).losses })
    }
    for await (const event of events) tell({ kind: 'compared', event })
  } finally {
    for (const device of open) device.close()
  }
}
