import { aString, takes } from '../checks.ts'
import type { RmaatError } from '../errors.ts'
import type { Shape } from '../tensor/dtype.ts'
import { tensors } from '../tensor/kinds.ts'
import { broadcastShapes, shapeError } from '../tensor/shape.ts'
import { Tensor } from '../tensor/tensor.ts'
import { expectDType, type OpEntry } from './entry.ts'

/** Letters of the axes of both operands and of the result. */
export interface Contraction {
  readonly a: string
  readonly b: string
  readonly out: string
}

export const contractionEntries = {
  /** The derivative of a contraction is a contraction of the cotangent with the other operand. */
  einsum: {
    gradient: ({ cotangent: g, inputs: [x, y], attributes }) => {
      const { a, b, out } = attributes as Contraction
      return [contract(g, y, { a: out, b, out: a }), contract(x, g, { a, b: out, out: b })]
    },
  },
} satisfies Record<string, OpEntry>

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
 * The product of tensors in Einstein's notation: `einsum('bnhm,bhmv->bnhv', query, state)`. Letters of the result keep their
 * axis, the others are summed over, as soon as no operand to come has them; sizes of equal letters are equal. Of three or more
 * the product is made from the left on. A letter twice in one operand stands for its diagonal: `einsum('ii->', x)` is the trace.
 * `...` stands for axes without letters, which broadcast.
 */
export function einsum(notation: string, ...operands: readonly Tensor[]): Tensor {
  takes('einsum', { notation, operands }, { notation: aString, operands: tensors })
  const found = operands.map(({ shape }) => `[${shape.join(', ')}]`).join(' and ') || 'nothing'
  const wrong = (why: string): RmaatError => shapeError`einsum '${notation}' of ${found}: ${why}`
  const [, list, result] = /^((?:[a-zA-Z,]|\.{3})*)->((?:[a-zA-Z]|\.{3})*)$/.exec(notation.replaceAll(' ', '')) ?? []
  if (result === undefined) throw wrong("expected a form like 'ij,jk->ik' or 'ij->ji'")
  const subscripts = list.split(',')
  if (subscripts.length !== operands.length) throw wrong(`${subscripts.length} operands are named`)
  if ([...subscripts, result].some((list) => list.split('...').length > 2)) throw wrong('... stands twice in one place')
  for (const operand of operands) expectDType('einsum', operand, 'f32')

  // the axes of `...` get letters of another alphabet, aligned at the back
  const others = operands.map(({ rank }, i) => (subscripts[i].includes('...') ? rank + 3 - subscripts[i].length : 0))
  if (operands.some(({ rank }, i) => others[i] < 0 || rank !== subscripts[i].replace('...', '').length + others[i]))
    throw wrong('a letter is needed for every axis')
  const free = Array.from({ length: Math.max(...others) }, (_, i) => String.fromCharCode(ALPHA + i))
  if (free.length > 0 && !result.includes('...')) throw wrong('the result has no ... for the axes of the operands')
  const lettersOf = (list: string, count: number): string =>
    list.replace('...', free.slice(free.length - count).join(''))
  const out = lettersOf(result, free.length)
  if (new Set(out).size !== out.length) throw wrong('a letter stands twice in the result')

  const size = new Map<string, number>()
  const named = operands.map((operand, i) => ({ operand, letters: [...lettersOf(subscripts[i], others[i])] }))
  for (const { operand, letters } of named) {
    for (const [axis, letter] of letters.entries()) {
      const [before, now] = [size.get(letter), operand.shape[axis]]
      const isBroadcast = free.includes(letter) && (before === 1 || now === 1)
      if (before !== undefined && before !== now && !isBroadcast)
        throw wrong(`axis ${letter} has sizes ${before} and ${now}`)
      size.set(letter, before === undefined || before === 1 ? now : before)
    }
  }
  for (const letter of out) if (!size.has(letter)) throw wrong(`axis ${letter} of the result stands in no operand`)
  // an axis that is broadcast is left out of its operand, so that the gradient folds it into the contraction
  const [first, ...rest] = named.map(({ operand, letters }) => {
    const own = letters.filter((letter, axis) => operand.shape[axis] === size.get(letter))
    return diagonal(operand.reshape(own.map((letter) => size.get(letter)!)), own)
  })
  if (rest.length === 0) {
    const letters = [...first.letters].filter((letter) => out.includes(letter))
    const sum = first.x.sum([...first.letters].flatMap((letter, axis) => (out.includes(letter) ? [] : [axis])))
    return sum.transpose([...out].map((letter) => letters.indexOf(letter)))
  }
  return rest.reduce((product, { x, letters }, i) => {
    const wanted = rest.slice(i + 1).reduce((all, { letters }) => all + letters, out)
    const kept = [...new Set(wanted)].filter((letter) => (product.letters + letters).includes(letter)).join('')
    return { x: contract(product.x, x, { a: product.letters, b: letters, out: kept }), letters: kept }
  }, first).x
}

const ALPHA = 0x3b1

/** x and its letters, of those that stand several times the diagonal alone. */
function diagonal(x: Tensor, letters: readonly string[]): { x: Tensor; letters: string } {
  const second = letters.findIndex((letter, axis) => letters.indexOf(letter) < axis)
  if (second < 0) return { x, letters: letters.join('') }
  const first = letters.indexOf(letters[second])
  const rest = [...letters.keys()].filter((axis) => axis !== first && axis !== second)
  const size = x.shape[first]
  const flat = x.transpose([...rest, first, second]).reshape([...rest.map((axis) => x.shape[axis]), size * size])
  return diagonal(
    flat.narrow(-1, 0, size * size, size + 1),
    [...rest, first].map((axis) => letters[axis]),
  )
}

/** Matrix product over the last two axes; axes before them are broadcast. A vector is a row on the left, a column on the right. */
export function matmul(x: Tensor, y: Tensor): Tensor {
  for (const operand of [x, y]) expectDType('matmul', operand, 'f32')
  if (x.rank === 0 || y.rank === 0) throw shapeError`matmul: a scalar is no matrix; use mul`
  const inner = [x.shape[x.rank - 1], y.shape[Math.max(0, y.rank - 2)]]
  if (inner[0] !== inner[1])
    throw shapeError`matmul: ${x.shape} times ${y.shape}: inner sizes ${inner[0]} and ${inner[1]} differ`
  broadcastShapes('matmul', x.shape.slice(0, -2), y.shape.slice(0, -2))
  const [row, column] = [x.rank > 1 ? 'i' : '', y.rank > 1 ? 'k' : '']
  return einsum(`...${row}j,...j${column}->...${row}${column}`, x, y)
}
