import { RmaatError } from '../errors.ts'
import type { Kernel } from '../program/accesses.ts'
import { elementsOf } from '../program/axes.ts'
import { describe } from '../program/listing.ts'

/** What a kernel may count to in i32, with room to step past the last. */
export const MOST = 2 ** 31 - 2 ** 16

/**
 * Refuses a call whose axes or sums are longer than kernels count. What lies in memory is shorter, or refused for that; what
 * is stretched by a broadcast, or goes over all pairs, may not be. `lanes`: over how many a `rows` call may go.
 */
export function checkCounts(call: Kernel, lanes = Infinity): void {
  const refuse = (count: number, what: string, most = MOST): void => {
    if (count <= most) return
    throw new RmaatError('memory', `${describe(call)} goes over ${count} ${what}; this device counts to ${most}`)
  }
  switch (call.kind) {
    case 'rows':
      refuse(call.rows * call.width, 'lanes', lanes)
      // nothing counts along a first axis
      for (const { view } of call.operands)
        for (const { size } of view.axes.slice(1)) refuse(size, 'elements of an axis')
      return
    case 'reduce':
      if (call.reduced.some(({ stride }) => stride === 0)) refuse(elementsOf(call.reduced), 'terms of a sum')
      return
    case 'matmul': {
      const { k } = call
      const inMemory = k.every(({ a }) => a !== 0) || k.every(({ b }) => b !== 0)
      if (!inMemory) refuse(elementsOf(k), 'terms of a sum')
      return
    }
    case 'gather':
    case 'scatterAdd':
      return
    default:
      call satisfies never
  }
}
