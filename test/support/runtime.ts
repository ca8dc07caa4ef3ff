/** Other runtimes compute with the same code: there a part of what is held in Node is enough. */
export const isNode = 'process' in globalThis && !('Deno' in globalThis)
