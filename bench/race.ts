// Times several implementations of the same thing against each other. The clock of a machine drifts, so no time is
// compared with one from another minute: all run once a round, and what counts is the median of the rounds' ratios.
import benny from 'benny'
import { type Spread, spreadOf } from './spread.ts'

export interface Competitor {
  readonly name: string
  readonly run: () => unknown
}

/** A sample is so many calls that it takes so long: what benny itself costs a sample, some microseconds, is then nothing. */
const SAMPLE_SECONDS = 0.01
/** Calls this long are sampled once a round, shorter ones three times. */
const LONG_SECONDS = 0.1
const WARM_SECONDS = 0.2

/** Seconds of a call by competitor, one for each round. */
export class Times {
  private readonly seconds: ReadonlyMap<string, readonly number[]>

  constructor(seconds: ReadonlyMap<string, readonly number[]>) {
    this.seconds = seconds
  }

  of(name: string): Spread {
    return spreadOf(this.rounds(name))
  }

  /** A round's time of the one for each second of the other. */
  ratio(one: string, other: string): Spread {
    const others = this.rounds(other)
    return spreadOf(this.rounds(one).map((seconds, round) => seconds / others[round]))
  }

  /** How many seconds more a round's one takes than the other. */
  difference(one: string, other: string): Spread {
    const others = this.rounds(other)
    return spreadOf(this.rounds(one).map((seconds, round) => seconds - others[round]))
  }

  private rounds(name: string): readonly number[] {
    const seconds = this.seconds.get(name)
    if (!seconds) throw new Error(`nobody called ${name} was timed`)
    return seconds
  }
}

/** Runs all competitors `rounds` times by turns, every other round in the opposite order. */
export async function race(competitors: readonly Competitor[], rounds: number): Promise<Times> {
  const cases = []
  for (const competitor of competitors) cases.push(await warm(competitor))
  const seconds = new Map(competitors.map(({ name }) => [name, [] as number[]]))
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 ? cases.toReversed() : cases
    for (const { name, median } of await sample(order)) {
      seconds.get(name)!.push(median / cases.find((one) => one.name === name)!.calls)
    }
  }
  return new Times(seconds)
}

interface Case extends Competitor {
  /** In a sample. */
  readonly calls: number
  readonly samples: number
}

/** Runs until compilers and caches have settled, and sees how long a call takes. */
async function warm(competitor: Competitor): Promise<Case> {
  let calls = 1
  let each = await time(competitor, calls)
  while (calls * each < WARM_SECONDS) {
    calls *= 2
    each = await time(competitor, calls)
  }
  return { ...competitor, calls: Math.ceil(SAMPLE_SECONDS / each), samples: each > LONG_SECONDS ? 1 : 3 }
}

/** Seconds of a call, the mean of several. */
async function time({ run }: Competitor, calls: number): Promise<number> {
  const begin = performance.now()
  for (let i = 0; i < calls; i++) await run()
  return (performance.now() - begin) / 1e3 / calls
}

/** One round: a suite of benny that says nothing. Seconds of a sample. */
async function sample(cases: readonly Case[]): Promise<{ name: string; median: number }[]> {
  // benny calls each case once or twice to see whether it is asynchronous, and does not wait: nothing must run then
  let started = false
  const begin =
    async () => (suite: { off: (event: string) => void; on: (event: string, then: () => void) => void }) => {
      suite.off('start') // its announcement
      suite.on('start', () => {
        started = true
      })
      return suite
    }
  const entries = cases.map(({ name, run, calls, samples }) =>
    benny.add(
      name,
      async () => {
        for (let i = 0; started && i < calls; i++) await run()
      },
      { minSamples: samples, maxTime: 0, minTime: 1e-6 },
    ),
  )
  const { results } = await benny.suite('', ...entries, begin as never)
  return results.map(({ name, details }) => ({ name, median: details.median }))
}
