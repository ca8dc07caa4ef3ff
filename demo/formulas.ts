import { classLoss, f32, i32, type ModelConfig, type Rmaat, Tensor } from '../src/index.ts'
import { layerNorm } from '../src/nn/norm.ts'
import type { InputSpec } from '../src/program/program.ts'
import { attentions } from '../src/rmaat/attention/index.ts'
import { block } from '../src/rmaat/block.ts'
import { memoryUpdates } from '../src/rmaat/memory/index.ts'
import { updateMemory } from '../src/rmaat/memory/update.ts'
import { attentionConfigOf } from '../src/rmaat/parameters.ts'
import { positions } from '../src/rmaat/positions.ts'

/** A formula as a program of its own, at the sizes of the model: B rows of N = M + S tokens of width d. */
export interface FormulaProgram {
  readonly inputs: Readonly<Record<string, InputSpec>>
  readonly formula: (inputs: Readonly<Record<string, Tensor>>) => Tensor
  /** The parameters of the model that stand in it. */
  readonly weights?: readonly Tensor[]
}

/** The tensors of a tree. */
const leaves = (tree: object): Tensor[] =>
  Object.values(tree).flatMap((value) => (value instanceof Tensor ? [value] : leaves(value)))

/** Of a segment, with the memory's. */
const tokensOf = (config: ModelConfig): number => attentionConfigOf(config).tokens

/** The formulas that kernels compute; the same functions as the model's. The step as a whole is compiled elsewhere. */
export const programs: Readonly<Record<string, (model: Rmaat, rows: number) => FormulaProgram>> = {
  positions: ({ config }) => ({
    inputs: { basis: f32(config.heads, config.features, tokensOf(config)), scale: f32() },
    formula: ({ basis, scale }) => positions(basis, scale.softplus(), config.causal),
  }),

  attention: ({ config }, rows) => {
    const { heads, features, width } = config
    const tokens = tokensOf(config)
    const projected = f32(rows, tokens, heads, features)
    return {
      inputs: {
        query: projected,
        key: projected,
        value: f32(rows, tokens, heads, width / heads),
        valid: f32(rows, tokens),
        R: f32(heads, tokens, features),
      },
      formula: ({ query, key, value, valid, R }) =>
        attentions[config.attention].attend(
          { query, key, value, valid, weights: {}, prepared: R },
          { ...config, tokens },
        ),
    }
  },

  block: ({ config, parameters }, rows) => {
    const { width, attention, norm } = config
    const tokens = tokensOf(config)
    const weights = parameters.tensors.blocks[0]
    return {
      inputs: { x: f32(rows, tokens, width), valid: f32(rows, tokens) },
      formula: ({ x, valid }) => {
        const own = attentions[attention]
        const attentionConfig = { ...config, tokens }
        const prepared = own.prepare(weights as unknown as Record<string, Tensor>, attentionConfig)
        return block(x, weights, {
          attention: own,
          config: attentionConfig,
          norm,
          prepared,
          valid,
          drop: (y) => y,
          wanted: tokens,
        })
      },
      weights: leaves(weights),
    }
  },

  norm: ({ config, parameters }, rows) => ({
    inputs: { x: f32(rows, tokensOf(config), config.width) },
    formula: ({ x }) => layerNorm(x, parameters.tensors.blocks[0].norm1),
    weights: leaves(parameters.tensors.blocks[0].norm1),
  }),

  memory: ({ config: { width, memory: slots, update }, parameters }, rows) => ({
    inputs: { RF: f32(rows), m: f32(rows, slots, width), fresh: f32(rows, slots, width) },
    formula: ({ RF, m, fresh }) =>
      updateMemory(memoryUpdates[update], {
        retention: RF.reshape([rows, 1, 1]),
        memory: m,
        fresh,
        weights: parameters.tensors.update ?? {},
      }),
  }),

  loss: ({ config: { classes } }, rows) => ({
    inputs: { logits: f32(rows, classes), labels: i32(rows), weights: f32(rows) },
    formula: ({ logits, labels, weights }) => classLoss(logits, labels, weights).loss,
  }),
}
