import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

/** The folders of src/ that each folder may import from, itself aside. */
const below: Readonly<Record<string, readonly string[]>> = {
  tensor: [],
  ops: ['tensor'],
  autograd: ['ops', 'tensor'],
  program: ['ops', 'tensor'],
  runtime: [],
  backends: ['program', 'ops', 'tensor', 'runtime'],
  nn: ['autograd', 'program', 'ops', 'tensor'],
  optim: ['nn', 'autograd', 'program', 'ops', 'tensor'],
  tasks: ['runtime'],
  rmaat: ['nn', 'optim', 'autograd', 'program', 'ops', 'tensor', 'tasks'],
  baselines: ['rmaat', 'nn', 'optim', 'autograd', 'program', 'ops', 'tensor', 'tasks'],
  models: ['rmaat', 'baselines', 'nn', 'program', 'tasks'],
  train: ['nn', 'optim', 'autograd', 'program', 'ops', 'tensor', 'tasks'],
  compare: ['train', 'models', 'nn', 'optim', 'autograd', 'backends', 'program', 'ops', 'tensor', 'tasks'],
}
/** Folders that may import from all others. */
const top = ['cli']
/** What stands beside the folders, for all of them. */
const common = ['errors.ts', 'checks.ts', 'settings.ts']
/** The entries of the package. */
const entries = ['engine.ts', 'index.ts']
const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => path.endsWith('.ts') && !path.includes('/modules/'))
  .sort()

const textOf = (path: string): string => readFileSync(join(root, 'src', path), 'utf8')
const folderOf = (path: string): string => (path.includes('/') ? path.slice(0, path.indexOf('/')) : '')

/** Files of test/ by what they are, and what each needs of Node: modules, globals, the command line. */
const testFiles = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
  .map((path) => `test/${path.replaceAll('\\', '/')}`)
  .filter((path) => path.endsWith('.ts') && !path.includes('/node_modules/'))
interface Import {
  readonly from: string
  /** As it is written. */
  readonly name: string
  /** Within src/, of files of this repository. */
  readonly path: string | undefined
  readonly typeOnly: boolean
  /** Loaded when it is asked for. */
  readonly dynamic: boolean
}

/** The source without comments and without the insides of strings and templates. */
function codeOf(text: string): string {
  return text.replace(
    /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g,
    (piece) => {
      if (piece.startsWith('/')) return ''
      if (!piece.startsWith('`')) return "''"
      // what a template computes is code
      return [...piece.matchAll(/\$\{([^{}]*)\}/g)].map(([, code]) => `(${code})`).join('')
    },
  )
}

