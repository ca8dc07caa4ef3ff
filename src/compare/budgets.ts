import { K_BLOCK } from '../backends/sizes.ts'
import type { Kernel } from '../program/plan.ts'
import { LINK, RUNNING, SUM } from './intervals.ts'

const of = (errors: string, summands: string): string => `(${SUM} + ${errors})·2⁻²⁴·Σ|${summands}|`

/** What each kernel's results may be off by, in words; n counts the terms of a sum. */
export const kernelBudgets: Readonly<Record<Kernel['kind'] | 'loop', string>> = {
  fused: `that of its steps; a sum ${of(`n/${2 * RUNNING}`, 'a')}`,
  reduce: `${of(`min(n, ${K_BLOCK})/2`, 'a')}; maxima and integers exact`,
  matmul: of(`min(n, ${K_BLOCK})/2 + n/${2 * LINK}`, 'a·b'),
  scan: `${SUM}·2⁻²⁴ of what its steps add up to: e_t = |a_t|·e_(t-1) + m_t, m_t = |a_t|·m_(t-1) + |b_t|, of moduli`,
  gather: 'exact',
  scatterAdd: of('n/2', 'a'),
  loop: 'the bits of its iterations written out',
}
