import { at } from '../baselines/at.ts'
import { bagOfTokens } from '../baselines/bag-of-tokens.ts'
import { gla } from '../baselines/gla.ts'
import { lru } from '../baselines/lru.ts'
import { minGru } from '../baselines/mingru.ts'
import { rlt } from '../baselines/rlt.ts'
import { rmt } from '../baselines/rmt.ts'
import { s4d } from '../baselines/s4d.ts'
import { transformer } from '../baselines/transformer.ts'
import type { ModelKind } from '../nn/kind.ts'
import { rmaat } from '../rmaat/kind.ts'

/** Every model by its name. A new one is a file, and a line here. */
export const models: Readonly<Record<string, ModelKind>> = {
  rmaat,
  rmt,
  rlt,
  at,
  transformer,
  lru,
  s4d,
  mingru: minGru,
  gla,
  'bag-of-tokens': bagOfTokens,
}
