import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { MultiBar, Presets } from 'cli-progress'
import { type ErrorCode, RmaatError } from '../errors.ts'
import type { StepEvent } from '../train/events.ts'
import { duration, notice, percent, terminal } from './terminal.ts'

/** A training as a process of its own: the flags of `train`, and a title for its progress bar. */
export interface Training {
  readonly title: string
  readonly flags: Readonly<Record<string, string | number>>
  readonly steps: number
}

export interface Trained {
  readonly accuracy: number
  readonly majority: number
  readonly bestConstantPerRoot?: number
  readonly seconds: number
  readonly steps: number
  /** Mean over the last tenth of the steps of the mean norm of dL/dm_t, t = 1..T; where the training was traced. */
  readonly memoryGradients: readonly number[]
}

/**
 * Runs trainings as commands of their own, `together` at a time, and shows how far each is. One that fails ends all; one
 * that diverged does not where `diverged` is given, which hears of it.
 */
export async function runTrainings(
  trainings: readonly Training[],
  together: number,
  signal: AbortSignal,
  diverged?: (error: RmaatError) => void,
): Promise<Trained[]> {
  const bars = terminal.watched()
    ? new MultiBar(
        { format: '  {title} {bar} {value}/{total}  {told}', barsize: 24, hideCursor: true, gracefulExit: false },
        Presets.shades_classic,
      )
    : undefined
  const width = Math.max(...trainings.map(({ title }) => title.length))
  const results: Trained[] = []
  const controller = new AbortController()
  const end = (): void => controller.abort()
  if (signal.aborted) end()
  signal.addEventListener('abort', end)
  const queue = trainings.map((training, i) => ({ training, i }))
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next && !controller.signal.aborted; next = queue.shift()) {
      const { training, i } = next
      const bar = bars?.create(training.steps, 0, { title: training.title.padEnd(width), told: '' })
      let said = performance.now()
      const trained = runTraining(training, controller.signal, (step, accuracy) => {
        const told = `loss ${step.loss.toFixed(2)}  accuracy ${percent(accuracy).padStart(7)}`
        bar?.update(step.step, { told })
        if (bar || performance.now() - said < 15000) return
        said = performance.now()
        notice(`  ${training.title.padEnd(width)}  ${step.step}/${training.steps}  ${told}`)
      })
      try {
        results[i] = await trained
      } catch (error) {
        if (!diverged || !(error instanceof RmaatError) || error.code !== 'diverged') throw error
        diverged(error)
        continue
      }
      if (!bar) notice(`  ${training.title.padEnd(width)}  done in ${duration(results[i].seconds * 1000)}`)
    }
  }
  const failures: unknown[] = []
  const fail = (error: unknown): void => {
    failures.push(error)
    end()
  }
  try {
    const workers = Array.from({ length: together }, () => worker().catch(fail))
    await Promise.all(workers)
    if (failures.length) throw failures[0]
  } finally {
    signal.removeEventListener('abort', end)
    bars?.stop()
  }
  return results
}

function runTraining(
  { title, flags, steps }: Training,
  signal: AbortSignal,
  onStep: (step: StepEvent, accuracy: number) => void,
): Promise<Trained> {
  const words = Object.entries(flags).flatMap(([name, value]) =>
    value === '' ? [`--${name}`] : [`--${name}`, `${value}`],
  )
  const begin = performance.now()
  // the same runtime, the same command
  const child = spawn(
    process.execPath,
    [...process.execArgv, process.argv[1], 'train', '--json', '--steps', `${steps}`, ...words],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      signal,
    },
  )
  let complaint = ''
  child.stderr.on('data', (text) => {
    complaint = `${complaint}${text}`.slice(-2000)
  })
  const recent: StepEvent[] = []
  const window = Math.max(1, Math.round(steps / 10))
  let summary: Omit<Trained, 'seconds' | 'memoryGradients'> | undefined
  let failure: { readonly code: ErrorCode; readonly message: string } | undefined
  createInterface({ input: child.stdout }).on('line', (line) => {
    const event = JSON.parse(line)
    if (event.kind === 'summary') summary = event
    if (event.kind === 'error') failure = event
    if (event.kind !== 'step') return
    event.loss ??= Number.NaN // JSON has no such number
    recent.push(event)
    if (recent.length > window) recent.shift()
    onStep(event, mean(recent.map(({ accuracy = Number.NaN }) => accuracy)))
  })
  return new Promise((resolve, reject) => {
    // one that was ended saves what it has learned, and closes then
    child.on('error', (error) => error.name === 'AbortError' || reject(error))
    child.on('close', (code) => {
      if (code !== 0 || !summary) {
        const ended = `it ended with code ${code}: ${complaint.trim()}`
        reject(new RmaatError(failure?.code ?? 'internal', `training ${title}: ${failure?.message ?? ended}`))
        return
      }
      const traces = recent.flatMap(({ memoryGradients }) => (memoryGradients ? [memoryGradients] : []))
      const memoryGradients = (traces[0] ?? []).map((_, t) => mean(traces.map((trace) => trace[t])))
      resolve({ ...summary, seconds: (performance.now() - begin) / 1000, memoryGradients })
    })
  })
}

const mean = (values: readonly number[]): number => values.reduce((sum, x) => sum + x, 0) / values.length
