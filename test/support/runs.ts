import { software } from './devices.ts'
import { isNode } from './runtime.ts'

/** Threads do what one does, bit for bit. */
const threads = (device: string): boolean => device.endsWith('threads')

/** A program that was not seen before costs it a hundred times what it costs WebAssembly: it compiles pipelines. */
export const isSlow = (device: string): boolean => software && device.startsWith('webgpu')

/** How many random cases a property is held on. */
export const runs = (count: number, device: string): number =>
  Math.ceil(count / (threads(device) || isSlow(device) ? 20 : isNode ? 1 : 4))
