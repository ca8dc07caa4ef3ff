// What the guides in docs/ show of the code: excerpts of sources, and what programs print. `npm run docs` writes it anew.
import { readFileSync } from 'node:fs'
import {
  compile,
  f32,
  grad,
  loop,
  openDevice,
  plan,
  retention,
  SGD,
  settingSources,
  simulate,
  variable,
  zeros,
} from '../src/index.ts'
import { list } from '../src/program/listing.ts'
import { macroParameters } from '../src/rmaat/macro-model.ts'

export const guides = ['formula', 'replay', 'retention', 'kernel', 'profile', 'paper'] as const

export const fileOf = (name: string): URL => new URL(`../docs/${name}.md`, import.meta.url)

export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows]
    .map((row) => `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n')

/** A block of a guide: what it shows stands in a comment before it. */
const BLOCK = /(<!-- (\w+): (.+?) -->\n)(```\w*\n)?[\s\S]*?((?:```\n)?<!-- end -->)/g

/** The guide with each of its blocks as the code is now. */
export async function written(guide: string): Promise<string> {
  const parts: string[] = []
  let end = 0
  for (const found of guide.matchAll(BLOCK)) {
    const [whole, comment, kind, what, fence = '', close] = found
    const text = kind === 'code' ? excerpt(what) : await printed[what]()
    parts.push(guide.slice(end, found.index), comment, fence, text, '\n', close)
    end = found.index + whole.length
  }
  return [...parts, guide.slice(end)].join('')
}

/** `FILE, from LINE to LINE`: the lines from one that begins so to the first one after it that does, without their indent. */
function excerpt(what: string): string {
  const [, path, first, last] = /^(\S+), from (.+) to (.+)$/.exec(what)!
  const lines = readFileSync(new URL(`../${path}`, import.meta.url), 'utf8').split('\n')
  const begin = lines.findIndex((line) => line.trimStart().startsWith(first))
  const indent = /^ */.exec(lines[begin] ?? '')![0]
  const end = lines.findIndex((line, at) => at > begin && line.startsWith(indent + last))
  if (begin < 0 || end < 0) throw new Error(`${path} has no lines from ${first} to ${last}`)
  return lines
    .slice(begin, end + 1)
    .map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line))
    .join('\n')
}

/** A layer with its loss, and the gradient of its weights. */
const layer = () =>
  plan(undefined, { x: f32(64, 16), w: f32(16, 32), y: f32(64, 32) }, ({ x, w, y }) => {
    const loss = x.matmul(w).gelu().sub(y).square().mean()
    const [gradient] = grad(loss, [w])
    return { loss, gradient }
  })

/** A recurrence over five steps, and the gradient of its weights. */
const recurrence = (unroll: boolean) =>
  plan(undefined, { x: f32(5, 8, 16), w: f32(16, 16) }, ({ x, w }) => {
    const { carry } = loop({ count: 5, carry: [zeros([8, 16])], inputs: [x], unroll }, ([h], [x]) => ({
      carry: [h.matmul(w).add(x).relu()],
    }))
    const loss = carry[0].square().mean()
    const [gradient] = grad(loss, [w])
    return { loss, gradient }
  })

/** What stands in the guides, by the names that they call it. */
const printed: Readonly<Record<string, () => string | Promise<string>>> = {
  layer: () => list(layer()),

  recurrence: () => list(recurrence(false)),

  'recurrence unrolled': () => list(recurrence(true)).split('\n').at(-1)!,

  async profile() {
    const device = await openDevice('wasm', { threads: 1 })
    const w = [variable(device, [64, 256]), variable(device, [256, 64])]
    const optimizer = new SGD(w, { rate: 0.1 })
    const step = compile(device, { x: f32(128, 64) }, ({ x }) => {
      const loss = x.matmul(w[0]).gelu().matmul(w[1]).softmax().sub(x).square().mean()
      return { loss, updates: optimizer.update(grad(loss, w)) }
    })
    const inputs = { x: Float32Array.from({ length: 128 * 64 }, (_, i) => Math.sin(i)) }
    for (let i = 0; i < 20; i++) await step.run(inputs) // the first runs are slower: engines compile what runs often
    const profiles: Awaited<ReturnType<typeof step.profile>>[] = []
    for (let i = 0; i < 11; i++) profiles.push(await step.profile(inputs))
    device.close()
    const medians = profiles[0].map((_, at) => profiles.map((times) => times[at].milliseconds).sort((a, b) => a - b)[5])
    return profiles[0].map(({ kernel }, at) => `${medians[at].toFixed(3)} ms  ${kernel}`).join('\n')
  },

  constants: () =>
    table(
      ['symbol', 'value', 'unit', 'source', 'what it is'],
      Object.values(macroParameters).map(({ symbol, value, unit, source, meaning }) => [
        symbol,
        `${value}`,
        unit,
        source,
        meaning,
      ]),
    ),

  cycles() {
    const { cycleEnds } = simulate({})
    const total = cycleEnds.at(-1)!.longTerm
    return table(
      ['cycle t', 'p^l at its end', 'Δp_t / ΣΔp, simulated', 'RF(t, 6), in closed form'],
      cycleEnds.map(({ longTerm }, i) => [
        `${i + 1}`,
        longTerm.toFixed(4),
        ((longTerm - (cycleEnds[i - 1]?.longTerm ?? 0)) / total).toFixed(4),
        retention(i + 1, cycleEnds.length, 'fixed').toFixed(4),
      ]),
    )
  },

  schedules: () =>
    table(
      ['schedule', ...[1, 2, 4, 8, 16].map((t) => `t = ${t}`)],
      (['fixed', 'stretched', 'infinite', 'running', 'none'] as const).map((schedule) => [
        `\`${schedule}\``,
        ...[1, 2, 4, 8, 16].map((t) => retention(t, 16, schedule).toPrecision(3)),
      ]),
    ),

  settings: () =>
    table(
      ['setting', 'default', 'source', 'what it is'],
      Object.entries(settingSources).map(([name, { default: value, source, meaning }]) => [
        `\`${name}\``,
        `${value}`,
        source,
        meaning,
      ]),
    ),
}

/** Times differ from run to run. */
export const withoutTimes = (guide: string): string => guide.replace(/^ *\d+\.\d+ ms/gm, '? ms')
