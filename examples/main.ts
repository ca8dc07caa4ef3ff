// Runs an example: `npm run -s example -- NAME [--short] [--json]`; `npm run -s example -- list` names them all,
// and `npm run -s example -- basics/NAME` runs one of the basics.
import { readdirSync } from 'node:fs'
import { Argument, Command, Option } from 'commander'
import { openDevice } from 'rmaat'
import { endUnread, notHere } from '../src/cli/output.ts'
import { table } from '../src/cli/plot.ts'
import { jsonLine, notice, plural, say } from '../src/cli/terminal.ts'
import type { Example } from './gallery.ts'
import { examples } from './index.ts'

interface Options {
  readonly json: boolean
  readonly short: boolean
  readonly device: 'wasm' | 'webgpu' | 'reference'
}

/** Programs that print what they find. */
const basics = readdirSync(new URL('basics', import.meta.url))
  .filter((name) => name.endsWith('.ts'))
  .map((name) => `basics/${name.slice(0, -3)}`)

endUnread()
await new Command('npm run -s example --')
  .description('A system around RMAAT in small, with its claim put to the test. `list` names them all.')
  .addArgument(new Argument('<name>', 'which one').choices(['list', ...Object.keys(examples), ...basics]))
  .option('--short', 'the form that the tests run: seconds, one seed', false)
  .option('--json', 'print the result as a line of JSON', false)
  .addOption(new Option('--device <name>', 'what computes').choices(['wasm', 'webgpu', 'reference']).default('wasm'))
  .action((name: string, options: Options) => {
    if (name === 'list') return list(options)
    return basics.includes(name) ? import(`./${name}.ts`) : run(name, options)
  })
  .parseAsync()

async function list({ json }: Options): Promise<void> {
  for (const [name, load] of Object.entries(examples)) {
    const { title, minutes, claim } = (await load()).default
    if (json) jsonLine({ kind: 'example', name, title, minutes, claim })
    else say(`${name.padEnd(20)} ${plural(minutes, 'minute').padEnd(10)} ${title}: ${claim}`)
  }
}

/** The exit code is 1 where a line was not reached. */
async function run(name: string, { json, short, device: kind }: Options): Promise<void> {
  const example: Example = (await examples[name]()).default
  const device = await openDevice(kind).catch(notHere)
  if (!device) return
  const begin = performance.now()
  try {
    const outcome = await example.run({ device, short, progress: (line) => notice(`${name}  ${line}`) })
    const seconds = Math.round((performance.now() - begin) / 1000)
    if (json) jsonLine({ kind: 'outcome', name, title: example.title, short, seconds, ...outcome })
    else {
      say(`${example.title}: ${example.claim}\n`)
      say(table([outcome.columns, ...outcome.rows.map((row) => row.map(String))]))
      say('')
      for (const { claim, measured, holds } of outcome.acceptance)
        say(`${holds ? 'holds' : 'DOES NOT HOLD'}  ${claim}: ${measured}`)
      say(`\n${plural(seconds, 'second')}${short ? ', the short form: not the figures of the README' : ''}`)
    }
    if (outcome.acceptance.some(({ holds }) => !holds)) process.exitCode = 1
  } finally {
    device.close()
  }
}
