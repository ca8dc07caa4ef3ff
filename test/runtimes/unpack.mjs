import { createReadStream, createWriteStream, existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { createBrotliDecompress } from 'node:zlib'

const packages = fileURLToPath(new URL('node_modules/', import.meta.url))
// goes with node_modules when another version is installed
const cache = join(packages, '.cache')

/** Whether @sparticuz/chromium has binaries for this machine. */
export const canUnpack = process.platform === 'linux' && process.arch === 'x64'

/** SwiftShader with a Vulkan loader: the folder, for LD_LIBRARY_PATH, and the driver's description. */
export async function swiftShader() {
  const folder = await unpack('swiftshader', ['swiftshader.tar.br'])
  return { folder, driver: join(folder, 'vk_swiftshader_icd.json') }
}

/** A headless Chromium with SwiftShader beside it, and the libraries that a bare system lacks. */
export async function bundledChromium() {
  const folder = await unpack('chromium', ['chromium.br', 'swiftshader.tar.br', 'al2023.tar.br'])
  return { executablePath: join(folder, 'chromium'), libraries: join(folder, 'lib') }
}

/** Unpacks archives of @sparticuz/chromium into a folder of the cache, once. */
async function unpack(name, archives) {
  const folder = join(cache, name)
  if (existsSync(folder)) return folder
  const { extract } = await import('tar-fs')
  await mkdir(cache, { recursive: true })
  const beside = await mkdtemp(join(cache, `${name}-`))
  try {
    for (const archive of archives) {
      const target = archive.endsWith('.tar.br')
        ? extract(beside)
        : createWriteStream(join(beside, archive.replace(/\.br$/, '')), { mode: 0o755 })
      const source = createReadStream(join(packages, '@sparticuz/chromium/bin', archive))
      await pipeline(source, createBrotliDecompress(), target)
    }
    await rename(beside, folder).catch((error) => {
      if (!existsSync(folder)) throw error // else another process was faster
    })
  } finally {
    await rm(beside, { recursive: true, force: true })
  }
  return folder
}
