import { Command, CommanderError } from 'commander'
import { RmaatError } from '../errors.ts'
import { ablateCommand } from './ablate.ts'
import { compareCommand } from './compare.ts'
import { devicesCommand } from './devices.ts'
import { evaluateCommand } from './evaluate.ts'
import { explainCommand } from './explain.ts'
import { exportCommand } from './export.ts'
import { modelsCommand } from './models.ts'
import { USAGE } from './output.ts'
import { predictCommand } from './predict.ts'
import { presetsCommand } from './presets.ts'
import { reportCommand } from './report.ts'
import { sampleCommand } from './sample.ts'
import { simulateCommand } from './simulate.ts'
import { startCommand } from './start.ts'
import { streamCommand } from './stream.ts'
import { tasksCommand } from './tasks.ts'
import { commandName, jsonLine, notice, terminal, version } from './terminal.ts'
import { trainCommand } from './train.ts'
import { verifyCommand } from './verify.ts'

/** What was asked for was done, and failed. */
const FAILED = 1
/** EX_SOFTWARE of sysexits.h: a fault of the program itself. */
const FAULT = 70

/**
 * The command `rmaat`. Sets the exit code: 0, or what a command has set; 1 for a training that diverged; 2 for a wrong
 * call, setting or file, said in one line; 70 for a fault of the program. With --json an error is the last line of the output as well.
 */
export async function rmaat(args: readonly string[]): Promise<void> {
  const program = new Command(commandName)
    .description('The recurrent memory augmented astromorphic transformer, trained by memory replay.')
    .version(version)
    .showHelpAfterError('(--help lists what there is)')
  program.addCommand(startCommand())
  const onModels = [
    trainCommand,
    evaluateCommand,
    predictCommand,
    streamCommand,
    sampleCommand,
    exportCommand,
    explainCommand,
    simulateCommand,
    verifyCommand,
  ]
  for (const make of [
    ...onModels,
    ablateCommand,
    reportCommand,
    modelsCommand,
    tasksCommand,
    presetsCommand,
    devicesCommand,
    compareCommand,
  ])
    program.addCommand(make())
  for (const command of [program, ...program.commands]) {
    command
      .exitOverride()
      .configureOutput({ writeOut: terminal.out, writeErr: terminal.err })
      .configureHelp({ helpWidth: 110 })
  }
  const end = (exitCode: number, code: string, message: string): void => {
    process.exitCode = exitCode
    if (args.includes('--json')) jsonLine({ kind: 'error', code, message })
  }
  try {
    await program.parseAsync(args, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) {
      // commander has said it already; help and version are no errors
      const message = error.code === 'commander.help' ? 'expected a command' : error.message.replace(/^error: /, '')
      if (error.exitCode !== 0) end(USAGE, 'usage', message)
    } else if (error instanceof RmaatError && error.code !== 'internal') {
      notice(`error (${error.code}): ${error.message}`)
      end(error.code === 'diverged' ? FAILED : USAGE, error.code, error.message)
    } else {
      const { stack, message } = error as Error
      notice(stack ?? message)
      end(FAULT, 'internal', message)
    }
  }
}
