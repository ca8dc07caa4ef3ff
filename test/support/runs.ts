import { software } from './devices.ts'

/** Threads do what one does, bit for bit. */
const threads = (device: string): boolean => device.endsWith('threads')

/**
 * How many random cases a property is held on. A program that was not seen before costs a GPU without hardware some hundred
 * times what it costs WebAssembly: nearly all of it goes into compiling its pipelines.
 */
export const runs = (count: number, device: string): number =>
  threads(device) || (software && device.startsWith('webgpu')) ? Math.ceil(count / 20) : count
