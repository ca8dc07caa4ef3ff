// The libraries that are compared with. They are a package of their own, installed when a suite first asks for them.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { jax } from './jax.ts'
import { onnx } from './onnx.ts'
import type { Peer } from './peer.ts'
import { tfjs } from './tfjs.ts'

let opened: Promise<readonly Peer[]> | undefined

/** None where they cannot be installed; that is said once, and the suites go on without. */
export function openPeers(): Promise<readonly Peer[]> {
  opened ??= open()
  return opened
}

async function open(): Promise<readonly Peer[]> {
  const setup = fileURLToPath(new URL('../../scripts/setup.mjs', import.meta.url))
  const { status } = spawnSync(process.execPath, [setup, 'peers'], { stdio: ['ignore', 'ignore', 'inherit'] })
  if (status !== 0) {
    console.error('The libraries to compare with could not be installed (see above): no comparison with them.')
    return []
  }
  const peers: Peer[] = []
  for (const one of [tfjs, onnx, jax]) {
    try {
      peers.push(await one())
    } catch (error) {
      console.error(`No comparison with ${one.name}: ${(error as Error).message}`)
    }
  }
  return peers
}
