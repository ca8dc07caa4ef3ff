import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { END, runChild, startChild } from './child.mjs'
import { canUnpack, swiftShader } from './unpack.mjs'

const packages = fileURLToPath(new URL('node_modules/', import.meta.url))
const others = fileURLToPath(new URL('../package/node_modules/', import.meta.url))

/** Node, on the sources by way of tsx. */
export async function node() {
  const args = ['--import', 'tsx', '--import', new URL('polling.mjs', import.meta.url).href]
  return { name: `Node ${process.versions.node}`, ...(await runtime(process.execPath, args)) }
}

/**
 * The oldest Node that the package promises to run in, on the sources by way of a loader. Each file has a process of its
 * own (`once`): of every worker thread there, ended or not, a thread of the loader stays.
 */
export async function oldest() {
  const loader = new URL('loader.mjs', import.meta.url)
  return { ...(await otherNode('node-oldest', ['--no-warnings', '--loader', loader.href])), once: true }
}

/** The newest Node that npm serves. */
export const newest = () => otherNode('node-newest', ['--import', 'tsx'])

/** A Node of the npm packages, which are for Linux on x64. */
async function otherNode(folder, args, env) {
  const binary = join(others, folder, 'bin/node')
  const { output, end } = await runChild(binary, ['--version'])
  const version = /^v(\S+)/.exec(output)?.[1]
  if (!version) return { name: `Node (${folder})`, missing: `${binary} ${end ?? 'says no version'}` }
  return { name: `Node ${version}`, ...(await runtime(binary, args, { ...env, OTHER_NODE: version })) }
}

/** Deno, on the sources as they are, with the packages of the root. */
export async function deno() {
  const env = { DENO_DIR: join(packages, '.cache/deno'), DENO_NO_UPDATE_CHECK: '1' }
  // this puts the binary into its place where its install script did not run
  const { output, end } = await runChild(process.execPath, [join(packages, 'deno/bin.cjs'), '--version'], { env })
  const version = /^deno (\S+)/.exec(output)?.[1]
  if (!version) return { name: 'Deno', missing: `the npm package deno ${end ?? 'says no version'}` }
  const binary = join(packages, 'deno', process.platform === 'win32' ? 'deno.exe' : 'deno')
  const args = ['run', '-A', '--no-lock', '--node-modules-dir=manual', '--import-map=test/runtimes/imports.json']
  return { name: `Deno ${version}`, ...(await runtime(binary, args, env)) }
}

async function runtime(command, args, fixed = {}) {
  const { adapter, env } = await chooseAdapter(async (env) => {
    const run = await runChild(command, [...args, 'test/runtimes/probe.ts'], { env: { ...fixed, ...env } })
    try {
      return JSON.parse(run.output.trim().split('\n').at(-1))
    } catch {
      return { found: false, text: `looking for an adapter ${run.end ?? 'said nothing'}`, software: false }
    }
  })
  const start = () => startHost(command, [...args, 'test/runtimes/host.mjs'], { ...fixed, ...env })
  return { adapter, start }
}

/** A process that runs test files. */
function startHost(command, args, env) {
  let [output, isOver, finished] = ['', false, undefined]
  const child = startChild(command, args, env, (text) => {
    output += text
    if (output.includes(END)) finished?.()
  })
  child.ended.then(() => {
    isOver = true
    finished?.()
  })
  return {
    /** What the file says, and how the process ended where it did. */
    async run(name) {
      output = ''
      child.stdin.write(`${name}\n`)
      await new Promise((resolve) => {
        finished = resolve
        if (isOver) resolve()
      })
      finished = undefined
      if (isOver) return { output, end: (await child.ended) ?? 'ended before its tests did' }
      return { output: output.replace(END, '') }
    },
    /** Lets it end; yields how it did. */
    close() {
      child.stdin.end()
      return child.ended
    },
  }
}

/** The adapter of real hardware where there is one, or what the environment asks for, else SwiftShader, else any other. */
async function chooseAdapter(probe) {
  const plain = { adapter: await probe({}), env: {} }
  const wanted = process.env.VK_ICD_FILENAMES ?? process.env.VK_DRIVER_FILES
  if (!canUnpack || (plain.adapter.found && (wanted || !plain.adapter.software))) return plain
  const { folder, driver } = await swiftShader()
  const paths = [folder, process.env.LD_LIBRARY_PATH].filter(Boolean).join(':')
  const env = { LD_LIBRARY_PATH: paths, VK_ICD_FILENAMES: driver }
  const software = { adapter: await probe(env), env }
  return software.adapter.found ? software : plain
}
