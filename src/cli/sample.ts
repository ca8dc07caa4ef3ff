import { setImmediate } from 'node:timers/promises'
import { Command, InvalidArgumentError } from 'commander'
import { printable, RmaatError } from '../errors.ts'
import { models } from '../models/index.ts'
import { load } from '../models/weights.ts'
import { Random, STREAM } from '../tasks/random.ts'
import { tokensOf } from '../tasks/text-files.ts'
import { Window } from '../train/window.ts'
import { givenSettings } from './given.ts'
import { interruptible } from './interrupt.ts'
import { readWeights } from './paths.ts'
import { openAndSay } from './prepare.ts'
import { addSettings } from './settings.ts'
import { softmax, streamOf, taskOf, wholeArgument } from './stream.ts'
import { count, jsonLine, notice, plural, terminal } from './terminal.ts'

interface Options {
  readonly prompt: string
  readonly bytes: number
  readonly temperature: number
  readonly top?: number
  readonly seed: number
  readonly json?: boolean
}

export function sampleCommand(): Command {
  const command = new Command('sample')
    .summary('go on with a text, by the saved weights of a language model')
    .description(
      'Writes a text and goes on with it, a byte at a time, each drawn as probable as the model takes it to be: of weights that ' +
        '`train --task bytes --causal true` has written. A model that reads segments (rmaat, rmt, rlt) remembers all that came; any other ' +
        'one sees the last T x S bytes. Ctrl-C ends it.',
    )
    .argument('<weights>', 'file that `train` has written')
    .option('--prompt <text>', 'what it goes on with', '\n')
    .option(
      '--bytes <n>',
      'how many it adds; with the retention fixed or stretched, which depends on the length, another number is another text',
      wholeArgument(1, 1e9),
      400,
    )
    .option(
      '--temperature <n>',
      'what logits are divided by: below 1 bytes that are probable are more so, at 0 the most probable one is taken',
      temperatureFrom,
      1,
    )
    .option('--top <n>', 'draw from the so many most probable bytes (all)', wholeArgument(1))
    .option('--seed <n>', 'fixes what is drawn: another number, another text', wholeArgument(0), 0)
  addSettings(command, 'Computing:', ['device', 'threads'])
  return command
    .option('--json', 'print a line of JSON instead')
    .action((weights: string, options: Options) => sample(weights, options))
}

async function sample(weights: string, options: Options): Promise<void> {
  const { prompt, bytes, temperature, top = 256, seed, json = false, ...rest } = options
  const content = await readWeights(weights)
  const given = new TextEncoder().encode(prompt)
  if (given.length === 0) throw new RmaatError('config', 'the prompt is empty; expected at least one character')
  const device = await openAndSay(givenSettings(rest))
  const { signal, restore } = interruptible()
  try {
    const { model, configuration } = load(device, content, weights)
    const task = taskOf(undefined, configuration, weights)
    if (task !== 'bytes' || !model.config.causal) {
      const found = `the weights of ${weights} are of the task ${task}${model.config.causal ? '' : ', not causal'}`
      throw new RmaatError('config', `${found}; expected those of train --task bytes --causal true`)
    }
    const { retention } = model.config
    const segmentLength = model.config.segmentLength as number
    // these need the number of segments
    const knows = retention === 'fixed' || retention === 'stretched'
    const stream = models[model.name].stream
      ? streamOf(model, weights, { length: knows ? given.length + bytes : undefined })
      : new Window(model)
    const random = new Random(seed, STREAM.train)
    const all = [...given]
    // what is no text is written as what stands for it
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
    const write = (bytes?: Uint8Array): void => {
      const text = decoder.decode(bytes, { stream: bytes !== undefined })
      if (!json) terminal.out(printable(text.replaceAll('\r', '')))
    }
    for (let at = 0; at < given.length && !signal.aborted; ) {
      const part = given.subarray(at, at + (stream.room || segmentLength))
      await stream.push(tokensOf(part))
      at += part.length
      await setImmediate() // signals and pipes get their turn
    }
    write(given)
    let bits = 0
    const begin = performance.now()
    for (let i = 0; i < bytes && !signal.aborted; i++) {
      if (i > 0) await stream.push([all[all.length - 1] + 1])
      const logits = Array.from(await stream.predict())
      const byte = draw(logits, { temperature, top }, random.uniform())
      bits -= Math.log2(softmax(logits)[byte])
      all.push(byte)
      write(Uint8Array.of(byte))
      await setImmediate()
    }
    write()
    if (signal.aborted) process.exitCode = signal.reason as number
    const made = all.length - given.length
    const perSecond = (1000 * made) / (performance.now() - begin)
    const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(all))
    const bitsPerByte = made ? bits / made : null
    const summary = { kind: 'summary', weights, text, bytes: made, bitsPerByte, bytesPerSecond: perSecond }
    if (json) jsonLine({ ...summary, interrupted: signal.aborted, device: device.name })
    else {
      terminal.out('\n')
      const each =
        bitsPerByte === null ? '' : `, ${bitsPerByte.toFixed(2)} bits each to the model, ${count(perSecond)} bytes/s`
      notice(`${plural(made, 'byte')}${each}`)
    }
  } finally {
    restore()
    device.close()
  }
}

function temperatureFrom(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !(value >= 0 && value < Infinity))
    throw new InvalidArgumentError('expected a number of at least 0')
  return value
}

/** The class of which `uniform`, from 0 to below 1, is a draw: of the `top` largest logits, divided by the temperature. */
function draw(
  logits: readonly number[],
  { temperature, top }: { readonly temperature: number; readonly top: number },
  uniform: number,
): number {
  const ranks = [...logits.keys()].sort((a, b) => logits[b] - logits[a]).slice(0, temperature === 0 ? 1 : top)
  const shares = softmax(ranks.map((rank) => (logits[rank] - logits[ranks[0]]) / (temperature || 1)))
  let left = uniform
  const found = shares.findIndex((share) => {
    left -= share
    return left < 0
  })
  return ranks[found < 0 ? ranks.length - 1 : found]
}
