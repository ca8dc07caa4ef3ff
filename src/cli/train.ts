import { Command } from 'commander'
import { Rmaat } from '../rmaat/model.ts'
import { bestConstantPerRoot, type Task, take } from '../tasks/index.ts'
import { evaluate } from '../train/evaluate.ts'
import { type StepEvent, train } from '../train/train.ts'
import { save, taggedModel } from '../train/weights.ts'
import { interruptible } from './interrupt.ts'
import { makeTask, memoryInWords, memoryOn, modelFor, openAndSay, sayTask } from './prepare.ts'
import { compiling, progress } from './progress.ts'
import { RunFolder } from './run-folder.ts'
import {
  addConfigFile,
  addSettings,
  givenSettings,
  modelSettings,
  taggedBeside,
  taskSettings,
  trainingSettings,
  withDefaults,
} from './settings.ts'
import { bytes, count, duration, jsonLine, notice, percent, plural, say, version } from './terminal.ts'

interface Options {
  readonly json?: boolean
  readonly trace?: boolean
  readonly out?: string
}

export function trainCommand(): Command {
  const command = new Command('train')
    .summary('train a model on a task, and save its weights')
    .description(
      'Trains a model on a task, tests it, and saves its weights. Ctrl-C ends it after the step under way and saves what was learned.',
    )
  addSettings(command, 'Task:', [...taskSettings, 'testExamples'])
  addSettings(command, 'Model:', modelSettings)
  addSettings(command, 'Training:', trainingSettings)
  return addConfigFile(command)
    .option('--out <folder>', 'where log.jsonl, weights.safetensors and config.json go (runs/<task>-<method>-<time>)')
    .option('--trace', 'also log the norms of the memory and of its gradient for every segment')
    .option('--json', 'print every event as a line of JSON, the last one the summary')
    .action((options: Options) => runTraining(options))
}

async function runTraining(options: Options): Promise<void> {
  const settings = withDefaults(givenSettings({ ...options }))
  const { method, steps, batch, seed } = settings
  const folder = new RunFolder(options.out, `${settings.task}-${method}`)
  const task = await makeTask(settings)
  const config = modelFor(settings, task)
  // a text's classes are labels found in its files, and are to stay these
  const beside = taggedBeside(task.name === 'text' ? { ...settings, labels: task.classNames?.join(',') } : settings)
  const configuration = { ...taggedModel(config), ...beside }
  const device = await openAndSay(settings)
  const model = new Rmaat(device, config)
  sayTask(task)
  notice(
    `model    ${plural(config.segments, 'segment')} of ${count(config.segmentLength)} tokens, ${config.memory} memory tokens, width ${config.width}, ` +
      `${plural(config.layers, 'layer')}: ${count(model.parameters.count)} parameters`,
  )
  const { signal, restore } = interruptible()
  /** After a failure: the parameters are those of the last whole step, as far as the device can still hand them out. */
  const rescue = async (): Promise<void> => {
    try {
      await folder.save(await save(model, beside, version), configuration)
      notice(`what was learned before the error is in ${folder.weights}`)
    } catch (error) {
      notice(`what was learned before the error is lost: ${(error as Error).message}`)
    }
  }
  let shown: ReturnType<typeof progress> | undefined
  let saved = false
  let last: StepEvent | undefined
  try {
    const recent = new Recent()
    let planned = memoryOn(device.name, { arena: 0, replay: 0, inputs: 0, variables: 0, workspace: 0 })
    const trace = options.trace ?? false
    let [done, skipped, stopped, medianStep, held] = [0, 0, false, Number.NaN, 0]
    const { slices, rate, schedule, warmUp, floor, decay, clip } = settings
    const how = { method, steps, batch, slices, rate, schedule, warmUp, floor, decay, clip, seed, trace, signal }
    for await (const event of train(model, task, { ...how, compiling: compiling() })) {
      if (event.kind === 'begin') {
        planned = memoryOn(device.name, event.memory)
        await folder.begin()
        folder.write({
          kind: 'run',
          configuration,
          versions: versions(),
          device: { name: device.name, description: device.backend.description },
          seeds: { weights: seed, dropout: seed, order: seed, task: seed },
          started: new Date().toISOString(),
        })
        notice(`method   ${method}: ${plural(steps, 'step')} of ${plural(batch, 'sequence')}`)
        notice(`memory   ${memoryInWords(planned)}`)
        notice(`log      ${folder.log}`)
        shown = progress('training', steps)
      }
      folder.write(event)
      if (options.json) jsonLine(event)
      if (event.kind === 'step') {
        last = event
        recent.add(event)
        if (event.skipped) tellSkipped(event.step, ++skipped)
        shown?.update(event.step, recent.toString())
      }
      if (event.kind === 'end') ({ steps: done, stopped, medianStep, heldBytes: held } = event)
    }
    shown?.stop()
    await folder.save(await save(model, beside, version), configuration)
    saved = true

    shown = stopped ? undefined : progress('testing', task.test.length)
    const tested = stopped
      ? undefined
      : await evaluate(model, task.test, { batch, signal, progress: (at) => shown?.update(at) })
    shown?.stop()
    const summary = {
      kind: 'summary',
      task: task.name,
      method,
      steps: done,
      skipped,
      stopped: signal.aborted,
      loss: last?.loss ?? null,
      accuracy: tested?.accuracy ?? null,
      testLoss: tested?.loss ?? null,
      testExamples: tested?.examples ?? 0,
      majority: tested?.majority ?? null,
      ...(tested ? baselines(task, seed) : {}),
      medianStep,
      tokensPerSecond: recent.tokensPerSecond,
      memory: planned.memory,
      plannedBytes: planned.peak,
      measuredBytes: held,
      parameters: model.parameters.count,
      device: device.name,
      weights: folder.weights,
      config: folder.config,
      log: folder.log,
    }
    folder.write(summary)
    if (options.json) jsonLine(summary)
    else say(inWords(summary))
    if (signal.aborted) {
      notice(`stopped after ${plural(done, 'step')}; what was learned is in ${folder.weights}`)
      process.exitCode = signal.reason as number
    }
  } catch (error) {
    shown?.stop()
    if (folder.begun) {
      if (last && !saved) await rescue()
      try {
        folder.write({ kind: 'error', message: (error as Error).message })
      } catch {
        // the log itself is what failed
      }
    }
    throw error
  } finally {
    shown?.stop()
    restore()
    folder.close()
    device.close()
  }
}

