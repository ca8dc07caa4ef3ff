import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { createGunzip } from 'node:zlib'
import { Command, InvalidArgumentError } from 'commander'
import { shown, wholeFrom } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import { models } from '../models/index.ts'
import { type Configuration, load } from '../models/weights.ts'
import type { ConfiguredModel, SequenceStream } from '../nn/kind.ts'
import { whyRefused } from '../runtime/files.ts'
import type { TaskName } from '../tasks/index.ts'
import { type Written, written } from '../tasks/written.ts'
import { givenSettings } from './given.ts'
import { interruptible } from './interrupt.ts'
import { readWeights, typed } from './paths.ts'
import { openAndSay } from './prepare.ts'
import { addSettings, check } from './settings.ts'
import { bytes, count, jsonLine, notice, percent, plural, say } from './terminal.ts'

interface Options {
  readonly every: number
  readonly length?: number
  readonly json?: boolean
}

export function streamCommand(): Command {
  const command = new Command('stream')
    .summary('read a sequence of any length with saved weights')
    .description(
      'Reads one sequence of any length with saved weights, in the memory of a segment, and says its class, as it goes and at the end. ' +
        'A text is all of its bytes; sequences of the other tasks are words, such as [MAX 4 7 ]. Ctrl-C ends the reading.',
    )
    .argument('<weights>', 'file that `train` has written')
    .argument('[file]', 'what is read, as it is or as .gz (standard input)')
    .option('--every <n>', 'segments between two answers', wholeArgument(1), 16)
    .option(
      '--length <n>',
      'tokens to come, where that is known: the first segment is then the short one, as in training, instead of the last; the schedules of retention fixed and stretched need it',
      wholeArgument(1),
    )
  addSettings(command, 'Computing:', ['device', 'threads'])
  addSettings(command, 'Task (otherwise that of the weights):', ['task'])
  return command
    .option('--json', 'print every answer as a line of JSON, the last one the summary')
    .action((weights: string, file: string | undefined, options: Options) => readStream(weights, file, options))
}

/** Reads an argument that is such a number. */
export const wholeArgument =
  (least: number, most?: number) =>
  (text: string): number => {
    const { words, fits } = wholeFrom(least, most)
    const value = Number(text)
    if (text.trim() !== '' && fits(value)) return value
    throw new InvalidArgumentError(`expected ${words}`)
  }

async function readStream(weights: string, file: string | undefined, options: Options): Promise<void> {
  const { every, length, json = false, ...rest } = options
  const given = givenSettings(rest)
  const content = await readWeights(weights)
  const where = file ?? 'standard input'
  const device = await openAndSay(given)
  const { signal, restore } = interruptible()
  try {
    const { model, configuration } = load(device, content, weights)
    const { name, config } = model
    const task = taskOf(given.task, configuration, weights)
    const form = written[task]?.()
    if (!form) throw new RmaatError('config', `the task ${task} reads two texts, which no stream of bytes tells apart`)
    checkForm(form, task, config.vocabulary as number, weights)
    const stream = streamOf(model, weights, { length })
    notice(`model    ${models[name].inWords(config)}`)
    notice(`input    ${where}: ${task}, until it ends`)
    const classNames = classNamesOf(configuration, form)
    const answer = async () => {
      const logits = [...(await stream.predict())]
      const { tokens, segments } = stream
      return { tokens, segments, ...likeliest(logits, classNames), logits }
    }

    let busy = 0
    const timed = async <Result>(work: Promise<Result>): Promise<Result> => {
      const begin = performance.now()
      const result = await work
      busy += performance.now() - begin
      return result
    }
    for await (const tokens of form.tokens(piecesOf(file, where, signal), where)) {
      for (let at = 0; at < tokens.length && !signal.aborted; ) {
        const part = tokens.subarray(at, at + (stream.room || (config.segmentLength as number)))
        await timed(stream.push(part))
        at += part.length
        if (stream.room === 0 && stream.segments % every === 0) {
          const found = await timed(answer())
          if (json) jsonLine({ kind: 'answer', ...found })
          else say(inALine(found))
        }
        await setImmediate() // signals and pipes get their turn
      }
    }
    if (signal.aborted) process.exitCode = signal.reason as number
    if (stream.tokens === 0 && signal.aborted) return
    if (stream.tokens === 0) throw new RmaatError('data', `${where}: expected at least one token, found none`)
    if (length !== undefined && stream.tokens < length && !signal.aborted)
      throw new RmaatError('data', `${where}: found ${stream.tokens} tokens; expected ${length}, as --length says`)
    const found = await timed(answer())
    const summary = {
      kind: 'summary',
      weights,
      input: where,
      task,
      ...found,
      interrupted: signal.aborted,
      tokensPerSecond: (1000 * stream.tokens) / busy,
      heldBytes: device.backend.heldBytes,
      device: device.name,
    }
    if (json) jsonLine(summary)
    else {
      say(`${inALine(found)}, ${signal.aborted ? 'interrupted' : 'the end'}`)
      notice(`${count(summary.tokensPerSecond)} tokens/s, ${bytes(summary.heldBytes)} held`)
    }
  } finally {
    restore()
    device.close()
  }
}

