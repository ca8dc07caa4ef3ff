import { existsSync } from 'node:fs'
import { Command } from 'commander'
import { RmaatError } from '../errors.ts'
import { models } from '../models/index.ts'
import { save, taggedModel } from '../models/weights.ts'
import { bestConstantPerRoot, type Task, take } from '../tasks/index.ts'
import { type Evaluation, evaluate } from '../train/evaluate.ts'
import type { StepEvent } from '../train/events.ts'
import { memoryOn } from '../train/planner.ts'
import { type TrainOptions, train } from '../train/train.ts'
import { keepWithin } from './budget.ts'
import { Checkpoints, changesTo } from './checkpoints.ts'
import { addPresetAndConfig, givenEntries, readConfiguration, valuesOf, withSources } from './given.ts'
import { interruptible } from './interrupt.ts'
import { checkCausal, makeModel, makeTask, memoryInWords, modelFor, namesIn, openAndSay, sayTask } from './prepare.ts'
import type { Entries } from './presets.ts'
import { type Pretrained, pretrained } from './pretrained.ts'
import { compiling, progress, Recent, skipping } from './progress.ts'
import { factsOf } from './report-facts.ts'
import { readRun } from './report-run.ts'
import { RunFolder } from './run-folder.ts'
import {
  addSettings,
  type Given,
  modelSettings,
  recurs,
  taggedBeside,
  taskSettings,
  trainingSettings,
  withDefaults,
} from './settings.ts'
import { bytes, count, duration, jsonLine, notice, percent, plural, say, version } from './terminal.ts'

interface Options {
  readonly json?: boolean
  readonly resume?: string
  readonly preset?: string
  readonly config?: string
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
  return addPresetAndConfig(command)
    .option('--out <folder>', 'where log.jsonl, weights.safetensors and config.json go (runs/<task>-<method>-<time>)')
    .option(
      '--resume <folder>',
      'go on with the run of a folder from its last checkpoint, with the settings that it has',
    )
    .option('--trace', 'also log the norms of the memory and of its gradient for every segment')
    .option('--json', 'print every event as a line of JSON, the last one the summary')
    .action((options: Options) => runTraining(options))
}

async function runTraining(options: Options): Promise<void> {
  const { resume } = options
  if (resume === undefined) {
    const flags = givenEntries({ ...options })
    const begin = await pretrained(flags)
    const given = begin?.beneath(flags) ?? flags
    const { task, method } = withDefaults(valuesOf(given))
    return trainIn(new RunFolder(options.out, `${task}-${method}`), given, {}, options, { begin })
  }
  const wrong = (['out', 'preset', 'config'] as const).find((name) => options[name] !== undefined)
  if (wrong) throw new RmaatError('config', `--${wrong} was given with --resume; expected the folder of the run alone`)
  const { folder, checkpoint } = await RunFolder.ofRun(resume)
  try {
    if (!checkpoint && existsSync(folder.weights) && (await readRun(folder.path, notice)).state === 'finished')
      throw new RmaatError(
        'data',
        `${resume}: expected a run to go on with, but it is finished, and no checkpoint was made: \`evaluate ${folder.weights}\` tests it`,
      )
    const given = readConfiguration(folder.config)
    const changes = changesTo(withDefaults(valuesOf(given)), { ...options }, folder.config)
    await trainIn(folder, given, changes, options, {
      checkpoint,
      begin: checkpoint ? undefined : await pretrained(given),
    })
  } finally {
    folder.close()
  }
}

/**
 * Trains, and tests. Of a run that goes on: `changes`, which its files do not tell of, and what its checkpoint holds; of another
 * the weights that it begins with, if any.
 */
