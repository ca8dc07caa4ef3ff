// What the CPU reaches, against the machine's own bounds and against other libraries. bench/README.md says how to read it.
//   npm run bench                      all suites
//   npm run bench -- gemm steps        some
//   npm run -s bench -- --json         a line of JSON for each result, the last one a summary
import { Argument, Command } from 'commander'
import { endUnread } from '../src/cli/output.ts'
import { JsonReporter, TableReporter } from './report.ts'
import { dial } from './suites/dial.ts'
import { exported } from './suites/export.ts'
import { gemm } from './suites/gemm.ts'
import { instructions } from './suites/instructions.ts'
import { length } from './suites/length.ts'
import { single } from './suites/operations.ts'
import { peers } from './suites/peers.ts'
import { scalars } from './suites/scalars.ts'
import { scan } from './suites/scan.ts'
import { steps } from './suites/steps.ts'
import { stream } from './suites/stream.ts'
import { threads } from './suites/threads.ts'

const suites = [gemm, threads, scalars, scan, single, instructions, steps, stream, peers, length, dial, exported]

const command = new Command('npm run bench --')
  .description('times kernels and training steps on the CPU against bounds and peers, interleaved in one run')
  .addArgument(new Argument('[suites...]', 'which to run, else all').choices(suites.map(({ name }) => name)))
  .option('--json', 'a line of JSON for each result, the last one a summary')
  .parse()

endUnread()
let failed = false
const reporter = command.opts().json ? new JsonReporter() : new TableReporter()
for (const suite of suites.filter(({ name }) => command.args.length === 0 || command.args.includes(name))) {
  reporter.begin(suite)
  try {
    for await (const finding of suite.run()) reporter.found(suite, finding)
  } catch (error) {
    console.error(`${suite.name} failed: ${(error as Error).stack}`)
    failed = true
  }
}
reporter.end()
process.exit(failed ? 1 : 0) // some peers leave something behind that would keep the process alive
