import { join } from 'node:path'
import { Command } from 'commander'
import { openDevice } from '../backends/open.ts'
import { RmaatError } from '../errors.ts'
import { load, save } from '../models/weights.ts'
import { exists, writeFileAtomically } from '../runtime/files.ts'
import { readWeights, typed } from './paths.ts'
import { count, jsonLine, plural, say, version } from './terminal.ts'

export function exportCommand(): Command {
  return new Command('export')
    .summary('weights and their settings as other libraries read them')
    .description(
      'Writes saved weights as model.safetensors, each parameter in float32 under its own name, and all settings by name as config.json. docs/export.md has the Python that loads them.',
    )
    .argument('<weights>', 'file that `train` has written')
    .argument('<folder>', 'where the two files go')
    .option('--json', 'print the summary as a line of JSON')
    .action((weights: string, folder: string, options: { json?: boolean }) => exportWeights(weights, folder, options))
}

async function exportWeights(weights: string, folder: string, { json }: { json?: boolean }): Promise<void> {
  const [tensors, settings] = ['model.safetensors', 'config.json'].map((name) => join(typed(folder), name))
  for (const file of [tensors, settings]) {
    if (await exists(file)) throw new RmaatError('data', `${file} is there already: expected a folder without it`)
  }
  const bytes = await readWeights(weights)
  const device = await openDevice('reference')
  try {
    const { model, configuration } = load(device, bytes, weights)
    const values = Object.entries(configuration).map(([name, { value }]) => [name, value])
    const config = { model: model.name, ...model.config, ...Object.fromEntries(values) }
    const content = await save(model, configuration, version)
    await writeFileAtomically(settings, `${JSON.stringify(config, null, 2)}\n`)
    await writeFileAtomically(tensors, content)
    const { named, count: parameters } = model.parameters
    if (json)
      jsonLine({ kind: 'summary', weights, tensors: named.length, parameters, model: tensors, config: settings })
    else say(`${plural(named.length, 'tensor')} of ${count(parameters)} numbers\n${tensors}\n${settings}`)
  } finally {
    device.close()
  }
}
