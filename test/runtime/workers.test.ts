import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { coreCount, startWorker, whyAlone } from '../../src/runtime/workers.ts'
import { fails } from '../support/fails.ts'

const never = (reason: string): void => {
  throw new Error(`it ended: ${reason}`)
}

test('a worker has what it was given, and memory in common', async () => {
  const words = new Int32Array(new SharedArrayBuffer(8))
  const source = `({ words }, say) => {
    say('ready')
    Atomics.wait(words, 0, 0)
    Atomics.store(words, 1, 41 + Atomics.load(words, 0))
    Atomics.notify(words, 1)
  }`
  const worker = await startWorker(source, { words }, 20, never)
  Atomics.store(words, 0, 1)
  Atomics.notify(words, 0)
  Atomics.wait(words, 1, 0, 5000)
  assert.is(words[1], 42)
  worker.terminate()
})

test('one that fails before it is ready is an error, one that fails later tells why', async () => {
  const alive = setInterval(() => {}, 1000) // workers do not keep the process alive
  await fails('device', /a worker does not start: .*no luck/, () =>
    startWorker(`() => { throw new Error('no luck') }`, {}, 20, never),
  )
  const words = new Int32Array(new SharedArrayBuffer(4))
  const late = `({ words }, say) => {
    say('ready')
    Atomics.wait(words, 0, 0)
    throw new Error('too late')
  }`
  const reason = await new Promise<string>((resolve, reject) => {
    startWorker(late, { words }, 20, resolve).then(() => {
      Atomics.store(words, 0, 1)
      Atomics.notify(words, 0)
    }, reject)
  })
  assert.match(reason, /too late/)
  clearInterval(alive)
})

test('one that never gets ready is an error', async () => {
  // it waits and does not turn round: Deno ends neither before the process does
  const silent = '() => { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0) }'
  await fails('device', /a worker does not start: it has said nothing for 0.2 seconds/, () =>
    startWorker(silent, {}, 0.2, never),
  )
})

test('the machine has cores, and tests run where threads may wait', async () => {
  assert.ok((await coreCount()) >= 1)
  assert.is(whyAlone(), undefined)
})

test.run()
