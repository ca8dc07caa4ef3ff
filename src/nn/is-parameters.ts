import type { Parameters } from './parameters.ts'

// biome-ignore lint/suspicious/noExplicitAny: parameters of whatever tree
type AnyParameters = Parameters<any>

/** All that there are. What takes them or something else tells them by it, and does not load their class for that. */
const all = new WeakSet<object>()

export const enter = (parameters: AnyParameters): unknown => all.add(parameters)
export const isParameters = (value: unknown): value is AnyParameters => all.has(value as object)
