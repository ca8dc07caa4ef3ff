import type { AccuracyEvent } from '../src/compare/events.ts'
import type { CompareEvent } from '../src/index.ts'
import { Chart } from './charts.ts'
import { element } from './form.ts'
import type { Reply } from './messages.ts'
import type { Settings } from './settings.ts'
import { duration, make } from './text.ts'

type Curve = Extract<Reply, { kind: 'curve' }>

/** The devices of this browser against the reference, in an engine of their own. */
export class CompareSection {
  private readonly settings: () => Settings | undefined
  private readonly startWorker: (listener: (reply: Reply) => void) => Worker
  private readonly button = element<HTMLButtonElement>('compare-start')
  private readonly copy = element<HTMLButtonElement>('compare-copy')
  private worker: Worker | undefined
  private events: CompareEvent[] = []
  private curves: Curve[] = []
  private chart: Chart | undefined

  constructor(startWorker: (listener: (reply: Reply) => void) => Worker, settings: () => Settings | undefined) {
    this.startWorker = startWorker
    this.settings = settings
    this.button.onclick = () => (this.worker ? this.end('Stopped.') : this.begin())
    this.copy.onclick = async () => {
      await navigator.clipboard.writeText(JSON.stringify(this.report(), null, 2)).then(
        () => this.say('The results are on the clipboard.'),
        () => this.say('The browser gives no access to the clipboard.'),
      )
    }
  }

  private report(): object {
    const { userAgent } = navigator
    return { userAgent, address: location.href, curves: this.curves, events: this.events }
  }

  private say(words: string): void {
    element('compare-status').textContent = words
  }

  private begin(): void {
    const settings = this.settings()
    if (!settings) return
    ;[this.events, this.curves] = [[], []]
    this.button.textContent = 'Stop'
    this.copy.disabled = true
    element('compare-results').hidden = false
    element('compare-words').replaceChildren()
    this.worker = this.startWorker((reply) => this.hear(reply))
    this.worker.postMessage({ kind: 'compare', settings })
  }

  private end(words: string): void {
    this.worker?.terminate()
    this.worker = undefined
    this.button.textContent = 'Compare'
    this.copy.disabled = this.events.length === 0
    this.say(words)
  }

  private hear(reply: Reply): void {
    if (reply.kind === 'comparing') this.say(`${reply.words} …`)
    else if (reply.kind === 'error') this.end(reply.message)
    else if (reply.kind === 'curve') {
      this.curves.push(reply)
      this.draw()
      if (reply.hash)
        this.tell(`The weights after these steps with plain SIMD, on any number of threads: ${reply.hash}`)
    } else if (reply.kind === 'compared') {
      this.events.push(reply.event)
      this.event(reply.event)
    }
  }

  private tell(words: string, className = ''): void {
    element('compare-words').append(make('li', words, className))
  }

  private event(event: CompareEvent): void {
    switch (event.kind) {
      case 'accuracy':
        if (event.of === 'kernel') this.table()
        return
      case 'device':
        this.tell(`${event.device}: ${event.description}`)
        return
      case 'step': {
        const first = event.passed ? 'no kernel past its budget' : `the first kernel past its budget: ${event.wrong}`
        this.tell(
          `A training step on ${event.device}: ${duration(event.milliseconds)}, the loss off by ${event.lossError.toExponential(1)}, the gradient by ${event.gradientError.toExponential(1)}; of ${event.kernels} kernels, ${first}`,
          event.passed ? '' : 'wrong',
        )
        return
      }
      case 'crossing':
        this.tell(event.text)
        return
      case 'failure':
        this.tell(`${event.device}, ${event.what}: ${event.message}`, 'wrong')
        return
      case 'end':
        this.end(event.passed ? 'Every kernel keeps to its error budget.' : `${event.failures.length} failures.`)
    }
  }

  /** Worst shares of the error budgets: a row a kernel, a column a device. */
  private table(): void {
    const found = this.events.filter(
      (event): event is AccuracyEvent => event.kind === 'accuracy' && event.of === 'kernel',
    )
    const [devices, names] = (['device', 'name'] as const).map((key) => [...new Set(found.map((event) => event[key]))])
    const head = [
      'Kernel',
      ...devices.flatMap((device) => [`${device}: worst share of its error budget`, 'time of the cases']),
    ]
    const rows = names.map((name) =>
      make('tr', [
        make('td', name),
        ...devices.flatMap((device) => {
          const one = found.find((event) => event.device === device && event.name === name)
          if (!one) return [make('td', '–'), make('td', '–')]
          const share = make('td', `${(100 * one.budget).toFixed(0)} %`, one.passed ? '' : 'wrong')
          return [share, make('td', duration(one.milliseconds))]
        }),
      ]),
    )
    const table = element('compare-kernels')
    table.querySelector('thead')!.replaceChildren(
      make(
        'tr',
        head.map((text) => make('th', text)),
      ),
    )
    table.querySelector('tbody')!.replaceChildren(...rows)
  }

  private draw(): void {
    const place = element('compare-chart')
    place.replaceChildren()
    this.chart?.close()
    const colours = ['--one', '--two', '--green']
    const series = this.curves.map(({ device }, i) => ({ label: device, colour: colours[i], dashed: i > 0 }))
    this.chart = new Chart(place, { x: 'step', series })
    this.chart.set([this.curves[0].losses.map((_, i) => i + 1), ...this.curves.map(({ losses }) => losses)])
  }
}
