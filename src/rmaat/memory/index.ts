import { additive } from './additive.ts'
import { mix } from './mix.ts'
import { reset } from './reset.ts'
import { scaled } from './scaled.ts'
import { split } from './split.ts'
import type { MemoryUpdate } from './update.ts'

export const memoryUpdates = { scaled, additive, mix, split, reset } as const satisfies Record<string, MemoryUpdate>
export type MemoryUpdateName = keyof typeof memoryUpdates
