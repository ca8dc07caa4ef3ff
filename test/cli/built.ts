import { execFileSync } from 'node:child_process'
import { cpSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { temporaryFolder } from './run.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** The command as plain JavaScript, in a folder that `remove` takes away: it starts in a third of the time. */
export function buildCommand(): { main: string; remove: () => void } {
  const { path, remove } = temporaryFolder()
  execFileSync(process.execPath, [
    join(root, 'node_modules/typescript/lib/tsc.js'),
    ...['-p', join(root, 'tsconfig.build.json'), '--noCheck', '--declaration', 'false', '--declarationMap', 'false'],
    ...['--outDir', path('dist')],
  ])
  cpSync(join(root, 'package.json'), path('package.json'))
  symlinkSync(join(root, 'node_modules'), path('node_modules'), 'junction')
  return { main: path('dist/cli/main.js'), remove }
}