function importsOf(from: string, source = textOf(from)): Import[] {
  const text = source.replace(/\/\*[\s\S]*?\*\//g, '')
  const found = [
    ...text.matchAll(/^\s*(?:import|export)\s+(type\s)?([^'";]*?)\sfrom\s+'([^']+)'/gm),
    ...[...text.matchAll(/^\s*import\s+'([^']+)'/gm)].map(([all, name]) => [all, undefined, '', name]),
    ...[...text.matchAll(/\bimport\(\s*'([^']+)'\s*\)/g)].map(([all, name]) => [all, undefined, '', name]),
  ]
  return found.map(([all, type, names = '', name]) => {
    // `import { type A, type B } from`: gone when it runs
    const inner = /^\{([\s\S]*)\}$/.exec(names.trim())?.[1].split(',')
    const onlyTypes = inner?.every((one) => one.trim() === '' || one.trim().startsWith('type ')) ?? false
    return {
      from,
      name: name!,
      path: name!.startsWith('.') ? posix.normalize(posix.join(posix.dirname(from), name!)) : undefined,
      typeOnly: type !== undefined || onlyTypes,
      dynamic: all!.includes('import('),
    }
  })
}

const imports = files.flatMap((file) => importsOf(file))

test('there are files and imports to check', () => {
  assert.ok(files.length > 40)
  assert.ok(imports.filter(({ path }) => path === 'tensor/tensor.ts').length > 5)
  const folders = new Set(files.map(folderOf).filter((folder) => folder !== '' && !top.includes(folder)))
  for (const folder of folders) assert.ok(folder in below, `where does src/${folder}/ stand? Add it to the rule`)
})

test('every import leads to a file of this repository, or to a package', () => {
  for (const { from, name, path } of imports) {
    if (path === undefined || path.includes('/modules/')) continue
    assert.ok(files.includes(path), `${from} imports ${name}, which is not in src/`)
  }
})

test('imports run down', () => {
  const wrong: string[] = []
  for (const { from, path } of imports) {
    if (path === undefined || path.startsWith('../') || common.includes(path)) continue
    const [lower, upper] = [folderOf(path), folderOf(from)]
    if (entries.includes(from) || top.includes(upper) || lower === upper) continue
    if (!below[upper]?.includes(lower)) wrong.push(`${from} imports ${path}`)
  }
  assert.equal(wrong, [])
  assert.equal(
    imports.filter(({ from, path }) => common.includes(from) && !common.includes(path!)),
    [],
  )
})

test('no file is longer than 350 lines', () => {
  const long = [...files.map((file) => join('src', file)), ...testFiles].flatMap((file) => {
    const lines = readFileSync(join(root, file), 'utf8').split('\n').length - 1
    return lines > 350 ? [`${file}: ${lines}`] : []
  })
  assert.equal(long, [])
})

test('what trains, tests and compares knows no model', () => {
  for (const file of files.filter((file) => ['train', 'compare', 'cli'].includes(folderOf(file))))
    assert.not.match(codeOf(textOf(file)), /\b(?:Rmaat|BagOfTokens)\b/, file)
})

test('only the entries and cli/ name a backend', () => {
  const wrong = imports.filter(
    ({ from, path }) =>
      path?.startsWith('backends/') &&
      path !== 'backends/cursor.ts' && // no backend: the addresses of strided operands
      path !== 'backends/sizes.ts' && // nor this: how long a block of a sum is
      !['backends', 'cli'].includes(folderOf(from)) &&
      !entries.includes(from),
  )
  assert.equal(
    wrong.map(({ from, path }) => `${from} imports ${path}`),
    [],
  )
  // a backend does not know the others
  for (const { from, path } of imports) {
    const [, own, ...rest] = from.split('/')
    const [folder, other, ...more] = path?.split('/') ?? []
    if (folderOf(from) !== 'backends' || folder !== 'backends' || rest.length === 0 || more.length === 0) continue
    assert.is(other, own, `${from} imports ${path}`)
  }
})

test('the entry engine.ts reaches no model, task, trainer or command, and no package', () => {
  const reached = new Set<string>()
  const packages = new Set<string>()
  const walk = (file: string): void => {
    if (reached.has(file)) return
    reached.add(file)
    for (const { name, path } of imports.filter(({ from }) => from === file)) {
      if (path === undefined) packages.add(name)
      else if (files.includes(path)) walk(path)
    }
  }
  walk('engine.ts')
  const engine = ['', 'autograd', 'backends', 'nn', 'ops', 'optim', 'program', 'runtime', 'tensor']
  assert.equal([...new Set([...reached].map(folderOf))].sort(), engine)
  assert.equal(
    [...packages].filter((name) => !name.startsWith('node:')),
    [],
  )
})

test('no file imports itself by way of others', () => {
  const next = new Map(
    files.map((file) => [
      file,
      imports.filter(({ from, path, typeOnly }) => from === file && path && !typeOnly).map(({ path }) => path!),
    ]),
  )
  const done = new Set<string>()
  const walk = (file: string, way: readonly string[]): void => {
    assert.not.ok(way.includes(file), [...way.slice(way.indexOf(file)), file].join(' -> '))
    if (done.has(file)) return
    for (const other of next.get(file) ?? []) walk(other, [...way, file])
    done.add(file)
  }
  for (const file of files) walk(file, [])
})

test('only runtime/ and cli/ know where they run', () => {
  const wrong: string[] = []
  for (const file of files) {
    if (['runtime', 'cli'].includes(folderOf(file))) continue
    for (const { name } of imports.filter(({ from }) => from === file))
      if (name.startsWith('node:')) wrong.push(`${file} imports ${name}`)
    // as a global, not as a property or a key of that name
    for (const [word] of codeOf(textOf(file)).matchAll(
      /(?<![\w$.])(?:process|Deno|window|navigator)(?![\w$]|\s*[:?(])/g,
    ))
      wrong.push(`${file} names ${word}`)
    for (const [word] of codeOf(textOf(file)).matchAll(/globalThis\s*\??\.\s*(?:process|Deno|window|navigator)\b/g))
      wrong.push(`${file} names ${word}`)
  }
  assert.equal(wrong, [])
})

test('the words are found in code, and not in comments, strings and names', () => {
  const globals = (text: string) => [
    ...codeOf(text).matchAll(/(?<![\w$.])(?:process|Deno|window|navigator)(?![\w$]|\s*[:?(])/g),
  ]
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the source of a template
  assert.is(globals('process.exit(1); const a = [navigator.gpu]; `${process.pid}`').length, 3)
  assert.is(globals("// process\n/* window */ 'Deno' ; x.process ; processes ; ({ window: 1 })").length, 0)
})

const nodeTests = testFiles.filter((path) => path.endsWith('.node.test.ts'))
const otherTests = testFiles.filter((path) => path.endsWith('.test.ts') && !nodeTests.includes(path))

function needsOfNode(file: string, seen = new Set<string>()): string[] {
  if (seen.has(file)) return []
  seen.add(file)
  const text = readFileSync(join(root, file), 'utf8')
  const globals = codeOf(text).matchAll(/(?<![\w$.])(?:process|Buffer|__dirname|require)(?![\w$]|\s*[:?])/g)
  return [
    ...[...globals].map(([word]) => `${file} names ${word}`),
    ...importsOf(file, text).flatMap(({ dynamic, name, path, typeOnly }) => {
      if (dynamic || typeOnly) return []
      if (name.startsWith('node:') || path?.startsWith('src/cli/')) return [`${file} imports ${name}`]
      return path?.startsWith('test/') ? needsOfNode(path, seen) : []
    }),
  ]
}

test('every public name has a docstring', () => {
  const silent: string[] = []
  let count = 0
  const visit = (file: string, wanted?: ReadonlySet<string>): void => {
    const text = textOf(file)
    for (const [, names, from] of text.matchAll(/^export (?:type )?\{([^}]*)\} from '([^']+)'/gm)) {
      const own = names.split(',').flatMap(
        (name) =>
          name
            .trim()
            .replace(/^type /, '')
            .split(' as ')[0] || [],
      )
      const asked = own.filter((name) => !wanted || wanted.has(name))
      if (asked.length) visit(posix.join(posix.dirname(file), from), new Set(asked))
    }
    for (const [, from] of text.matchAll(/^export \* from '([^']+)'/gm)) visit(posix.join(posix.dirname(file), from))
    for (const name of wanted ?? []) {
      const found = new RegExp(`(\\*/\\n(?://.*\\n)?)?^export [a-z* ]*\\b${name}\\b`, 'm').exec(text)
      if (!found) continue // handed on, and looked at there
      count++
      if (!found[1]) silent.push(`${name} in ${file}`)
    }
  }
  visit('index.ts')
  assert.equal(silent, [])
  assert.ok(count > 100, `${count} names`)
})

test('test files run everywhere, but for those that need Node and say so in their names', () => {
  assert.ok(otherTests.length > 20)
  assert.equal(
    otherTests.flatMap((file) => needsOfNode(file)),
    [],
  )
  for (const file of nodeTests) assert.ok(needsOfNode(file).length > 0, `${file} needs nothing of Node: rename it`)
})

test.run()
