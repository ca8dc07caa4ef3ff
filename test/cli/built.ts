import { execFileSync } from 'node:child_process'
import { cpSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** The command as plain JavaScript, in a new folder; yields its main file. It starts in a third of the time. */
export function buildCommand(folder: string): string {
  execFileSync(process.execPath, [
    join(root, 'node_modules/typescript/lib/tsc.js'),
    ...['-p', join(root, 'tsconfig.build.json'), '--noCheck', '--declaration', 'false', '--declarationMap', 'false'],
    ...['--outDir', join(folder, 'dist')],
  ])
  cpSync(join(root, 'package.json'), join(folder, 'package.json'))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction')
  return join(folder, 'dist/cli/main.js')
}
