import type { Instruction, Kernel, KernelOf } from '../../program/plan.ts'
import { commute, joined, stretchesOf, type Touched, touchedBy, touchedByBoth } from '../../program/ranges.ts'
import { type Abilities, type Beside, Block, constants, type Dispatch, type Encoded } from './dispatch.ts'
import { fusedBeside } from './fused.ts'
import { matmulsBeside } from './matmul.ts'
import besideText from './modules/beside.wgsl.ts'

/*
 * Calls beside each other. The GPU waits for each dispatch to end before the next begins, and many are too small to keep it
 * busy. Calls that have nothing to do with each other and run the same shader are one dispatch: they differ in the uniform
 * block, of which there is one for each.
 */

/** So many calls at most, as many as have their ends in a vector. */
const MOST = 4

/** A dispatch of several calls, with the workgroups of each, in the order of their instructions. */
export interface Joint extends Dispatch {
  readonly shares: readonly { readonly instruction: number; readonly groups: number }[]
}

/** Calls that run at the same time. */
interface Group extends Touched, Beside {
  readonly calls: readonly Call[]
}
interface Call {
  readonly instruction: number
  readonly call: Kernel
  readonly alone: Encoded
}

/**
 * The dispatches of a program, in their order: between the borders of loops as many lists as there are calls, and an empty one
 * for each border. `encoded` are the dispatches of each instruction alone. They take no more scratch together.
 */
export function beside(
  instructions: readonly Instruction[],
  encoded: readonly Encoded[],
  abilities: Abilities,
): { readonly dispatches: readonly (readonly Joint[])[]; readonly scratch: number } {
  const scratch = Math.max(0, ...encoded.map((one) => one.scratch))
  const together = (one: Group, other: Group): Group | undefined => {
    const calls = [...one.calls, ...other.calls].sort((a, b) => a.instruction - b.instruction)
    const found = calls.length <= MOST && commute(one, other) ? shared(calls, abilities) : undefined
    return found && found.scratch <= scratch ? { ...found, calls, ...touchedByBoth(one, other) } : undefined
  }
  const dispatches: Joint[][] = []
  for (const { calls, counts, border } of stretchesOf(instructions)) {
    const first = dispatches.length
    const groups = calls.map((call, i): Group => {
      const alone = [{ instruction: first + i, call, alone: encoded[first + i] }]
      return { calls: alone, ...touchedBy(call, counts), ...apart(alone) }
    })
    for (const group of joined(groups, together)) dispatches.push(dispatchesOf(group))
    while (dispatches.length < first + calls.length + (border ? 1 : 0)) dispatches.push([])
  }
  return { dispatches, scratch }
}

/** Calls as they are encoded alone. */
const apart = (calls: readonly Call[]): Beside => ({
  scratch: calls.reduce((sum, { alone }) => sum + alone.scratch, 0),
  encode: () => calls.map(({ alone }) => alone),
})

/** Calls of which each has a shader in common with another one; undefined where they have not. */
function shared(calls: readonly Call[], abilities: Abilities): Beside | undefined {
  const [{ kind }, ...others] = calls.map(({ call }) => call)
  if (others.some((other) => other.kind !== kind)) return undefined
  const own = anew[kind]
  if (own) return own(calls.map(({ call }) => call) as never, abilities)
  const sources = calls.map(({ alone: { dispatches } }) => dispatches.map(({ source }) => source))
  const isShared = (source: string): boolean => sources.filter((others) => others.includes(source)).length > 1
  return sources.every((ofCall) => ofCall.some(isShared)) ? apart(calls) : undefined
}

/** The kernels whose calls are encoded so that they share a shader. */
const anew: { readonly [Kind in Kernel['kind']]?: (calls: KernelOf<Kind>[], on: Abilities) => Beside | undefined } = {
  fused: fusedBeside,
  matmul: matmulsBeside,
}

/** The dispatches of calls beside each other: the first ones of all, then the second ones. */
function dispatchesOf({ calls, encode }: Group): Joint[] {
  const bySource = [0, 1].map(() => new Map<string, { dispatch: Dispatch; instruction: number; scratch: number }[]>())
  let scratch = 0
  for (const [i, encoded] of encode().entries()) {
    const { instruction } = calls[i]
    for (const [phase, dispatch] of encoded.dispatches.entries()) {
      const same = bySource[phase].get(dispatch.source) ?? []
      bySource[phase].set(dispatch.source, [...same, { dispatch, instruction, scratch }])
    }
    scratch += encoded.scratch
  }
  return bySource.flatMap((phase) =>
    Array.from(phase, ([source, same]) => {
      const shares = same.map(({ instruction, dispatch: { groups } }) => ({ instruction, groups }))
      let groups = 0
      const ends = shares.map((share) => (groups += share.groups))
      const block = new Block()
      if (same.length > 1) block.vector(...ends.slice(0, MOST - 1))
      for (const { dispatch, scratch } of same) block.append(dispatch.block, scratch)
      const text = same.length > 1 ? sourceOf(source, same.length) : source
      return { name: same[0].dispatch.name, source: text, block, groups, shares }
    }),
  )
}

/** A shader for several calls. A package has the texts without spaces that mean nothing. */
const sourceOf = (source: string, calls: number): string =>
  source
    .replace(/\bcall\./g, 'calls.each[which].')
    .replace(/group_index\(id, ?groups\)/, 'share.y')
    .replace(/@compute[^{]*{/, '$&\nlet share = own_share(group_index(id, groups));\nlet which = share.x;\n')
    .replace(/@group\(0\) ?@binding\(1\).*/, () => constants({ CALLS: calls }) + besideText)
