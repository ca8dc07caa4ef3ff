import { Command, InvalidArgumentError } from 'commander'
import { RmaatError } from '../errors.ts'
import type { Device } from '../program/device.ts'
import { type TensorCheck, tolerances, verify } from '../rmaat/golden.ts'
import { readBytes } from '../runtime/files.ts'
import { givenSettings } from './given.ts'
import { typed } from './paths.ts'
import { table } from './plot.ts'
import { openAndSay } from './prepare.ts'
import { addSettings } from './settings.ts'
import { jsonLine, notice, plural, say, scientific } from './terminal.ts'

interface Options {
  readonly tolerance?: number
  readonly json?: boolean
}

export const verifyCommand = (): Command =>
  addSettings(
    new Command('verify')
      .summary('recompute values that were computed elsewhere')
      .description(
        'Recomputes files of values computed elsewhere: logits, loss and every gradient, by bptt and by amrb; or the simulation of the macro model. Exit code 1 past the tolerance.',
      ),
    'Computing:',
    ['device', 'threads'],
  )
    .argument('<files...>', 'safetensors files with weights, a batch, and the right results')
    .option(
      '--tolerance <n>',
      `largest error that passes, relative to the largest element of a tensor (${Object.entries(tolerances)
        .map(([device, value]) => `${device}: ${value}`)
        .join(', ')})`,
      (text) => {
        if (!(Number(text) > 0)) throw new InvalidArgumentError('expected a number above 0')
        return Number(text)
      },
    )
    .option('--json', 'print the errors of each tensor as a line of JSON, and the summary')
    .action((paths: string[], options: Options) => verifyFiles(paths, options))

async function verifyFiles(paths: readonly string[], { json, ...options }: Options): Promise<void> {
  const device = await openAndSay(givenSettings({ ...options }))
  const tolerance = options.tolerance ?? tolerances[device.name]
  const failed: string[] = []
  let largest = 0
  try {
    for (const path of paths) {
      const checks = await checksOf(device, path)
      const worst = checks.reduce((a, b) => (b.error > a.error ? b : a))
      largest = Math.max(largest, worst.error)
      const passed = worst.error <= tolerance
      if (!passed) failed.push(path)
      if (json) for (const row of byTensor(checks)) jsonLine({ kind: 'tensor', file: path, ...row })
      else {
        const methods = [...new Set(checks.map(({ method }) => method))]
        const rows = byTensor(checks).map(({ tensor, ...errors }) => [
          tensor,
          ...methods.map((method) => scientific(errors[method])),
        ])
        say(`${path}\n\n${table([['largest relative error', ...methods], ...rows])}\n`)
        const whole = `${scientific(worst.error)} of ${worst.tensor} by ${worst.method}`
        say(`${passed ? 'passed' : 'FAILED'}: at most ${whole}, tolerance ${scientific(tolerance)}\n`)
      }
    }
  } finally {
    device.close()
  }
  if (failed.length) process.exitCode = 1
  if (json) {
    const passed = failed.length === 0
    return jsonLine({ kind: 'summary', device: device.name, files: paths.length, tolerance, largest, passed, failed })
  }
  if (paths.length > 1) say(`${plural(paths.length - failed.length, 'file')} passed, ${failed.length} failed`)
  if (failed.length) notice(`past the tolerance: ${failed.join(', ')}`)
}

async function checksOf(device: Device, path: string): Promise<TensorCheck[]> {
  const bytes = await readBytes(typed(path))
  try {
    return await verify(device, bytes)
  } catch (cause) {
    throw cause instanceof RmaatError ? new RmaatError(cause.code, `${path}: ${cause.message}`, { cause }) : cause
  }
}

/** The errors of each tensor by method, in the order of the checks. */
function byTensor(checks: readonly TensorCheck[]): TensorErrors[] {
  return [...new Set(checks.map(({ tensor }) => tensor))].map((tensor) => {
    const own = checks.filter((check) => check.tensor === tensor).map(({ method, error }) => [method, error])
    return { tensor, ...Object.fromEntries(own) }
  })
}
type TensorErrors = { readonly tensor: string } & { readonly [Name in TensorCheck['method']]?: number }
