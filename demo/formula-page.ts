import { Chart, drawArena } from './charts.ts'
import { type Formula, formulas } from './formula-list.ts'
import type { Explained, KernelLine, Reply, Request } from './messages.ts'
import type { Settings } from './settings.ts'
import { bytes, duration, make } from './text.ts'

const fileOf: Readonly<Record<string, string>> = { scatterAdd: 'gather' }

/** The formula whose curve is simulated. */
const SIMULATED = 'plasticity'

/** A formula that can be opened, and the place beneath it. */
function entry({ id, title, formula, place: where, file, words, onHost }: Formula): [HTMLDetailsElement, HTMLElement] {
  const maths = make('span', '', 'maths')
  maths.innerHTML = formula // of this page's own list
  const source = make('span', [document.createTextNode(`${where} · `), make('code', file)], 'place quiet')
  const body = make('div')
  const details = make(
    'details',
    [make('summary', [make('strong', title), maths, source]), make('p', words), body],
    'formula',
  )
  details.dataset.formula = id
  const why = 'Computed on the host in double precision, before anything runs: no kernel, no gradient.'
  if (onHost) body.append(make('p', why, 'quiet'))
  return [details, body]
}

/** Text that scrolls, by the keyboard, too. */
function listing(text: string, className = ''): HTMLPreElement {
  const made = make('pre', text, className)
  made.tabIndex = 0
  return made
}

/** The nodes of a graph: operations, what each is of, and what it gives. */
const graph = (nodes: readonly string[]): HTMLElement =>
  make(
    'details',
    [make('summary', `${nodes.length} nodes of the graph, before they become kernels`), listing(nodes.join('\n'))],
    'graph',
  )

/** The formulas, each of which opens down to its kernels. */
export class FormulaList {
  private readonly ask: (request: Request) => void
  private readonly bodies = new Map<string, HTMLElement>()
  /** Where shaders go that were asked for. */
  private readonly shaders = new Map<string, HTMLElement>()

  constructor(place: HTMLElement, ask: (request: Request) => void, settings: () => Settings | undefined) {
    this.ask = ask
    for (const formula of formulas) {
      const [details, body] = entry(formula)
      this.bodies.set(formula.id, body)
      if (formula.id === SIMULATED)
        details.addEventListener('toggle', () => this.ask({ kind: 'simulate' }), { once: true })
      else if (!formula.onHost)
        details.addEventListener('toggle', () => {
          const now = settings()
          if (!details.open || !now) return
          for (const other of place.querySelectorAll('details.formula'))
            if (other !== details) other.removeAttribute('open')
          body.replaceChildren(make('p', 'Compiling and measuring …', 'quiet'))
          this.ask({ kind: 'explain', id: formula.id, settings: now })
        })
      place.append(details)
    }
  }

  hear(reply: Extract<Reply, { kind: 'explained' | 'shader' | 'simulated' }>): void {
    if (reply.kind === 'simulated') {
      const chart = make('div')
      chart.role = 'img'
      chart.ariaLabel = `Plasticity over ${reply.times.at(-1)} seconds, a cycle a segment`
      this.bodies.get(SIMULATED)?.append(chart)
      const [shortTerm, longTerm] = [
        { label: 'short-term p^s', colour: '--one' },
        { label: 'long-term p^l, whose growth in each cycle is the retention', colour: '--two' },
      ]
      new Chart(chart, { x: 'seconds', series: [shortTerm, longTerm] }).set([
        reply.times,
        reply.shortTerm,
        reply.longTerm,
      ])
      return
    }
    if (reply.kind === 'shader') {
      const place = this.shaders.get(`${reply.program} ${reply.at}`)
      place?.replaceChildren(...reply.sources.map((source) => listing(source)))
      return
    }
    this.shaders.clear()
    const { id, device, programs } = reply
    this.bodies.get(id)?.replaceChildren(...programs.flatMap((program, i) => this.program(program, i, device)))
  }

  private program(explained: Explained, program: number, device: string): HTMLElement[] {
    const { title, kernels, arenaBytes, nodes } = explained
    const total = kernels.reduce((sum, { milliseconds = 0 }) => sum + milliseconds, 0)
    const words = `${kernels.length} kernels, ${duration(total)} on ${device}, ${bytes(arenaBytes)} for results`
    const picture = make('details', [
      make(
        'summary',
        'The arena: kernels from left to right, addresses from top to bottom, each colour a result while it is needed',
      ),
      drawArena(explained),
    ])
    return [
      make('h3', title),
      ...(nodes.length > 0 ? [graph(nodes)] : []),
      make('p', words, 'quiet'),
      picture,
      ...kernels.map((kernel) => this.kernel(kernel, program)),
    ]
  }

  private kernel({ at, kind, words, operands, budget, milliseconds }: KernelLine, program: number): HTMLElement {
    const time = milliseconds === undefined ? '' : duration(milliseconds)
    const summary = make('summary', [make('span', words), make('span', time)])
    const [wgsl, assembly] = [make('div', 'writing …'), make('div', 'loading …')]
    const details = make(
      'details',
      [
        summary,
        make('h3', 'Operands and steps'),
        listing(operands, 'wrap'),
        make('p', `Error budget: ${budget}`, 'quiet'),
      ],
      'kernel',
    )
    const sourceOf = (title: string, place: HTMLElement, load: () => void): HTMLElement => {
      const own = make('details', [make('summary', title), place])
      own.addEventListener('toggle', () => own.open && load(), { once: true })
      return own
    }
    const name = `assembly/${fileOf[kind] ?? kind}.ts`
    details.append(
      sourceOf('WGSL, as it is written for this kernel', wgsl, () => {
        this.shaders.set(`${program} ${at}`, wgsl)
        this.ask({ kind: 'shader', program, at })
      }),
      sourceOf(`AssemblyScript: ${name}`, assembly, async () => {
        const response = await fetch(new URL(`${name}.txt`, import.meta.url))
        assembly.replaceChildren(listing(response.ok ? await response.text() : `${name} is not here`))
      }),
    )
    return details
  }
}
