// Writes every kernels/*.wgsl as TypeScript text, so that the sources run unbundled in Node, Deno and browsers alike.
// Reads TypeScript: `node --import tsx scripts/build-kernels.mjs`.
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expressions } from '../src/backends/webgpu/expressions.ts'
import { scalarNames } from '../src/ops/rounded.ts'
import { writeFileAtomically } from '../src/runtime/files.ts'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const functions = ['math', 'division', 'sine'].map((name) => readFileSync(`kernels/${name}.wgsl`, 'utf8')).join('')
const missing = scalarNames.flatMap((name) =>
  expressions[name] || functions.includes(`\nfn op_${name}(`) ? [] : [`op_${name}`],
)
if (missing.length) {
  console.error(`kernels/ has no ${missing.join(', ')}, nor has src/backends/webgpu/expressions.ts their expressions`)
  process.exit(1)
}

for (const name of readdirSync('kernels').filter((name) => name.endsWith('.wgsl'))) {
  const source = readFileSync(`kernels/${name}`, 'utf8')
  await writeFileAtomically(
    `src/backends/webgpu/modules/${name}.ts`,
    // with a type, else the declaration repeats the text
    `// Built from kernels/${name} by scripts/build-kernels.mjs.\nconst text: string = ${JSON.stringify(source)}\nexport default text\n`,
  )
}
