// Writes the documentation that is generated from the sources: npm run docs
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { kernelBudgets } from '../src/compare/budgets.ts'
import type { ScalarName } from '../src/ops/rounded.ts'
import { scalars } from '../src/ops/scalar.ts'
import { writeFileAtomically } from '../src/runtime/files.ts'
import { fileOf, guides, table, withoutTimes, written } from './guides.ts'

/** What NaN and infinity do on every device: where bits are looked at, or a value is only chosen or moved. */
const promised: { readonly [Name in ScalarName]?: string } = {
  isFinite: '0 for NaN and both infinities: bits are looked at',
  toInt: 'saturates; NaN gives 0',
  where: 'what is not chosen has no influence',
}

const code = (text: string): string => `\`${text}\``

export const errorBudgets = (): string => `# Error budgets

<!-- Written by \`npm run docs\`; a test fails where it is out of date. -->

Every kernel of a device is held against the reference, which computes that one kernel in double precision on the operands
that the device itself held. Errors of several kernels never add up in the comparison, so the first kernel past its budget
is the one that is wrong. \`rmaat compare\` shows how much of each budget a device takes.

x is the exact result. One ULP is 2⁻²³·|x|, at least 2⁻¹²⁶ (2⁻¹²⁶ is the smallest normal number: devices may flush what is
smaller to zero, exponentials and powers below twice that).

## Kernels

n counts the terms of a sum. A running sum of terms that are alike loses up to half a unit a term, and always to the same
side; blocks keep that from growing with n. Sums of a \`reduce\` are made of blocks of blocks, as deep as n asks for. A product
adds its blocks to the result one after another: a level more would take a second copy of the result through the cache, so
of n there is left a link for each 256 terms.

${table(
  ['kernel', 'budget'],
  Object.entries(kernelBudgets).map(([name, text]) => [code(name), text]),
)}

A \`fused\` program is bounded step by step: what a step may be off by carries through the steps that follow.
On \`wasm\` fused is unfused and a loop is its iterations written out, bit for bit. Random bits, uniforms and dropout
decisions are the same on every device.

## Scalar operations

Names ending in I work on 32-bit integers, which are exact and wrap around. a and b are the operands.

${table(
  ['operation', 'budget', 'of NaN and infinity, on every device'],
  Object.entries(scalars).map(([name, { budget }]) => [code(name), budget.text, promised[name as ScalarName] ?? '']),
)}

## NaN and infinity

\`reference\` and \`wasm\` follow IEEE 754: a result beyond the largest number (of float64 there, of float32 here) is an
infinity, a NaN operand gives NaN, comparisons with NaN give 0. Sums, maxima and minima over a NaN give NaN, and \`argmax\`
the first NaN, or else the first maximum: the gradient of a maximum goes there.

\`webgpu\` promises them only where a stored value's bits are looked at: by \`isFinite\`, and so by the guard that skips
the update of a gradient that is not finite. Elsewhere its compilers may assume that there are none; \`argmax\` then
gives some index of the axis, and none outside. Masks are finite numbers or \`where\`, on every device: what \`where\` does
not choose has no influence, on the gradient neither (a contraction, which sums over what was chosen and what was not, takes
0 times NaN as NaN). An index out of range gives NaN in \`gather\` and is dropped in \`scatterAdd\`.
`

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await writeFileAtomically(fileURLToPath(fileOf('error-budgets')), errorBudgets())
  for (const name of guides) {
    const guide = readFileSync(fileOf(name), 'utf8')
    const now = await written(guide)
    if (withoutTimes(now) !== withoutTimes(guide)) await writeFileAtomically(fileURLToPath(fileOf(name)), now)
  }
}
