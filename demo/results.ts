import { retention } from '../src/rmaat/retention.ts'
import { Chart, drawMemory, History } from './charts.ts'
import { element } from './form.ts'
import type { Reply } from './messages.ts'
import type { Settings } from './settings.ts'
import { bytes, make, percent, whole } from './text.ts'

/** So many steps are averaged in the figures: single batches scatter. */
const RECENT = 20

const numbered = (values: readonly number[]): number[] => values.map((_, i) => i + 1)

/** Figures and charts of a training, as they come. */
export class Results {
  private history = new History()
  private recent: { loss: number; accuracy: number }[] = []
  private chance = Number.NaN
  private waits = false
  private readonly charts = {
    loss: new Chart(element('loss-chart'), { x: 'step', series: [{ label: 'loss', colour: '--one' }] }),
    accuracy: new Chart(element('accuracy-chart'), {
      x: 'step',
      range: [0, 1],
      series: [
        { label: 'accuracy', colour: '--one' },
        { label: 'chance', colour: '--two', dashed: true },
      ],
    }),
    gradient: new Chart(element('gradient-chart'), {
      x: 'segment t',
      log: true,
      points: true,
      series: [{ label: '|dL/dm|', colour: '--one' }],
    }),
    retention: new Chart(element('retention-chart'), {
      x: 'segment t',
      points: true,
      series: [{ label: 'RF', colour: '--two' }],
    }),
  }

  hear(reply: Reply): void {
    switch (reply.kind) {
      case 'fresh':
        this.clear()
        return
      case 'task':
        this.chance = reply.chance
        element('chance').textContent = percent(reply.chance)
        element('notes').textContent = reply.notes.join('. ')
        return
      case 'begin':
        element('planned').textContent = bytes(reply.peak)
        element('planned').title = `${whole(reply.parameters)} parameters, ${reply.kernels} kernels by ${reply.method}`
        return
      case 'steps':
        this.steps(reply)
        return
      case 'seen':
        this.seen(reply)
        return
      case 'tested': {
        const { accuracy, majority, examples, loss } = reply
        element('notes').textContent =
          `Tested on ${examples} sequences that were held out: ${percent(accuracy)} right, loss ${loss.toFixed(3)}; the most frequent answer alone is right for ${percent(majority)}.`
      }
    }
  }

  clear(): void {
    this.history = new History()
    this.recent = []
    for (const id of ['steps', 'loss', 'accuracy', 'speed']) element(id).textContent = '–'
    this.charts.gradient.set([[], []])
    this.draw()
  }

  showRetention({ segments, retention: schedule }: Settings): void {
    const factors = Array.from({ length: segments }, (_, t) => retention(t + 1, segments, schedule as 'fixed'))
    this.charts.retention.set([numbered(factors), factors])
    element('retention-chart').ariaLabel =
      `Retention factor: ${factors[0].toPrecision(3)} after the first of ${segments} segments, ${factors[segments - 1].toPrecision(3)} after the last`
  }

  private steps({ steps, tokensPerSecond, memoryGradients }: Extract<Reply, { kind: 'steps' }>): void {
    for (const { step, loss, accuracy } of steps) {
      this.history.add(step, loss, accuracy)
      this.recent.push({ loss, accuracy })
    }
    this.recent = this.recent.slice(-RECENT)
    const mean = (of: 'loss' | 'accuracy'): number =>
      this.recent.reduce((sum, one) => sum + one[of], 0) / this.recent.length
    element('steps').textContent = whole(steps[steps.length - 1].step)
    element('loss').textContent = mean('loss').toFixed(3)
    element('accuracy').textContent = percent(mean('accuracy'))
    element('speed').textContent = whole(tokensPerSecond)
    const positive = memoryGradients.map((norm) => (norm > 0 ? norm : null))
    this.charts.gradient.set([numbered(memoryGradients), positive])
    element('gradient-chart').ariaLabel =
      `Norm of the gradient with respect to the memory: ${memoryGradients[0]?.toExponential(1)} at the first segment, ${memoryGradients.at(-1)?.toExponential(1)} at the last`
    element('loss-chart').ariaLabel = `Loss against steps, now ${mean('loss').toFixed(3)}`
    element('accuracy-chart').ariaLabel = `Accuracy against steps, now ${percent(mean('accuracy'))}`
    this.draw()
  }

  /** Draws with the next frame, once however much has come. */
  private draw(): void {
    if (this.waits) return
    this.waits = true
    requestAnimationFrame(() => {
      this.waits = false
      const { steps, loss, accuracy } = this.history
      this.charts.loss.set([steps, loss])
      this.charts.accuracy.set([steps, accuracy, steps.map(() => this.chance)])
    })
  }

  private seen({ answers, memory, sizes }: Extract<Reply, { kind: 'seen' }>): void {
    const canvas = element<HTMLCanvasElement>('heat')
    drawMemory(canvas, memory, sizes)
    const [segments, slots, width] = sizes
    canvas.ariaLabel = `${slots} memory tokens of ${width} numbers, as they enter each of ${segments} segments`
    const rows = answers.map(({ text, label, found, share }) => {
      const sequence = make('td', text)
      sequence.title = text
      const answer = make('td', `${found} ${found === label ? '✓' : '✗'}`, found === label ? 'right' : 'wrong')
      return make('tr', [sequence, make('td', label), answer, make('td', percent(share))])
    })
    element('answers')
      .querySelector('tbody')!
      .replaceChildren(...rows)
  }
}
