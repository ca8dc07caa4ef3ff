import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { get } from 'node:http'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Runs the command until it ends, or says where it serves; yields what it said, and what is served there. */
async function demo(...args: string[]): Promise<{ said: string; page?: string }> {
  const child = spawn(process.execPath, ['scripts/demo.mjs', ...args], { cwd: root })
  const closed = once(child, 'close')
  let said = ''
  const served = new Promise<string>((resolve) => {
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text
        const [, address] = /open (\S+)/.exec(said) ?? []
        if (address) resolve(address)
      })
  })
  const address = await Promise.race([served, closed.then(() => undefined)])
  const page = address && (await (await fetch(address)).text())
  child.kill()
  await closed
  return { said, page }
}

test('without a word it serves the page at port 8080, or says that the port is taken', async () => {
  const { said, page } = await demo()
  if (page) assert.match(said, 'open http://localhost:8080/')
  else assert.match(said, /port 8080 cannot be had .*EADDRINUSE.*: --port N takes another/)
})

test('it serves the page at another port', async () => {
  const { page } = await demo('--port', '0')
  assert.match(page!, '<title>RMAAT')
})

test('an address that is none is not found, and ends nothing', async () => {
  const { serve } = await import(new URL('../../scripts/demo.mjs', import.meta.url).href)
  const server = await serve(`${root}demo`)
  const { port } = server.address()
  const ask = async (path: string): Promise<number | undefined> => {
    const [response] = await once(get({ port, path, host: '127.0.0.1' }), 'response')
    return response.resume().statusCode
  }
  try {
    for (const path of ['/%', '/%00', '/nothing', '/../package.json', '/%2e%2e/package.json', '/..%2fpackage.json'])
      assert.is(await ask(path), 404, path)
    for (const path of ['/', '//', '/index.html?steps=1#start', '/./index%2ehtml'])
      assert.is(await ask(path), 200, path)
  } finally {
    server.close()
  }
})

test('what it does not know is an error', async () => {
  assert.match((await demo('--port', 'http')).said, /'http' is invalid. A whole number up to 65535 is expected/)
  assert.match((await demo('--bild')).said, /unknown option '--bild'/)
})

test.run()
