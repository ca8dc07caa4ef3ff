import { fileURLToPath } from 'node:url'
import { createContext, runInContext } from 'node:vm'
import { build } from 'esbuild'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

type Engine = typeof import('../../src/engine.ts')

/** The engine in a context that has JavaScript alone and forbids to compile WebAssembly, as some hosts of functions do. */
async function bareEngine(): Promise<Engine> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('../../src/engine.ts', import.meta.url))],
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'engine',
    target: 'es2022',
    external: ['node:*'],
    ignoreAnnotations: true,
    logLevel: 'error',
  })
  const known = { TextDecoder, performance, setTimeout, clearTimeout, queueMicrotask, console }
  const context = createContext(known, { codeGeneration: { strings: true, wasm: false } })
  return runInContext(`${outputFiles[0].text}\nengine`, context) as Engine
}

test('a host that has neither WebAssembly nor WebGPU is no page: it says so, and auto computes in plain TypeScript', async () => {
  const { openDevice, read, tensor } = await bareEngine()
  const refusal = async (name: 'wasm' | 'webgpu'): Promise<string> => {
    const error = await openDevice(name).catch((error: Error) => error)
    return 'message' in error ? error.message : 'none'
  }
  const [noWasm, noGpu] = [await refusal('wasm'), await refusal('webgpu')]
  assert.is(noWasm, "this host forbids to compile WebAssembly while a program runs; the device 'reference' needs none")
  assert.is(noGpu, 'this host has no WebGPU')
  const device = await openDevice('auto')
  assert.is(device.backend.name, 'reference')
  assert.ok(device.backend.description!.includes(noWasm) && device.backend.description!.includes(noGpu))
  const [values] = await read(device, tensor([1, 2, 3]).square())
  assert.equal(Array.from(values), [1, 4, 9])
})

test.run()
