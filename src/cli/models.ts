import { Command } from 'commander'
import { models } from '../models/index.ts'
import { specsOf } from '../nn/parameters.ts'
import { sizeOf } from '../tensor/shape.ts'
import { count, jsonLine, say } from './terminal.ts'

export const modelsCommand = (): Command =>
  new Command('models')
    .summary('list the models, each with what it may be set')
    .description(
      'Lists the models that `train --model` takes: what each is, its parameters at the defaults, its settings.',
    )
    .option('--json', 'print each model as a line of JSON')
    .action(({ json = false }: { json?: boolean }) => {
      const found = Object.entries(models).map(([model, { description, settings, configure, parameters }]) => ({
        kind: 'model',
        model,
        description,
        parameters: specsOf(parameters(configure({}))).reduce((sum, { spec }) => sum + sizeOf(spec.shape), 0),
        settings: Object.keys(settings),
      }))
      if (json) for (const one of found) jsonLine(one)
      else {
        const wide = Math.max(...found.map(({ model }) => model.length))
        say(`${'model'.padEnd(wide)}  parameters`)
        for (const { model, parameters, description } of found)
          say(`${model.padEnd(wide)}  ${count(parameters).padStart(10)}  ${description}`)
      }
    })
