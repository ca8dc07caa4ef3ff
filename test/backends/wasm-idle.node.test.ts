import { spawnSync } from 'node:child_process'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

test('threads that wait burn no core, and do not keep the process alive', () => {
  const source = `
    const { compile, f32, openDevice } = await import('./src/index.ts')
    const device = await openDevice('wasm', { threads: 4 })
    const program = compile(device, { x: f32(400, 400) }, ({ x }) => ({ y: x.matmul(x) }))
    for (let i = 0; i < 3; i++) await program.run({ x: new Float32Array(160_000) })
    let least = Infinity
    // at first the engine may still be compiling
    for (let i = 0; i < 8 && least >= 100; i++) {
      const before = process.cpuUsage()
      await new Promise((resolve) => setTimeout(resolve, 500))
      const { user, system } = process.cpuUsage(before)
      least = Math.min(least, (user + system) / 1000)
    }
    process.stdout.write(String(least))
  `
  const args = ['--import', 'tsx', '--input-type=module', '--eval', source]
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 120_000 })
  assert.is(status, 0, stderr)
  assert.ok(Number(stdout) < 100, `${stdout} ms of 500`)
})

test.run()