async function trainIn(
  folder: RunFolder,
  given: Entries,
  changes: Given,
  options: Options,
  { checkpoint, begin }: { readonly checkpoint?: Uint8Array; readonly begin?: Pretrained },
): Promise<void> {
  const begun = withDefaults(valuesOf(given))
  const settings = { ...begun, ...changes }
  const { method, steps, batch, seed } = settings
  checkCausal(settings)
  const task = await makeTask(settings)
  const chosen = modelFor(settings, task)
  begin?.check(chosen)
  // a text's classes are labels found in its files, and are to stay these
  const beside = taggedBeside(task.name === 'text' ? { ...begun, labels: task.classNames?.join(',') } : begun)
  const configuration = withSources({ ...taggedModel(chosen), ...beside }, given)
  const budgeted = checkpoint ? {} : await keepWithin(settings, chosen, task.segments)
  const way = recurs(chosen.name) ? method : chosen.name
  const device = await openAndSay(settings)
  const model = makeModel(device, chosen)
  sayTask(task)
  notice(`model    ${models[chosen.name].inWords(chosen.config)}: ${count(model.parameters.count)} parameters`)
  const { signal, restore } = interruptible()
  const { checkpointEvery, validationExamples } = settings
  const checkpoints = new Checkpoints({
    ...{ folder, model, configuration, task, batch, seed, signal },
    ...{ checkpointEvery, validationExamples },
  })
  /** After a failure: the parameters are those of the last whole step, as far as the device can still hand them out. */
  const rescue = async (): Promise<void> => {
    try {
      await folder.save(await save(model, configuration, version), configuration)
      notice(`what was learned before the error is in ${folder.weights}`)
    } catch (error) {
      notice(`what was learned before the error is lost: ${(error as Error).message}`)
      if (checkpoints.step !== undefined && existsSync(folder.checkpoint))
        notice(`the checkpoint of step ${checkpoints.step} is whole: train --resume ${folder.path} goes on from it`)
    }
  }
  let shown: ReturnType<typeof progress> | undefined
  let saved = false
  let last: StepEvent | undefined
  try {
    await begin?.give(model)
    const recent = new Recent()
    let planned = memoryOn(device.name, { arena: 0, replay: 0, inputs: 0, variables: 0, workspace: 0 })
    const from = checkpoint && checkpoints.restore(checkpoint)
    if (options.resume !== undefined)
      notice(`resume   ${from ? `step ${from.step} of ${steps}` : 'no checkpoint was made: from the beginning'}`)
    const trace = options.trace ?? from?.options.trace === true
    // another machine may have other room for it
    const { hold, keep } = from ? (from.options as Pick<TrainOptions, 'hold' | 'keep'>) : budgeted
    let [done, skipped, stopped, medianStep, held] = [0, from?.skipped ?? 0, false, Number.NaN, 0]
    const { reach, slices, rate, schedule, warmUp, floor, decay, trains, clip, patience } = settings
    const how = {
      method,
      keep,
      hold,
      reach,
      steps,
      batch,
      slices,
      rate,
      schedule,
      warmUp,
      floor,
      decay,
      trains: namesIn(trains),
      clip,
      seed,
      trace,
      patience,
      signal,
    }
    const tell = (event: object): void => {
      folder.write(event)
      if (options.json) jsonLine(event)
    }
    for await (const event of train(model, task, {
      ...how,
      from,
      compiling: compiling(),
      skipping: skipping(),
      checkpoint: checkpoints.isDue,
    })) {
      if (event.kind === 'begin') {
        planned = memoryOn(device.name, event.memory)
        await folder.begin(configuration, checkpoints.log)
        const here = {
          versions: versions(),
          device: { name: device.name, description: device.backend.description },
          started: new Date().toISOString(),
        }
        const seeds = { weights: seed, dropout: seed, order: seed, task: seed }
        folder.write(
          from ? { kind: 'resume', step: from.step, ...here } : { kind: 'run', configuration, ...here, seeds },
        )
        notice(`method   ${way}: ${plural(steps, 'step')} of ${plural(batch, 'sequence')}`)
        notice(`memory   ${memoryInWords(planned)}`)
        notice(`log      ${folder.log}`)
        shown = progress('training', steps, from?.step)
        // what was interrupted before it was judged
        if (from && checkpoints.due) await checkpoints.keep(from, tell)
      }
      if (event.kind === 'checkpoint') {
        await checkpoints.keep(event.state, tell)
        continue
      }
      if (event.kind !== 'begin' || !from) folder.write(event)
      if (options.json) jsonLine(event)
      if (event.kind === 'step') {
        last = event
        recent.add(event)
        checkpoints.add(event)
        if (event.skipped) tellSkipped(event.step, ++skipped)
        shown?.update(event.step, recent.toString())
      }
      if (event.kind === 'end') ({ steps: done, stopped, medianStep, heldBytes: held } = event)
    }
    shown?.stop()
    await folder.save(await save(model, configuration, version), configuration)
    saved = true

    // where no step was left, those before it are told of
    const before = from && !last ? factsOf(await readRun(folder.path, notice), '') : undefined
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
      loss: last?.loss ?? before?.loss ?? null,
      accuracy: tested?.accuracy ?? null,
      testLoss: tested?.loss ?? null,
      testExamples: tested?.examples ?? 0,
      majority: tested?.majority ?? null,
      ...(tested ? scoresBeside(task, seed, tested) : {}),
      medianStep: before?.medianStep ?? medianStep,
      tokensPerSecond: before?.tokensPerSecond ?? recent.tokensPerSecond,
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
    else say(inWords(summary, way))
    if (signal.aborted) {
      notice(`stopped after ${plural(done, 'step')}; what was learned is in ${folder.weights}`)
      process.exitCode = signal.reason as number
    }
  } catch (error) {
    shown?.stop()
    if (folder.begun) {
      if (last && !saved) await rescue()
      try {
        const code = error instanceof RmaatError ? error.code : 'internal'
        folder.write({ kind: 'error', code, message: (error as Error).message })
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
  notice(`step ${step}${which}: the loss, the gradient or what it would change was not finite, and nothing was changed`)
}

/** What may stand beside an accuracy. */
interface Beside {
  /** Of a task that knows more than its majority class. */
  readonly bestConstantPerRoot?: number
  /** Of language models. */
  readonly bitsPerByte?: number
}

export function scoresBeside({ name, train, test }: Task, seed: number, { loss }: Evaluation): Beside {
  if (name === 'bytes') return { bitsPerByte: loss / Math.LN2 }
  if (name !== 'listops') return {}
  return { bestConstantPerRoot: bestConstantPerRoot(take(train(seed), 5000), test) }
}

export function scoreInWords(score: Beside & { accuracy: number; majority: number }, examples: number): string {
  const { accuracy, majority, bestConstantPerRoot: perRoot, bitsPerByte: bits } = score
  const root = perRoot === undefined ? '' : `, the best one for each operator at the root ${percent(perRoot)}`
  const [of, and] = bits === undefined ? ['', ''] : ['the bytes of ', `; ${bits.toFixed(3)} bits per byte`]
  return `${percent(accuracy)} of ${of}${plural(examples, 'test example')} right; the most frequent answer is right for ${percent(majority)}${root}${and}`
}

interface Summary extends Beside {
  readonly skipped: number
  readonly testLoss: number | null
  readonly task: string
  readonly steps: number
  readonly stopped: boolean
  readonly loss: number | null
  readonly accuracy: number | null
  readonly majority: number | null
  readonly testExamples: number
  readonly medianStep: number
  readonly plannedBytes: number
  readonly measuredBytes: number
  readonly weights: string
}

function inWords({ accuracy, majority, ...summary }: Summary, way: string): string {
  const tested =
    accuracy === null || majority === null || summary.testExamples === 0
      ? 'not tested'
      : scoreInWords({ ...summary, accuracy, majority }, summary.testExamples)
  return [
    `${summary.task} by ${way}: ${plural(summary.steps, 'step')}${summary.skipped ? `, ${summary.skipped} of them without effect` : ''}${summary.stopped ? ', interrupted' : ''}`,
    `accuracy   ${tested}`,
    `loss       ${summary.loss === null ? '-' : summary.loss.toFixed(3)} in the last step`,
    `step time  ${Number.isNaN(summary.medianStep) ? '-' : duration(summary.medianStep)} (median)`,
    `memory     ${bytes(summary.plannedBytes)} planned, ${bytes(summary.measuredBytes)} measured`,
    `weights    ${summary.weights}`,
  ].join('\n')
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
