import { Readable } from 'node:stream'
import { Command } from 'commander'
import { shown } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import { load } from '../models/weights.ts'
import type { Config } from '../nn/kind.ts'
import { joined, readBytes, withoutMark } from '../runtime/files.ts'
import { abouts, type TaskName } from '../tasks/index.ts'
import { linesOf } from '../tasks/table.ts'
import { columnsOf } from '../tasks/text-columns.ts'
import { parseTexts } from '../tasks/text-files.ts'
import { type Written, written } from '../tasks/written.ts'
import { predict } from '../train/predict.ts'
import { givenSettings, valuesOf } from './given.ts'
import { interruptible } from './interrupt.ts'
import { readWeights, typed } from './paths.ts'
import { openAndSay } from './prepare.ts'
import { savedEntries } from './pretrained.ts'
import { progress } from './progress.ts'
import { addSettings, type Given } from './settings.ts'
import { checkForm, classNamesOf, likeliest, piecesOf, taskOf } from './stream.ts'
import { jsonLine, notice, percent, plural, say } from './terminal.ts'

export function predictCommand(): Command {
  const command = new Command('predict')
    .summary('answer for each row of a file with saved weights')
    .description(
      'Answers for each row of a file with saved weights: its class, a tab and the probability of that, a line each. Of the task text ' +
        'a row is that of a .csv, .jsonl or .tsv file, as `train` takes it, or a line; of other tasks a line of words, such as [MAX 4 7 ]. ' +
        'Labels, where there are some, are compared with the answers. Ctrl-C ends it.',
    )
    .argument('<weights>', 'file that `train` has written')
    .argument('[file]', 'what is read, as it is or as .gz (standard input, which is read as .tsv)')
  addSettings(command, 'Reading (otherwise as for the weights):', ['task', 'segments', 'length', 'columns'])
  addSettings(command, 'Computing:', ['batch', 'device', 'threads'])
  return command
    .option('--json', 'print every answer as a line of JSON, the last one the summary')
    .action((weights: string, file: string | undefined, options: { json?: boolean }) =>
      predictRows(weights, file, options),
    )
}

/** A sequence, and the label that stands beside it. */
interface Sequence {
  readonly tokens: ArrayLike<number>
  readonly label?: string | undefined
}

async function predictRows(path: string, file: string | undefined, options: { json?: boolean }): Promise<void> {
  const { json = false, ...rest } = options
  const content = await readWeights(path)
  const where = file ?? 'standard input'
  const given = givenSettings(rest)
  const device = await openAndSay(given)
  const { signal, restore } = interruptible()
  try {
    const { model, configuration } = load(device, content, path)
    const task = taskOf(given.task, configuration, path)
    const form = written[task]?.()
    if (!form || (task !== 'text' && !form.inLines))
      throw new RmaatError(
        'config',
        `the sequences of ${task} are no rows of a file; \`evaluate\` tests weights on them`,
      )
    checkForm(form, task, model.config.vocabulary as number, path)
    // these are other data than those of the training
    const known = savedEntries(configuration, { ...given, data: where }, path, ['segmentLength', 'batch'])
    const settings = { ...valuesOf(known), ...given }
    const room = sizesOf(task, model.config, settings)
    const found = await bytesOf(file, where, signal)
    // what was interrupted may be half a row
    if (signal.aborted) {
      process.exitCode = signal.reason as number
      return
    }
    const bytes = withoutMark(found, where)
    const names = classNamesOf(configuration, form)
    const rows =
      task === 'text'
        ? texts(bytes, where, room, settings, { names, typed: given.columns !== undefined })
        : await sequences(bytes, where, room, form)
    const unknown = rows.flatMap(({ label }) => (label === undefined || !names || names.includes(label) ? [] : [label]))

    const bar = process.stdout.isTTY ? undefined : progress('answering', rows.length)
    let [row, judged, right] = [0, 0, 0]
    const examples = rows.map(({ tokens }) => ({ tokens, label: 0 }))
    for await (const found of predict(model, examples, {
      segments: room.segments,
      signal,
      batch: settings.batch ?? 100,
    })) {
      // of a model that answers at every token, its answer at the last one
      const logits = [...found.slice(-(model.config.classes as number))]
      const { label } = rows[row++]
      const answer = likeliest(logits, names)
      if (label !== undefined) judged++
      if (label === answer.name) right++
      if (json) jsonLine({ kind: 'answer', row, label, ...answer, logits })
      else say(`${answer.name}\t${answer.probability.toFixed(4)}`)
      bar?.update(row)
    }
    bar?.stop()
    if (signal.aborted) process.exitCode = signal.reason as number
    const summary = { kind: 'summary', weights: path, input: where, task, rows: row, labelled: judged }
    const others = unknown.length === 0 ? undefined : unknown.length
    const accuracy = judged === 0 ? undefined : right / judged
    if (json) jsonLine({ ...summary, accuracy, otherLabels: others, interrupted: signal.aborted, device: device.name })
    else if (accuracy !== undefined) notice(`accuracy ${percent(accuracy)} of ${plural(judged, 'row')} with a label`)
    if (!json && others !== undefined)
      notice(`${plural(others, 'row')} with a label that the weights do not know, such as ${shown(unknown[0])}`)
  } finally {
    restore()
    device.close()
  }
}