/** The first step that changes nothing, the tenth, the hundredth... */
function tellSkipped(step: number, skipped: number): void {
  if (!Number.isInteger(Math.log10(skipped))) return
  const which = skipped === 1 ? '' : `, and ${skipped - 1} more before it`
  notice(`step ${step}${which}: the gradient or what it would change was not finite, and nothing was changed`)
}

/** What may stand beside an accuracy, of a task that knows more than its majority class. */
export function baselines(task: Task, seed: number): { readonly bestConstantPerRoot?: number } {
  if (task.name !== 'listops') return {}
  return { bestConstantPerRoot: bestConstantPerRoot(take(task.train(seed), 5000), task.test) }
}

export function scoreInWords(
  score: { accuracy: number; majority: number; bestConstantPerRoot?: number },
  examples: number,
): string {
  const { accuracy, majority, bestConstantPerRoot: perRoot } = score
  const root = perRoot === undefined ? '' : `, the best one for each operator at the root ${percent(perRoot)}`
  return `${percent(accuracy)} of ${plural(examples, 'test example')} right; the most frequent answer is right for ${percent(majority)}${root}`
}

interface Summary {
  readonly skipped: number
  readonly testLoss: number | null
  readonly task: string
  readonly method: string
  readonly steps: number
  readonly stopped: boolean
  readonly loss: number | null
  readonly accuracy: number | null
  readonly majority: number | null
  readonly testExamples: number
  readonly bestConstantPerRoot?: number
  readonly medianStep: number
  readonly plannedBytes: number
  readonly measuredBytes: number
  readonly weights: string
}

function inWords({ accuracy, majority, ...summary }: Summary): string {
  const tested =
    accuracy === null || majority === null || summary.testExamples === 0
      ? 'not tested'
      : scoreInWords({ ...summary, accuracy, majority }, summary.testExamples)
  return [
    `${summary.task} by ${summary.method}: ${plural(summary.steps, 'step')}${summary.skipped ? `, ${summary.skipped} of them without effect` : ''}${summary.stopped ? ', interrupted' : ''}`,
    `accuracy   ${tested}`,
    `loss       ${summary.loss === null ? '-' : summary.loss.toFixed(3)} in the last step`,
    `step time  ${Number.isNaN(summary.medianStep) ? '-' : duration(summary.medianStep)} (median)`,
    `memory     ${bytes(summary.plannedBytes)} planned, ${bytes(summary.measuredBytes)} measured`,
    `weights    ${summary.weights}`,
  ].join('\n')
}

/** What the progress bar tells: means over the last steps, as single batches scatter. */
class Recent {
  private readonly steps: StepEvent[] = []

  add(step: StepEvent): void {
    this.steps.push(step)
    if (this.steps.length > 20) this.steps.shift()
  }

  private mean(value: (step: StepEvent) => number): number {
    return this.steps.reduce((sum, step) => sum + value(step), 0) / this.steps.length
  }

  get tokensPerSecond(): number {
    return (1000 * this.mean((step) => step.validTokens)) / this.mean((step) => step.milliseconds)
  }

  toString(): string {
    const [loss, accuracy] = [this.mean((step) => step.loss), this.mean((step) => step.accuracy)]
    return `loss ${loss.toFixed(3)}  accuracy ${percent(accuracy)}  ${count(this.tokensPerSecond)} tokens/s`
  }
}

function versions(): Record<string, string> {
  const { node, deno, v8 } = process.versions as Record<string, string | undefined>
  return {
    rmaat: version,
    ...(deno ? { deno } : node ? { node } : {}),
    ...(v8 ? { v8 } : {}),
    platform: `${process.platform}-${process.arch}`,
  }
}
