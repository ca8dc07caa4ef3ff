import { RmaatError } from '../errors.ts'
import { countsOf, describeKernel } from '../program/kernels.ts'
import type { Kernel, Plan } from '../program/plan.ts'

/** What a kernel may count to in i32, with room to step past the last. */
export const MOST = 2 ** 31 - 2 ** 16

/** Refuses a call that counts further than kernels can. `lanes`: how many lanes a `fused` call may have. */
export function checkCounts(call: Kernel, lanes = Infinity): void {
  for (const [count, what] of countsOf(call)) {
    if (count > (what === 'lanes' ? lanes : MOST))
      throw new RmaatError(
        'memory',
        `${describeKernel(call)} goes over ${count} ${what}; this device counts to ${MOST}`,
      )
  }
}

/** What a plan's constants take, which a backend holds beside its memory: in bytes. */
export const constantBytes = ({ buffers }: Plan): number =>
  buffers.reduce((sum, buffer) => sum + (buffer.kind === 'constant' ? buffer.values.byteLength : 0), 0)
