import type { Recurrence } from '../ops/scan.ts'
import { merged, rowMajor, shapeOf } from './axes.ts'
import type { Ref, Task } from './graph.ts'
import type { Place, ProductAxis, Scan } from './plan.ts'

/** A recurrence over factors a and terms b as a call: the axes beside its own are lanes. */
export function scanOf(a: Ref, b: Ref, { axis, reverse, complex, conjugate }: Recurrence): Task {
  const states = rowMajor(shapeOf(b.axes))
  const axes = b.axes.map(({ size, stride }, i) => ({ size, a: a.axes[i].stride, b: stride, out: states[i].stride }))
  const lanes = merged(axes.filter((_, i) => i !== axis && i !== complex))
  const parts = complex === undefined ? { size: 1, a: 0, b: 0, out: 0 } : axes[complex]
  return { kind: 'scan', a, b, reverse, conjugate, steps: axes[axis], parts, lanes }
}

/** The same call with steps that go forwards through memory, or, where it goes in reverse, backwards by their strides. */
export function inOrder(call: Scan): Pick<Scan, 'a' | 'b' | 'out' | 'steps'> {
  const { a, b, out, steps, reverse } = call
  if (!reverse) return { a, b, out, steps }
  const last = (place: Place, step: number): Place => ({ ...place, offset: place.offset + step })
  const backwards: ProductAxis = { size: steps.size, a: -steps.a, b: -steps.b, out: -steps.out }
  return {
    a: last(a, (steps.size - 2) * steps.a),
    b: last(b, (steps.size - 1) * steps.b),
    out: last(out, (steps.size - 1) * steps.out),
    steps: backwards,
  }
}
