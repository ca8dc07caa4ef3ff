import { Command } from 'commander'
import { differences } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import { load } from '../models/weights.ts'
import type { Config, ConfiguredModel } from '../nn/kind.ts'
import type { Task } from '../tasks/task.ts'
import { type Evaluation, evaluate } from '../train/evaluate.ts'
import { addPresetAndConfig, givenSettings, valuesOf } from './given.ts'
import { readWeights } from './paths.ts'
import { makeTask, openAndSay, sayTask } from './prepare.ts'
import { savedEntries } from './pretrained.ts'
import { progress } from './progress.ts'
import { addSettings, type Given, modelSettings, taskSettings, withDefaults } from './settings.ts'
import { jsonLine, plural, say } from './terminal.ts'
import { scoreInWords, scoresBeside } from './train.ts'

export function evaluateCommand(): Command {
  const command = new Command('evaluate')
    .summary('test saved weights')
    .description('Tests saved weights, on the task that they were trained for or another of the same classes.')
    .argument('<weights>', 'file that `train` has written')
  addSettings(command, 'Task (otherwise that of the file):', [...taskSettings, 'testExamples', 'seed'])
  addSettings(command, 'Computing:', ['batch', 'device', 'threads'])
  return addPresetAndConfig(command)
    .option('--json', 'print the summary as a line of JSON')
    .action((path: string, options: { json?: boolean }) => runEvaluation(path, options))
}

async function runEvaluation(path: string, options: { json?: boolean }): Promise<void> {
  const bytes = await readWeights(path)
  const device = await openAndSay(givenSettings({ ...options }))
  try {
    const { model, configuration } = load(device, bytes, path)
    const config = model.config as Readonly<Record<keyof Task, number>>
    const given = givenSettings({ ...options }, model.name)
    checkModel(given, model, path)
    const beneath = savedEntries(configuration, given, path, ['segmentLength', 'batch', 'seed'])
    const settings = withDefaults({ ...valuesOf(beneath), ...given })
    const task = await makeTask(settings)
    if (task.vocabulary > config.vocabulary || task.classes !== config.classes) {
      throw new RmaatError(
        'config',
        `the task ${task.name} has ${task.vocabulary} token ids and ${task.classes} classes, the weights of ${path} are for ${config.vocabulary} and ${config.classes}`,
      )
    }
    const [wanted, towers] = [task.towers ?? 1, config.towers ?? 1]
    if (wanted !== towers)
      throw new RmaatError(
        'config',
        `the task ${task.name} has ${wanted} texts in an example, the weights of ${path} are for ${towers}`,
      )
    if (task.segmentLength !== (config.segmentLength ?? task.segmentLength)) {
      throw new RmaatError(
        'config',
        `segmentLength is ${task.segmentLength}, but the weights of ${path} know positions in segments of ${config.segmentLength} tokens`,
      )
    }
    sayTask(task)
    const bar = progress('testing', task.test.length)
    let found: Evaluation
    try {
      const { segments } = task
      found = await evaluate(model, task.test, { batch: settings.batch, segments, progress: (at) => bar.update(at) })
    } finally {
      bar.stop()
    }
    const score = { ...found, ...scoresBeside(task, settings.seed, found) }
    const summary = {
      kind: 'summary',
      weights: path,
      task: task.name,
      segments: task.segments,
      trainedSegments: config.segments ?? task.segments,
      ...score,
      device: device.name,
    }
    if (options.json) return jsonLine(summary)
    const trained = task.segments === summary.trainedSegments ? '' : ` (trained with ${summary.trainedSegments})`
    say(`${task.name} in ${plural(task.segments, 'segment')}${trained}`)
    say(`accuracy   ${scoreInWords(score, found.examples)}`)
    say(`loss       ${found.loss.toFixed(3)}`)
  } finally {
    device.close()
  }
}

/** A `--config` file may be that of other weights. */
function checkModel(given: Given, { name, config: own }: ConfiguredModel, path: string): void {
  const config: Config = { ...own, model: name }
  const names = [...modelSettings, 'vocabulary', 'classes', 'towers'].filter((name) => given[name] !== undefined)
  const wrong = differences(names, given, config)
  if (wrong) throw new RmaatError('config', `the settings are not those of the weights ${path}: ${wrong}`)
}
