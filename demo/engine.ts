import { RmaatError, simulate } from '../src/index.ts'
import { compareHere } from './compare.ts'
import { Explainer } from './explain.ts'
import type { Reply, Request } from './messages.ts'
import { planPoints } from './planning.ts'
import { Session } from './session.ts'

const tell = (reply: Reply): void => postMessage(reply)
const session = new Session(tell)
const explainer = new Explainer(session, tell)
/** How many plans were asked for: the last one alone counts. */
let asked = 0

async function handle(request: Request): Promise<void> {
  switch (request.kind) {
    case 'start':
      return session.start(request.settings, request.content)
    case 'stop':
      return session.stop()
    case 'reset':
      return session.reset()
    case 'save':
      return session.save()
    case 'open':
      return session.openFile(request)
    case 'explain':
      return explainer.explain(request.id, request.settings)
    case 'simulate': {
      const { curve } = simulate({})
      const of = (key: 'time' | 'shortTerm' | 'longTerm'): number[] => curve.map((state) => state[key])
      tell({ kind: 'simulated', times: of('time'), shortTerm: of('shortTerm'), longTerm: of('longTerm') })
      return
    }
    case 'compare':
      return compareHere(request.settings, tell)
    case 'shader':
      return explainer.shader(request.program, request.at)
  }
}

function report(error: unknown): void {
  const { message } = error as Error
  tell({ kind: 'error', code: error instanceof RmaatError ? error.code : 'internal', message })
}

/** Requests are met one after another; what steers a run that is under way does not wait for them. */
let queue: Promise<void> = Promise.resolve()
addEventListener('message', ({ data }: MessageEvent<Request>) => {
  if (data.kind === 'pause') session.pause()
  else if (data.kind === 'resume') session.resume()
  else if (data.kind === 'plan') {
    const own = ++asked
    planPoints(data.settings, data.threads, tell, () => own === asked).catch(report)
  } else queue = queue.then(() => handle(data)).catch(report)
})
