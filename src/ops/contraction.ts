import { aString, takes } from '../checks.ts'
import type { RmaatError } from '../errors.ts'
import type { Shape } from '../tensor/dtype.ts'
import { aTensor } from '../tensor/kinds.ts'
import { broadcastShapes, shapeError } from '../tensor/shape.ts'
import { Tensor } from '../tensor/tensor.ts'
import { expectDType, type OpRow } from './row.ts'

/** Letters of the axes of both operands and of the result. */
export interface Contraction {
  readonly a: string
  readonly b: string
  readonly out: string
}

export const contractionRows = {
  /** The derivative of a contraction is a contraction of the cotangent with the other operand. */
  einsum: {
    gradient: ({ cotangent: g, inputs: [x, y], attributes }) => {
      const { a, b, out } = attributes as Contraction
      return [contract(g, y, { a: out, b, out: a }), contract(x, g, { a, b: out, out: b })]
    },
  },
} satisfies Record<string, OpRow>

/** The size of the axis that each letter stands for. */
export const sizesOf = ({ a, b }: Contraction, left: Shape, right: Shape): Map<string, number> =>
  new Map([
    ...[...a].map((letter, axis) => [letter, left[axis]] as const),
    ...[...b].map((letter, axis) => [letter, right[axis]] as const),
  ])

/** Letters that stand in one operand alone are summed before, so that every other one is a batch, row, column or inner axis. */
function contract(x: Tensor, y: Tensor, { a, b, out }: Contraction): Tensor {
  const reduce = (operand: Tensor, letters: string, other: string): [Tensor, string] => {
    const kept = [...letters].filter((letter) => other.includes(letter) || out.includes(letter))
    return [operand.sum([...letters].flatMap((letter, axis) => (kept.includes(letter) ? [] : [axis]))), kept.join('')]
  }
  const [left, leftLetters] = reduce(x, a, b)
  const [right, rightLetters] = reduce(y, b, a)
  const contraction: Contraction = { a: leftLetters, b: rightLetters, out }
  const size = sizesOf(contraction, left.shape, right.shape)
  const shape = [...out].map((letter) => size.get(letter)!)
  return new Tensor('einsum', [left, right], contraction, shape, 'f32')
}

/** A contraction as a formula: the product of all that meets, then its sum. */
export function productAndSum({ inputs, attributes: { a, b, out } }: Tensor<Contraction>): Tensor {
  const inner = [...a].filter((letter) => !out.includes(letter))
  const letters = [...out, ...inner]
  const [left, right] = [a, b].map((own, i) => {
    const axes = letters.map((letter) => own.indexOf(letter))
    const { shape } = inputs[i]
    return inputs[i].transpose(axes.filter((axis) => axis >= 0)).reshape(axes.map((axis) => shape[axis] ?? 1))
  })
  return left.mul(right).sum(inner.map((_, i) => out.length + i))
}

/**
 * A product of two tensors in Einstein's notation: `einsum('bnhm,bhmv->bnhv', query, state)`. Letters of the result keep
 * their axis, the others are summed over. Each letter stands at most once in each place; sizes of equal letters are equal.
 */
export function einsum(notation: string, x: Tensor, y: Tensor): Tensor {
  takes('einsum', { notation, x, y }, { notation: aString, x: aTensor, y: aTensor })
  const match = /^([a-zA-Z]*),([a-zA-Z]*)->([a-zA-Z]*)$/.exec(notation.replaceAll(' ', ''))
  const wrong = (why: string): RmaatError => shapeError`einsum '${notation}' of ${x.shape} and ${y.shape}: ${why}`
  if (!match) throw wrong("expected a form like 'ij,jk->ik'")
  const [, a, b, out] = match
  expectDType('einsum', x, 'f32')
  expectDType('einsum', y, 'f32')
  if (a.length !== x.rank || b.length !== y.rank) throw wrong('a letter is needed for every axis')
  if ([a, b, out].some((letters) => new Set(letters).size !== letters.length))
    throw wrong('a letter stands twice in one place')
  const size = sizesOf({ a, b, out }, x.shape, y.shape)
  ;[...a].forEach((letter, axis) => {
    if (x.shape[axis] !== size.get(letter))
      throw wrong(`axis ${letter} has size ${x.shape[axis]} in the one and ${size.get(letter)} in the other`)
  })
  for (const letter of out) if (!size.has(letter)) throw wrong(`axis ${letter} of the result stands in neither operand`)
  return contract(x, y, { a, b, out })
}

/** Matrix product over the last two axes; axes before them are broadcast. A vector is a row on the left, a column on the right. */
export function matmul(x: Tensor, y: Tensor): Tensor {
  if (x.rank === 0 || y.rank === 0) throw shapeError`matmul: a scalar is no matrix; use mul`
  const inner = [x.shape[x.rank - 1], y.shape[Math.max(0, y.rank - 2)]]
  if (inner[0] !== inner[1])
    throw shapeError`matmul: ${x.shape} times ${y.shape}: inner sizes ${inner[0]} and ${inner[1]} differ`
  const batch = broadcastShapes('matmul', x.shape.slice(0, -2), y.shape.slice(0, -2))
  const letters = batch.map((_, axis) => String.fromCharCode(97 + axis))
  // a broadcast axis is left out of its operand, so that the gradient folds it into the contraction
  const fold = (operand: Tensor, matrix: string): [Tensor, string] => {
    const lead = batch.length - (operand.rank - matrix.length)
    const own = [...batch.keys()].filter((axis) => axis >= lead && operand.shape[axis - lead] === batch[axis])
    const shape = [...own.map((axis) => batch[axis]), ...operand.shape.slice(-matrix.length)]
    return [operand.reshape(shape), own.map((axis) => letters[axis]).join('') + matrix]
  }
  const [row, column] = [x.rank > 1 ? 'X' : '', y.rank > 1 ? 'Z' : '']
  const [l, a] = fold(x, `${row}Y`)
  const [r, b] = fold(y, `Y${column}`)
  return einsum(`${a},${b}->${letters.join('')}${row}${column}`, l, r)
}
