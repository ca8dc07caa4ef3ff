import { planningDevice } from '../src/backends/planning.ts'
import { models } from '../src/index.ts'
import type { Backward } from '../src/nn/model.ts'
import { isKernel } from '../src/program/kernels.ts'
import { plannedMemory, planStep, pointsOf } from '../src/train/planner.ts'
import type { PlanPoint, Reply } from './messages.ts'
import type { Settings } from './settings.ts'
import { modelSettings, sizesOf } from './task.ts'

/** None, all, and some between. */
const POINTS = 5

/** Plans the training step for each point of the dial, the smallest first, and tells what is known so far. */
export async function planPoints(
  settings: Settings,
  threads: number,
  tell: (reply: Reply) => void,
  isWanted: () => boolean,
): Promise<void> {
  const { segments, batch } = settings
  const points: PlanPoint[] = []
  const sizes = await sizesOf(settings)
  const keeps = pointsOf(segments, POINTS)
  for (const keep of keeps) {
    await new Promise((resolve) => setTimeout(resolve, 0)) // a later request may stand in line
    if (!isWanted()) return
    const backward: Backward = keep === segments - 1 ? { method: 'bptt' } : { method: 'amrb', keep }
    const device = planningDevice('wasm', threads)
    const model = models.rmaat.make(device, { ...modelSettings(settings), ...sizes })
    const found = planStep(model, { ...backward, batch, clip: 1, trace: true })
    const kernels = found.instructions.filter(isKernel).length
    points.push({ method: backward.method, kept: keep, peak: plannedMemory(device, found).peak, kernels })
    tell({ kind: 'planned', segments, points, whole: points.length === keeps.length })
  }
}
