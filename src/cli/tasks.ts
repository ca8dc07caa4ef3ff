import { Command } from 'commander'
import { abouts, tasks } from '../tasks/index.ts'
import { settingName } from './settings.ts'
import { jsonLine, percent, say } from './terminal.ts'

export const tasksCommand = (): Command =>
  new Command('tasks')
    .summary('list the tasks: source, sizes, chance, what a bag of tokens gets, licence')
    .description(
      'Lists the tasks that `train --task` takes: where their data come from, how many, and under what licence.',
    )
    .option('--json', 'print each task as a line of JSON')
    .action(({ json = false }: { json?: boolean }) => {
      for (const task of Object.keys(tasks) as (keyof typeof tasks)[]) {
        const { source, sizes, chance, bag, licence, settings } = abouts[task]
        const names = Object.keys(settings).map(settingName)
        if (json) {
          jsonLine({
            kind: 'task',
            task,
            source,
            sizes,
            chance: chance ?? null,
            bag: bag ?? null,
            licence,
            settings: names,
          })
          continue
        }
        const lines = [
          ['source', source],
          ['sizes', sizes],
          ['chance', chance === undefined ? 'as the data say' : percent(chance)],
          [
            'bag',
            bag === undefined
              ? 'none: the label of a token is the next one'
              : `${percent(bag)} by counts of tokens alone`,
          ],
          ['licence', licence],
          ['settings', names.join(', ')],
        ]
        say(`${task}\n${lines.map(([what, text]) => `  ${what.padEnd(9)} ${text}`).join('\n')}`)
      }
    })
