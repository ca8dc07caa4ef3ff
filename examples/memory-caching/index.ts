/**
 * Memory caching (Behrouz et al. 2026, arXiv 2602.24281): a recurrent memory of fixed size forgets what does not fit. Where each
 * segment's memory is cached at its end, and a query weighs the caches by what their segments were about, memory grows with
 * the sequence, and recall with it. B rows, N segments of C pairs, Q queries; dk and dv, widths of keys and values.
 */
import { openDevice } from 'rmaat'
import { type Example, mean, type Outcome, Random, type Run, spread } from '../gallery.ts'
import { accuracy, learn } from '../learn.ts'
import { readOuts, recall } from './cache.ts'
import { mqar, rmaat } from './models.ts'

type Name = keyof typeof readOuts
const names = Object.keys(readOuts) as Name[]

async function run({ device, short, progress }: Run): Promise<Outcome> {
  const [seeds, stages, stage, facts] = short ? [[0], [1, 8], 80, 1] : [[0, 1, 2], [1, 2, 4, 8], 400, 2]
  const [pairs, queries, steps] = short ? [[256], [128], 120] : [[32, 64, 128, 256, 512], [32, 64, 128], 1000]
  const found = new Map<string, Partial<Record<Name, number[]>>>() // by task and read-out, a share for each seed
  const add = (task: string, name: Name, share: number): void => {
    found.set(task, { ...found.get(task), [name]: [...(found.get(task)?.[name] ?? []), share] })
    progress(`${task}, ${name}: ${share.toFixed(3)}`)
  }
  const reference = await openDevice('reference')
  const { apart } = await recall(reference, 64, 0)
  reference.close()
  for (const seed of seeds) {
    for (const count of pairs)
      for (const [i, share] of (await recall(device, count, seed)).shares.entries())
        add(`${count} pairs`, names[i], share)
    const held = () => ({ random: new Random(1000 + seed), batches: 20 })
    for (const by of ['residual', 'GRM'] as const) {
      const recalled = mqar(device, seed)
      const training = { random: new Random(seed), steps, rate: () => 0.01 }
      await learn(device, recalled.variables, recalled.problem(64, by), training)
      for (const count of queries)
        for (const name of by === 'residual' ? [by] : names.slice(1))
          add(`${count} pairs, learned`, name, await accuracy(device, recalled.problem(count, name), held()))
      const { variables, problem } = rmaat(device, by === 'GRM', facts, seed)
      for (const segments of stages)
        await learn(device, variables, problem(segments), { random: new Random(seed), steps: stage, rate: () => 0.005 })
      add(`${8 * facts} facts, RMAAT`, by, await accuracy(device, problem(8), held()))
    }
  }

  const of = (task: string, name: Name) => mean(found.get(task)![name]!)
  const gain = (task: string) => of(task, 'GRM') - of(task, 'residual')
  const [fixed, gated, sparse] = (['residual', 'GRM', 'SSC(1)'] as const).map((name) => of('256 pairs', name))
  const [learned, tokens] = [gain('128 pairs, learned'), gain(`${8 * facts} facts, RMAAT`)]
  const lines = [
    ['residual = no cache, GRM = soup, one segment = no cache: apart, in doubles', apart, apart < 1e-12],
    ['256 pairs: no cache at most 0.2', fixed, fixed <= 0.2],
    ['256 pairs: GRM at least 0.95', gated, gated >= 0.95],
    ['256 pairs: SSC(1) at least 0.95', sparse, sparse >= 0.95],
    ['128 pairs, learned: GRM above no cache by 0.1', learned, learned >= 0.1],
    ['RMAAT: GRM of its memory tokens above no cache by 0.3', tokens, tokens >= 0.3],
  ] as const
  const acceptance = lines.map(([claim, value, holds]) => ({ claim, measured: value.toPrecision(3), holds }))
  const cell = (shares: number[] | undefined) => (shares ? spread(shares, 3) : '')
  const rows = [...found].map(([task, shares]) => [task, ...names.map((name) => cell(shares[name]))])
  return { columns: ['share recalled', 'residual, as no cache', ...names.slice(1)], rows, acceptance }
}
const claim = 'recall grows with the number of cached memories; all of them by gates recall best'
export default { title: 'Memory Caching', minutes: 4, claim, run } satisfies Example
