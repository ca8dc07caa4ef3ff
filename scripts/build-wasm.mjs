// Compiles assembly/ for every target of asconfig.json and writes each module as TypeScript text, so that the sources
// run unbundled in Node, Deno and browsers alike. First it writes what AssemblyScript needs of the scalar operations.
// Reads TypeScript: `node --import tsx scripts/build-wasm.mjs`.
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import asc from 'assemblyscript/asc'
import { codes, pairs } from '../src/backends/wasm/codes.ts'
import { textOf } from '../src/backends/wasm/text.ts'
import { scalars } from '../src/ops/scalar.ts'
import { writeFileAtomically } from '../src/runtime/files.ts'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
mkdirSync('src/backends/wasm/modules', { recursive: true })
await writeFileAtomically('assembly/generated/scalars.ts', scalarText())

const { targets } = JSON.parse(readFileSync('asconfig.json', 'utf8'))
for (const [target, { outFile }] of Object.entries(targets)) {
  const { error, stderr } = await asc.main(['assembly/program.ts', '--config', 'asconfig.json', '--target', target])
  if (error) {
    console.error(stderr.toString())
    process.exit(1)
  }
  await writeFileAtomically(
    outFile.replace(/\.wasm$/, '.wasm.ts'),
    // with a type, else the declaration repeats the text
    `// Built from assembly/ by scripts/build-wasm.mjs.\nconst text: string = ${JSON.stringify(textOf(readFileSync(outFile)))}\nexport default text\n`,
  )
  rmSync(outFile)
}

/** Each scalar operation as a class, and the switch of the interpreter. */
function scalarText() {
  const classOf = (name) => name[0].toUpperCase() + name.slice(1)
  const map = (operands, type) =>
    operands === 1
      ? `map1<${type}>(to, a, bytes)`
      : `map${operands}<${type}>(step, to, ${listed(operands)}, bytes, rows)`
  const listed = (count) => ['a', 'b', 'c'].slice(0, count).join(', ')
  const pair = (first, second) => {
    if (second !== 'from' && scalars[second].ranges.length === 1)
      return map(2, `Then<${classOf(first)}, ${classOf(second)}>`)
    return map(3, `Pair<${classOf(first)}, ${classOf(second)}>`)
  }
  // the random numbers of neighbours are made together
  const { philox, ...others } = scalars
  const calls = [
    ['philox', 'random(to, a, b, c, word(step, op.IMMEDIATE), word(step, op.IMMEDIATE + 1), bytes)'],
    ...Object.entries(others).map(([name, { ranges }]) => [name, map(ranges.length, classOf(name))]),
    ...pairs.map((name) => [name, pair(...name.split(' '))]),
  ]
  const cases = calls.map(([name, call]) => `    case ${codes[name]}: // ${name}\n      return ${call}\n`)
  const classes = Object.entries(others).map(
    ([name, { ranges, simd = `math.${name}(${listed(ranges.length)})` }]) => `
export class ${classOf(name)} {
  // @ts-ignore: decorator
  @inline
  of(${listed(ranges.length).replace(/\w/g, '$&: v128')}): v128 {
    return ${simd}
  }
}
`,
  )
  return `// Built from src/ops/scalar.ts by scripts/build-wasm.mjs.
import * as op from '../../src/backends/wasm/opcodes'
import * as math from '../math'
import { random } from '../philox'
import { word } from '../place'
import { From, map1, map2, map3, Pair, Then } from '../scalar'

/** The step's operation over rows of so many bytes, in whole groups of four lanes. */
export function apply(step: usize, to: usize, a: usize, b: usize, c: usize, bytes: i32, rows: i32): void {
  switch (word(step, 0)) {
${cases.join('')}    default:
      unreachable()
  }
}
${classes.join('')}`
}
