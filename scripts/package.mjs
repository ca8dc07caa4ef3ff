// Makes dist/ depend on nothing: each library that it names is bundled into a file of its own, with its licence, and is
// named by its path. Also writes what a page's worker runs, as a file. `tsc -p tsconfig.build.json` runs before it.
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const files = readdirSync('dist', { recursive: true, encoding: 'utf8' }).map((name) => join('dist', name))
const ofCommand = (file) => file.startsWith(join('dist', 'cli') + sep)
const vendor = (file) => join('dist', ofCommand(file) ? 'cli' : '', 'vendor')
const pathTo = (from, to) => {
  const path = relative(dirname(from), to).replaceAll(sep, '/')
  return path.startsWith('.') ? path : `./${path}`
}

/** An import of a library: of names or of its default; or of names, later. */
const IMPORT = /^import (?:\{([^}]*)\}|(\w+)) from '([^.:']+)'|\{([^}]*)\} = await import\('([^.:']+)'\)/gm
/** What is imported of each library, by the file that will hold it. */
const libraries = new Map()
for (const file of files.filter((name) => name.endsWith('.js'))) {
  const text = readFileSync(file, 'utf8')
  const changed = text
    .replace(IMPORT, (whole, names, one, name, asked, later) => {
      const library = name ?? later
      const place = join(vendor(file), `${library.replace('/', '-')}.js`)
      const held = libraries.get(place) ?? { library, names: new Set(), node: ofCommand(file) }
      libraries.set(place, held)
      for (const wanted of one ? ['default'] : (names ?? asked).split(',')) held.names.add(wanted.trim())
      return whole.replace(`'${library}'`, `'${pathTo(file, place)}'`)
    })
    .replace(/(?<=\.resolve\(`)uplot\/dist(?=\/)/, pathTo(file, join(vendor(file), 'uplot')))
  if (changed !== text) writeFileSync(file, changed)
}

for (const [outfile, { library, names, node }] of libraries) {
  const { metafile } = await build({
    stdin: { contents: `export { ${[...names]} } from '${library}'`, resolveDir: '.' },
    outfile,
    bundle: true,
    format: 'esm',
    target: 'es2022',
    platform: node ? 'node' : 'browser',
    metafile: true,
  })
  const packages = Object.keys(metafile.inputs).flatMap((path) => /^node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path) ?? [])
  const licences = [...new Set(packages)].map((path) => `${path.slice(13)}:\n\n${licenceOf(path)}`)
  // a library of older modules asks for those of Node
  const require = "import { createRequire } from 'node:module'\nconst require = createRequire(import.meta.url)\n"
  const text = readFileSync(outfile, 'utf8')
  const head = text.includes('__require') ? require : ''
  writeFileSync(outfile, `/*!\n${licences.join('\n\n')}\n*/\n${head}${text}`)
}

function licenceOf(path) {
  const name = readdirSync(path).find((name) => /^licen[sc]e/i.test(name))
  return readFileSync(join(path, name), 'utf8').trim().replaceAll('*/', '* /')
}

// what `compare` writes into its page
const uplot = join('dist', 'cli', 'vendor', 'uplot')
mkdirSync(uplot, { recursive: true })
for (const name of ['dist/uPlot.min.css', 'dist/uPlot.iife.min.js', 'LICENSE'])
  cpSync(join('node_modules', 'uplot', name), join(uplot, name.replace('dist/', '')))

// what a page's threads run, where its policy forbids a blob
const [{ inPage }, { WORKER }] = await Promise.all(
  ['runtime/workers', 'backends/wasm/threads'].map((name) => import(`../dist/${name}.js`)),
)
writeFileSync('dist/worker.js', `${inPage(WORKER)}\n`)
writeFileSync('dist/worker.d.ts', 'export {}\n')

// the package has the kernels twice: as they are written, to be read, and here without comments and spaces that mean nothing
for (const file of files.filter((name) => name.endsWith('.wgsl.js'))) {
  const module = readFileSync(file, 'utf8')
  const short = module.replace(/(?<=^const text = )".*"(?=;$)/m, (text) => {
    const lines = JSON.parse(text)
      .replace(/\/\*[\s\S]*?\*\/|\/\/(?! STEPS$).*/gm, '') // a mark, for which the steps of a program are put
      .split('\n')
    // spaces beside a sign that is none with its neighbours; those of - and / are left, which would be
    const kept = lines.map((line) => line.trim().replace(/ ?([=,{}():;+]) ?/g, '$1')).filter(Boolean)
    return JSON.stringify(`${kept.join('\n')}\n`)
  })
  if (short === module) throw new Error(`${file} does not hold one text`)
  writeFileSync(file, short)
}

// one file imports what it is told: no file of this package, so what TypeScript adds to rewrite its name is of no use, and
// hides from bundlers that they should not follow it
const load = join('dist', 'runtime', 'load.js')
const direct = readFileSync(load, 'utf8')
  .replace(/^var __rewrite[\s\S]*?\n};/, (helper) => helper.replace(/.*/g, ''))
  .replace(/import\(__rewrite\w*\((.*)\)\)/, 'import($1)')
if (direct.includes('__rewrite')) throw new Error(`${load} is not what TypeScript made of it before`)
writeFileSync(load, direct)

// nothing can import the command; and what was built before it was compiled has no source worth a map
for (const file of files) {
  if (ofCommand(file) && /\.d\.ts(?:\.map)?$/.test(file)) rmSync(file)
  if (/modules\b.*\.map$/.test(file)) {
    rmSync(file)
    const text = readFileSync(file.slice(0, -4), 'utf8')
    writeFileSync(file.slice(0, -4), text.replace(/\/\/# sourceMappingURL=.*\s*$/, ''))
  }
}
