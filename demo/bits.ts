import { type Device, models, openDevice, tasks, train } from '../src/index.ts'

const STEPS = 20

/** Trains RMAAT on recall for twenty steps: the losses, and the SHA-256 of the weights. */
export async function trainedOn(device: Device): Promise<{ losses: number[]; hash: string }> {
  const task = tasks.cue({ segments: 4, segmentLength: 4 })
  const { segments, segmentLength, vocabulary, classes } = task
  const model = models.rmaat.make(device, { segments, segmentLength, vocabulary, classes, width: 32 })
  const losses: number[] = []
  for await (const event of train(model, task, { steps: STEPS, batch: 16 }))
    if (event.kind === 'step') losses.push(event.loss)
  const weights = (await device.readVariable(model.parameters.variable)) as Float32Array<ArrayBuffer>
  model.close()
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', weights))
  return { losses, hash: Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('') }
}

/** The same on the CPU with plain SIMD, whose results the standard fixes to the bit. */
export async function trainedBits(threads?: number): Promise<{ losses: number[]; hash: string }> {
  const device = await openDevice('wasm', { instructionSet: 'simd', threads })
  return trainedOn(device).finally(() => device.close())
}
