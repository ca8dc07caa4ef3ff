import { execSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../', import.meta.url))
/** A file of a package that these tests need; undefined where it has none for this system. */
export const tool = (path: string): string | undefined =>
  ['test/package', 'test/runtimes', '.']
    .map((folder) => join(root, folder, 'node_modules', path))
    .find((file) => existsSync(file))

/** Builds the package, packs it, and installs it into a new project outside the repository. */
function install() {
  const folder = mkdtempSync(join(tmpdir(), 'rmaat-package-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const npm = (command: string, cwd: string): void => {
    execSync(`npm ${command} --loglevel=error`, { cwd, stdio: ['ignore', 2, 2] })
  }
  npm(`pack --pack-destination ${folder}`, root)
  const tarball = join(folder, readdirSync(folder)[0])
  const project = join(folder, 'project')
  mkdirSync(project)
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'project', private: true, type: 'module' }))
  npm(`install ${tarball} --no-audit --no-fund --prefer-offline`, project)
  for (const name of ['train.js', 'engine.js', 'program.ts'])
    cpSync(join(root, 'test/package', name), join(project, name))
  return { tarball, project, installed: join(project, 'node_modules/rmaat') }
}

export const { tarball, project, installed } = install()

/** Runs a command in the project; fails, with all it has said, where it does. */
export function runIn(cwd: string, command: readonly string[]): string {
  const [file, ...args] = command
  const { status, error, stdout, stderr } = spawnSync(file, args, { cwd, encoding: 'utf8', timeout: 300_000 })
  if (status !== 0) throw new Error(`${command.join(' ')}: ${error?.message ?? status}\n${stdout}${stderr}`)
  return stdout
}
