// Installs and builds what is missing or older than its sources; does nothing the second time. Needs Node and npm alone.
// `node scripts/setup.mjs tests` also installs what the tests run in, `... package` what those of the package need, `... peers`
// what the benchmarks compare with, `... site` what the documentation is built with.
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const at = (...path) => join(root, ...path)
const time = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0)
const run = (why, command, cwd = root) =>
  new Promise((resolve, reject) => {
    console.error(`${why}: ${command}`)
    // stdout belongs to the command that follows: what `npm run -s rmaat -- --json` prints must stay readable
    spawn(command, { cwd, stdio: ['ignore', process.stderr, process.stderr], shell: true })
      .on('error', reject)
      .on('close', (code) => (code === 0 ? resolve() : reject(new Error(`${command} ended with ${code}`))))
  })
const install = async (what, folder) => {
  if (time(join(folder, 'node_modules/.package-lock.json')) >= time(join(folder, 'package-lock.json'))) return
  await run(`installing ${what}`, 'npm ci --no-audit --no-fund --loglevel=error', folder)
}

// the sources are loaded by module.register; what is built and packed runs in any Node 20
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 6)) {
  console.error(`Node ${process.versions.node} is too old: 20.6 or newer is needed`)
  process.exit(2)
}
await install('the dependencies', root)

const namesOf = (folder, end) =>
  readdirSync(at(folder))
    .filter((name) => name.endsWith(end))
    .map((name) => `${folder}/${name}`)
/** Builds where something that the script makes is older than it, the table of operations, or another source. */
const build = async (what, script, sources, made) => {
  const newest = Math.max(
    ...[script, 'src/ops/rounded.ts', 'src/ops/scalar.ts', ...sources].map((path) => time(at(path))),
  )
  if (made.some((path) => time(at(path)) < newest))
    await run(`building the ${what} kernels`, `node --import tsx ${script}`)
}

const { targets } = JSON.parse(readFileSync(at('asconfig.json'), 'utf8'))
const shared = ['sizes', 'wasm/codes', 'wasm/control', 'wasm/opcodes', 'wasm/text'].map(
  (name) => `src/backends/${name}.ts`,
)
const buildWasm = () =>
  build(
    'WASM',
    'scripts/build-wasm.mjs',
    ['asconfig.json', ...shared, ...namesOf('assembly', '.ts')],
    Object.values(targets).map(({ outFile }) => outFile.replace(/\.wasm$/, '.wasm.ts')),
  )
const kernels = namesOf('kernels', '.wgsl')
const buildKernels = () =>
  build(
    'GPU',
    'scripts/build-kernels.mjs',
    kernels,
    kernels.map((path) => path.replace('kernels/', 'src/backends/webgpu/modules/') + '.ts'),
  )
const more = {
  tests: () => install('what the tests run in', at('test/runtimes')),
  package: () => install('what the tests of the package need', at('test/package')),
  site: () => install('what the documentation is built with', at('site')),
  peers: () => install('the libraries that the benchmarks compare with', at('bench/peers')),
}
// what waits for the network, and what computes
await Promise.all([buildWasm, buildKernels, ...process.argv.slice(2).map((name) => more[name])].map((start) => start()))
