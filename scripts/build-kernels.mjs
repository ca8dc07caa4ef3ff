// Writes every kernels/*.wgsl as TypeScript text, so that the sources run unbundled in Node, Deno and browsers alike.
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const modules = join(root, 'src/backends/webgpu/modules')
mkdirSync(modules, { recursive: true })

for (const name of readdirSync(join(root, 'kernels')).filter((name) => name.endsWith('.wgsl'))) {
  const text = join(modules, name + '.ts')
  // several may build at once: each writes beside and renames into place
  const partial = `${text}.${process.pid}.partial`
  const source = readFileSync(join(root, 'kernels', name), 'utf8')
  writeFileSync(
    partial,
    // with a type, else the declaration repeats the text
    `// Built from kernels/${name} by scripts/build-kernels.mjs.\nconst text: string = ${JSON.stringify(source)}\nexport default text\n`,
  )
  renameSync(partial, text)
}
