import { shown } from '../checks.ts'
import { RmaatError } from '../errors.ts'
import { piecesWithoutMark } from '../runtime/files.ts'
import type { TaskName } from './index.ts'
import { tokenise, VOCABULARY as WORDS } from './listops-expression.ts'
import { copy, mqar, selectiveCopy } from './recall.ts'
import { add, cue, order } from './synthetic.ts'
import type { Task } from './task.ts'
import { tokensOf } from './text-files.ts'
import { parity, s3 } from './tracking.ts'

/** How sequences of a task are written where they come alone, without a label. */
export interface Written {
  readonly vocabulary: number
  /** The classes, where they do not depend on data. */
  readonly classNames?: readonly string[] | undefined
  /** Whether a sequence stands on a line, so that a file may hold several. */
  readonly inLines: boolean
  /**
   * The tokens of what comes piece by piece, which `where` names in errors.
   * @throws RmaatError 'data' for what is no token, with its place
   */
  tokens(pieces: AsyncIterable<Uint8Array>, where: string): AsyncIterable<Uint16Array>
}

/** The values of pixels, or any bytes. */
const inBytes: Written = {
  vocabulary: 257,
  inLines: false,
  async *tokens(pieces) {
    for await (const piece of pieces) yield tokensOf(piece)
  },
}

/** A byte as people write it. */
const byteNames = Array.from({ length: 256 }, (_, byte) => (byte < 128 ? String.fromCharCode(byte) : `byte ${byte}`))

/** A text is its bytes, every one of them: the end of a line, too. */
const inText: Written = {
  ...inBytes,
  tokens: (pieces, where) => inBytes.tokens(piecesWithoutMark(pieces, where), where),
}

/** No word is longer. */
const LONGEST = 100

/** Words, each a token of the id that `idOf` knows, with characters of the class `between` between them. */
const inWords = (
  idOf: (word: string) => number,
  sizes: { readonly vocabulary: number; readonly classNames?: readonly string[] | undefined },
  between = '\\s',
): Written => ({
  ...sizes,
  inLines: true,
  async *tokens(pieces, where) {
    const words = new RegExp(`[^${between}]+`, 'g')
    const unfinished = new RegExp(`[^${between}]*$`)
    let count = 0
    const tokensIn = (text: string): Uint16Array =>
      Uint16Array.from(text.match(words) ?? [], (word) => {
        try {
          const id = idOf(word)
          count++
          return id
        } catch (cause) {
          if (!(cause instanceof RmaatError)) throw cause
          throw new RmaatError('data', `${where}, after the token ${count}: ${cause.message}`, { cause })
        }
      })
    // of bytes that are no text, characters that are no token
    const decoder = new TextDecoder()
    let rest = ''
    for await (const piece of piecesWithoutMark(pieces, where)) {
      const text = rest + decoder.decode(piece, { stream: true })
      const { length } = unfinished.exec(text.slice(-LONGEST))![0]
      const end = length === LONGEST ? text.length : text.length - length
      rest = text.slice(end)
      yield tokensIn(text.slice(0, end))
    }
    yield tokensIn(rest + decoder.decode())
  },
})

/** Of a task whose tokens are shown as words. */
function symbolsOf({ name, vocabulary, classNames, show }: Task): Written {
  const words = Array.from({ length: vocabulary - 1 }, (_, i) => show([i + 1]))
  const ids = new Map(words.map((word, i) => [word, i + 1]))
  const idOf = (word: string): number => {
    const id = ids.get(word)
    if (id !== undefined) return id
    throw new RmaatError('data', `${shown(word)} is no token of ${name}; expected ${words.join(' ')}`)
  }
  return inWords(idOf, { vocabulary, classNames })
}

/** How each task's sequences are written; but two texts, as of retrieval, are not written as one. */
export const written: Readonly<Record<Exclude<TaskName, 'retrieval'>, () => Written>> & {
  readonly retrieval: undefined
} = {
  cue: () => symbolsOf(cue()),
  order: () => symbolsOf(order()),
  add: () => symbolsOf(add()),
  mqar: () => symbolsOf(mqar()),
  copy: () => symbolsOf(copy()),
  'selective-copy': () => symbolsOf(selectiveCopy()),
  parity: () => symbolsOf(parity()),
  s3: () => symbolsOf(s3()),
  listops: () => inWords((word) => tokenise(word)[0], { vocabulary: WORDS }, '\\s()'),
  text: () => inText,
  retrieval: undefined,
  image: () => inBytes,
  pathfinder: () => inBytes,
  bytes: () => ({ ...inBytes, classNames: byteNames }),
}