interface Room {
  readonly segments: number
  readonly segmentLength: number
}

/** As given, else as trained, else as the task has them. */
function sizesOf(task: TaskName, config: Config, given: Given): Room {
  const of = (name: keyof Room) => (given[name] ?? config[name] ?? abouts[task].settings[name].default) as number
  return { segments: of('segments'), segmentLength: of('segmentLength') }
}

async function bytesOf(file: string | undefined, where: string, signal: AbortSignal): Promise<Uint8Array> {
  if (file !== undefined) return readBytes(typed(file))
  const pieces: Uint8Array[] = []
  for await (const piece of piecesOf(file, where, signal)) pieces.push(piece)
  return joined(pieces)
}

interface Known {
  /** What the classes of the weights are called. */
  readonly names: readonly string[] | undefined
  /** Whether the columns were typed; else they are those of the training. */
  readonly typed: boolean
}

/** Texts, each cut as for the training. */
function texts(bytes: Uint8Array, where: string, room: Room, settings: Given, { names, typed }: Known): Sequence[] {
  const { segments, segmentLength } = room
  const most = segments * segmentLength
  const { length = Math.min(4000, most), columns } = settings as { length?: number; columns?: string }
  if (length > most)
    throw new RmaatError('config', `length is ${length}; expected at most ${segments} segments of ${segmentLength}`)
  const { rows, columns: found } = parseTexts(bytes, where, {
    length,
    columns: columns === undefined ? undefined : columnsOf(columns, false),
    labelled: false,
    labels: names,
    elsewhere: !typed,
  })
  // of columns without headings the first one was taken for the label
  const guessed = !typed && 'count' in found && found.label !== undefined
  if (guessed && names && rows.every(({ label }) => !names.includes(label!)))
    throw new RmaatError(
      'data',
      `${where}: expected the labels ${shown(names)} in column ${found.label + 1} of ${found.count}, found ${shown(rows[0].label)}; --columns says where the text stands, as in -,text, or how it is called where the first line is one of headings, as in text=review`,
    )
  return rows
}

/** Sequences of words, one a line. */
async function sequences(
  bytes: Uint8Array,
  where: string,
  { segments, segmentLength }: Room,
  form: Written,
): Promise<Sequence[]> {
  const all: Sequence[] = []
  for (const [at, line] of linesOf(bytes).entries()) {
    const place = `${where}, line ${at + 1}`
    const parts: number[] = []
    for await (const tokens of form.tokens(Readable.from([line]), place)) parts.push(...tokens)
    if (parts.length === 0 || parts.length > segments * segmentLength)
      throw new RmaatError(
        'data',
        `${place}: found ${plural(parts.length, 'token')}; expected 1 to ${segments * segmentLength} in ${plural(segments, 'segment')}`,
      )
    all.push({ tokens: parts })
  }
  if (all.length === 0) throw new RmaatError('data', `${where}: expected a sequence a line, found nothing`)
  return all
}
