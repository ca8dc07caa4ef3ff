import { element } from './form.ts'
import type { Reply, Request } from './messages.ts'
import type { Settings } from './settings.ts'
import { bytes, make, whole } from './text.ts'

/** Planned bytes against the dial, for a number of segments of its own. */
export class MemorySection {
  private readonly ask: (request: Request) => void
  private readonly settings: () => Settings | undefined
  private readonly slider = element<HTMLInputElement>('plan')

  constructor(ask: (request: Request) => void, settings: () => Settings | undefined) {
    this.ask = ask
    this.settings = settings
    this.slider.oninput = () => this.update()
    // plans take some of the processor: they wait until somebody comes to see them
    new IntersectionObserver(([{ isIntersecting }]) => {
      this.isSeen = isIntersecting
      if (isIntersecting && this.waits) this.update()
    }).observe(element('memory'))
  }

  private isSeen = false
  private waits = true

  update(): void {
    const segments = 2 ** Number(this.slider.value)
    element('plan-segments').textContent = `${segments}`
    this.slider.setAttribute('aria-valuetext', `${segments} segments`)
    this.waits = !this.isSeen
    const settings = this.settings()
    if (this.waits || !settings) return
    const threads = crossOriginIsolated ? settings.threads || navigator.hardwareConcurrency : 1
    this.ask({ kind: 'plan', settings: { ...settings, segments }, threads })
  }

  show({ points, segments, whole: isWhole }: Extract<Reply, { kind: 'planned' }>): void {
    const most = Math.max(...points.map(({ peak }) => peak))
    const rows = points.map(({ kept, method, peak, kernels }) => {
      const bar = make('span')
      bar.style.width = `${(80 * peak) / most}%`
      const share = make('td', [bar], 'fill')
      if (isWhole) share.append(` ${((100 * peak) / most).toFixed(0)} %`)
      const name =
        method === 'bptt' ? `all ${segments - 1}: BPTT` : kept === 0 ? 'none: replay' : `${kept} of ${segments - 1}`
      return make('tr', [make('td', name), make('td', bytes(peak)), make('td', whole(kernels)), share])
    })
    if (!isWhole) rows.push(make('tr', [make('td', 'planning …', 'quiet')]))
    element('plans')
      .querySelector('tbody')!
      .replaceChildren(...rows)
  }
}
