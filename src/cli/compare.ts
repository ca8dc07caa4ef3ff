import { Command, InvalidArgumentError } from 'commander'
import { type DeviceName, deviceNames, openDevice } from '../backends/open.ts'
import { compareDevices, type Part, parts } from '../compare/compare.ts'
import { workloadOf } from '../compare/step.ts'
import { RmaatError } from '../errors.ts'
import type { Device } from '../program/device.ts'
import { writeFileAtomically } from '../runtime/files.ts'
import { take } from '../tasks/index.ts'
import { comparePage } from './compare-page.ts'
import { inWords, Report } from './compare-report.ts'
import { addPresetAndConfig, givenSettings } from './given.ts'
import { interruptible } from './interrupt.ts'
import { pagePath } from './page.ts'
import { makeTask, modelFor } from './prepare.ts'
import { type Progress, progress } from './progress.ts'
import { addSettings, modelSettings, taskSettings, withDefaults } from './settings.ts'
import { duration, jsonLine, notice, say } from './terminal.ts'

/** What is compared where no device is named; speed-ups are over the first one. */
const usual = ['wasm', 'webgpu', 'reference'] as const satisfies readonly DeviceName[]
/** Enough of a step to meet every kernel in it, and small enough to check each within seconds. */
const small = { segments: 2, batch: 4 }

interface Options {
  readonly devices?: readonly DeviceName[]
  readonly parts: readonly Part[]
  readonly longest: number
  readonly out?: string
  readonly json?: boolean
}

export function compareCommand(): Command {
  const command = new Command('compare')
    .summary('hold devices against each other: every kernel, a training step, time against size')
    .description(
      'Holds every kernel of each device against its error budget, compares a training step of RMAAT ' +
        `(${small.segments} segments, batch ${small.batch}, where nothing is said), and finds from which sizes on one device is faster than another. ` +
        'Writes a page with tables and charts. Exit code 1 where a kernel is past its budget.',
    )
    .option(
      '--devices <names>',
      `which, with commas between; speed-ups are over the first one (${usual}, as far as here)`,
      names,
    )
    .option('--parts <names>', 'what is compared, with commas between', (text) => list(text, parts), [...parts])
    .option('--longest <ms>', 'sizes grow until a run would take so many milliseconds', milliseconds, 100)
    .option('--out <file>', 'where the page goes (runs/compare-<time>.html)')
    .option('--json', 'print every result as a line of JSON, the last one the summary')
  addSettings(command, 'Task of the training step:', taskSettings)
  addSettings(command, 'Model:', modelSettings)
  addSettings(command, 'Training step:', ['method', 'batch', 'clip', 'seed'])
  addSettings(command, 'Computing:', ['threads'])
  return addPresetAndConfig(command).action((options: Options) => compare(options))
}

function list<Name extends string>(text: string, known: readonly Name[]): Name[] {
  const given = text.split(',') as Name[]
  const wrong = given.find((name, i) => !known.includes(name) || given.indexOf(name) !== i)
  if (wrong !== undefined) throw new InvalidArgumentError(`expected some of ${known.join(',')}, each once`)
  return given
}

const names = (text: string): DeviceName[] =>
  list(
    text,
    deviceNames.filter((name) => name !== 'auto'),
  )

function milliseconds(text: string): number {
  if (!(Number(text) > 0)) throw new InvalidArgumentError('expected a number above 0')
  return Number(text)
}

async function compare({ devices: named, parts: chosen, longest, out, json, ...rest }: Options): Promise<void> {
  const begin = performance.now()
  const path = pagePath(out, 'compare')
  const settings = withDefaults({ ...small, ...givenSettings(rest) })
  const { method, batch, clip, seed, threads } = settings
  const task = await makeTask(settings)
  const workload = workloadOf(modelFor(settings, task), task, batch, take(task.train(seed), batch))
  const { signal, restore } = interruptible()
  const bars = new Bars()
  const open: Device[] = []
  try {
    open.push(...(await openAll(named, threads)))
    const judge = open.find(({ name }) => name === 'reference') ?? (await openDevice('reference'))
    if (!open.includes(judge)) open.push(judge)
    const compared = named ? open.slice(0, named.length) : open
    const options = { parts: chosen, workload, method, clip, longest, signal, progress: bars.update }
    const report = new Report()
    for await (const event of compareDevices(compared, judge, options)) {
      report.add(event)
      if (json && event.kind !== 'end') jsonLine(event)
    }
    bars.stop()
    const { stopped, passed, failures } = report.end
    if (!stopped) await writeFileAtomically(path, comparePage(report))
    if (stopped) process.exitCode = signal.reason as number
    else if (!passed) process.exitCode = 1
    if (json) {
      const names = compared.map(({ name }) => name)
      const seconds = (performance.now() - begin) / 1000
      return jsonLine({
        kind: 'summary',
        devices: names,
        passed,
        stopped,
        failures,
        page: stopped ? null : path,
        seconds,
      })
    }
    say(inWords(report))
    if (!stopped) say(`\npage       ${path}   (${duration(performance.now() - begin)})`)
  } finally {
    bars.stop()
    restore()
    for (const device of open) device.close()
  }
}

/** The devices named, or all that can be opened here; says which these are. */
async function openAll(named: readonly DeviceName[] | undefined, threads: number | undefined): Promise<Device[]> {
  const devices: Device[] = []
  for (const name of named ?? usual) {
    try {
      const device = await openDevice(name, { threads })
      devices.push(device)
      notice(`device   ${device.name}: ${device.backend.description}`)
    } catch (error) {
      if (named || !(error instanceof RmaatError)) {
        for (const device of devices) device.close()
        throw error
      }
      notice(`device   ${name} is not here: ${error.message}`)
    }
  }
  return devices
}

/** A progress bar for each piece of work. */
class Bars {
  private shown: { readonly what: string; readonly bar: Progress } | undefined

  readonly update = (what: string, done: number, total: number): void => {
    if (this.shown?.what !== what) {
      this.stop()
      this.shown = { what, bar: progress(what, total) }
    }
    this.shown.bar.update(done)
  }

  stop(): void {
    this.shown?.bar.stop()
    this.shown = undefined
  }
}
