// Compiles assembly/ for every target of asconfig.json and writes each module as TypeScript text, so that the sources
// run unbundled in Node, Deno and browsers alike.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import asc from 'assemblyscript/asc'

const root = fileURLToPath(new URL('..', import.meta.url))
process.chdir(root)
const { targets } = JSON.parse(readFileSync('asconfig.json', 'utf8'))
mkdirSync('src/backends/wasm/modules', { recursive: true })

for (const [target, { outFile }] of Object.entries(targets)) {
  const { error, stderr } = await asc.main(['assembly/program.ts', '--config', 'asconfig.json', '--target', target])
  if (error) {
    console.error(stderr.toString())
    process.exit(1)
  }
  const text = join(root, outFile.replace(/\.wasm$/, '.wasm.ts'))
  const partial = text + '.partial'
  writeFileSync(
    partial,
    // with a type, else the declaration repeats the text
    `// Built from assembly/ by scripts/build-wasm.mjs.\nconst text: string = '${readFileSync(outFile).toString('base64')}'\nexport default text\n`,
  )
  renameSync(partial, text)
  rmSync(outFile)
}
