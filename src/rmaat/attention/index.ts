import { astro } from './astro.ts'
import type { Attention } from './attention.ts'
import { linear } from './linear.ts'
import { softmax } from './softmax.ts'

export const attentions = { astro, linear, softmax } as const satisfies Record<string, Attention>
export type AttentionName = keyof typeof attentions
