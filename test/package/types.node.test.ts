import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { methods } from '../../src/ops/methods.ts'
import { project, root, runIn, tool } from './project.ts'

/** A project that is bundled for browsers, and one for Node, without the types of a browser. */
const projects = {
  bundler: { module: 'esnext', types: [] },
  nodenext: { module: 'nodenext', types: ['node'], typeRoots: [join(root, 'node_modules/@types')], lib: ['es2022'] },
}

for (const compiler of ['typescript-oldest', 'typescript-newest'])
  for (const [moduleResolution, options] of Object.entries(projects))
    for (const strictest of [false, true])
      test(`types: ${compiler}, ${moduleResolution}, ${strictest ? 'the strictest' : 'strict'}`, () => {
        const more = { exactOptionalPropertyTypes: strictest, noUncheckedIndexedAccess: strictest }
        const strict = { strict: true, skipLibCheck: false, ...more }
        const compilerOptions = { ...options, ...strict, target: 'es2022', moduleResolution, noEmit: true }
        // the program, and every declaration that it reaches
        writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['program.ts'] }))
        runIn(project, [process.execPath, tool(`${compiler}/bin/tsc`)!])
      })

/** What else is called or read in every program, by the letter of a value of it below. */
const others = [
  ...['name', 'backend', 'variable', 'write', 'readVariable', 'delete', 'close'].map((name) => `d.${name}`),
  ...['device', 'plan', 'memory', 'run', 'arrays', 'profile', 'toString', 'close'].map((name) => `p.${name}`),
  ...['steps', 'batch', 'rate', 'clip', 'seed', 'trace', 'signal'].map((name) => `o.${name}`),
]

test('an editor shows the docstring of every method', () => {
  const ts = createRequire(import.meta.url)(tool('typescript-oldest/lib/typescript.js')!)
  const file = join(project, 'hover.ts')
  const head =
    "import type { Device, Program, Tensor, TrainOptions } from 'rmaat'\n" +
    'declare const x: Tensor, d: Device, p: Program, o: TrainOptions\n'
  const own = [...Object.keys(methods), 'id', 'op', 'inputs', 'attributes', 'shape', 'dtype', 'device', 'rank']
  const names = [...own.map((name) => `x.${name}`), ...others]
  const text = head + names.map((name) => `${name}\n`).join('')
  writeFileSync(file, text)
  const service = ts.createLanguageService({
    ...ts.sys,
    useCaseSensitiveFileNames: () => ts.sys.useCaseSensitiveFileNames,
    getCurrentDirectory: () => project,
    getCompilationSettings: () => ({ target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.NodeNext, types: [] }),
    getDefaultLibFileName: ts.getDefaultLibFilePath,
    getScriptFileNames: () => [file],
    getScriptVersion: () => '1',
    getScriptSnapshot: (path: string) =>
      ts.sys.fileExists(path) ? ts.ScriptSnapshot.fromString(readFileSync(path, 'utf8')) : undefined,
  })
  const silent = names.filter((name) => {
    const info = service.getQuickInfoAtPosition(file, text.indexOf(`\n${name}\n`) + 3)
    return ts.displayPartsToString(info?.documentation).length < 10
  })
  assert.equal(silent, [])
})

test.run()
