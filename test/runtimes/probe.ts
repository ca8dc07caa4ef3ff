// Prints which WebGPU adapter Node or Deno finds; a process of its own, for drivers may crash and read their environment once.
import { reportAdapter } from './adapter.ts'

console.log(JSON.stringify(await reportAdapter()))
