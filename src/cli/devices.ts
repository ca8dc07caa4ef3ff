import { Command } from 'commander'
import { deviceNames, openDevice } from '../backends/open.ts'
import { RmaatError } from '../errors.ts'
import type { Backend } from '../program/device.ts'
import { bytes, count, jsonLine, say } from './terminal.ts'

export const devicesCommand = (): Command =>
  new Command('devices')
    .summary('list what can compute here, with limits and features')
    .description('Lists every device: what it runs on, its limits and features, or why it cannot be opened here.')
    .option('--json', 'print each device as a line of JSON, and the summary')
    .action(({ json = false }: { json?: boolean }) => listDevices(json))

/** A device that could be opened, or the reason why not. */
type Found =
  | ({ readonly name: string; readonly available: true } & Required<Pick<Backend, 'description' | 'details'>>)
  | { readonly name: string; readonly available: false; readonly reason: string }

async function listDevices(json: boolean): Promise<void> {
  const found: Found[] = []
  for (const name of deviceNames) if (name !== 'auto') found.push(await lookAt(name))
  const auto = await openDevice('auto')
  auto.close()
  if (json) {
    for (const one of found) jsonLine({ kind: 'device', ...one })
    const names = found.filter(({ available }) => available).map(({ name }) => name)
    return jsonLine({ kind: 'summary', available: names, auto: auto.name })
  }
  for (const one of found) say(`${inWords(one)}\n`)
  say(`auto takes ${auto.name}: ${auto.backend.description}`)
}

async function lookAt(name: (typeof deviceNames)[number]): Promise<Found> {
  try {
    const device = await openDevice(name)
    const { description, details = {} } = device.backend
    device.close()
    return { name, available: true, description, details }
  } catch (error) {
    if (!(error instanceof RmaatError)) throw error
    return { name, available: false, reason: error.message }
  }
}

function inWords(found: Found): string {
  if (!found.available) return `${found.name.padEnd(10)} not here: ${found.reason}`
  const rows = detailsInWords(found.details)
  const width = Math.max(...rows.map(([key]) => key.length))
  const lines = rows.map(([key, value]) => `${' '.repeat(11)}${key.padEnd(width)}  ${value}`)
  return [`${found.name.padEnd(10)} ${found.description}`, ...lines].join('\n')
}

/** `heapLimitBytes: 134217728` -> `heap limit`, `128.0 MiB` */
export const detailsInWords = (details: NonNullable<Backend['details']>): [string, string][] =>
  Object.entries(details).map(([key, value]) => [
    key.replace(/Bytes$/, '').replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`),
    typeof value === 'boolean'
      ? value
        ? 'yes'
        : 'no'
      : typeof value === 'string'
        ? value
        : key.endsWith('Bytes')
          ? bytes(value)
          : count(value),
  ])