/** @throws RmaatError 'config' for a model that reads no stream */
export function streamOf(
  model: ConfiguredModel,
  weights: string,
  options: { readonly length?: number | undefined },
): SequenceStream {
  const { stream } = models[model.name]
  if (stream) return stream(model, options)
  throw new RmaatError(
    'config',
    `the model ${model.name} of ${weights} sees a sequence as a whole; expected one that reads segments`,
  )
}

export function taskOf(given: TaskName | undefined, { task }: Configuration, weights: string): TaskName {
  if (given !== undefined) return given
  if (task !== undefined) return check('task', task.value, `${weights}: task`) as TaskName
  throw new RmaatError('config', `${weights} does not say what it was trained for: expected --task`)
}

export function checkForm({ vocabulary }: Written, task: TaskName, known: number, weights: string): void {
  if (vocabulary <= known) return
  throw new RmaatError('config', `${task} has ${vocabulary} token ids, the weights of ${weights} are for ${known}`)
}

export function softmax(logits: readonly number[]): number[] {
  const largest = Math.max(...logits)
  const powers = logits.map((logit) => Math.exp(logit - largest))
  const sum = powers.reduce((a, b) => a + b)
  return powers.map((power) => power / sum)
}

/** What the classes of weights are called, where they or their task say it. */
export function classNamesOf({ labels }: Configuration, form: Written | undefined): readonly string[] | undefined {
  return form?.classNames ?? (typeof labels?.value === 'string' ? labels.value.split(',') : undefined)
}

/** The class of the largest logit, its name and its probability. */
export function likeliest(logits: readonly number[], names: readonly string[] | undefined) {
  const best = logits.indexOf(Math.max(...logits))
  const probability = softmax(logits)[best]
  return { class: best, name: names?.[best] ?? `${best}`, probability }
}

interface Answer extends ReturnType<typeof likeliest> {
  readonly tokens: number
  readonly segments: number
}

const inALine = ({ tokens, segments, name, probability }: Answer): string =>
  `${plural(tokens, 'token').padStart(16)}  ${plural(segments, 'segment').padStart(14)}  ${shown(name)} ${percent(probability)}`

/** The bytes of a file or of standard input; they end where the signal comes. */
export async function* piecesOf(
  file: string | undefined,
  where: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void> {
  const source = file === undefined ? process.stdin : createReadStream(typed(file))
  const pieces = /\.gz$/i.test(file ?? '') ? pipeline(source, createGunzip(), () => {}) : source
  const end = (): void => void pieces.destroy()
  signal.addEventListener('abort', end)
  if (signal.aborted) end()
  try {
    for await (const piece of pieces) yield piece
  } catch (cause) {
    if (!signal.aborted)
      throw new RmaatError('data', `${where}: expected bytes to read, but ${whyRefused(cause)}`, { cause })
  } finally {
    signal.removeEventListener('abort', end)
  }
}
