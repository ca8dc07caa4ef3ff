/** What went wrong, as a stable word a program can test for. */
export type ErrorCode =
  | 'argument' // an argument of another kind than the function takes
  | 'shape' // operands, axes or sizes that do not fit an operation
  | 'dtype' // a tensor of the wrong type
  | 'device' // no such device, devices mixed, a device closed
  | 'gradient' // a derivative that does not exist or is not offered
  | 'program' // inputs or updates that do not fit a compiled program
  | 'memory' // more memory than the device can hold
  | 'config' // a setting out of its range
  | 'data' // a file that is missing, truncated or malformed
  | 'diverged' // numbers that are not finite any more: a training that failed, weights of one
  | 'internal' // a broken promise of this library itself

/**
 * A text with every character that would act on a terminal, and not be seen there, as its number; lines and tabs stay. Names
 * and texts of files come into messages and onto the screen through it.
 */
export const printable = (text: string): string =>
  text.replace(
    /(?![\n\t])[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )

/**
 * The one error this library throws on purpose. The message says what was found, what would be right, and where:
 * the operation for shapes, file and line for data, the offset for checkpoints.
 */
export class RmaatError extends Error {
  /** What went wrong, for programs. */
  readonly code: ErrorCode
  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(printable(message), options)
    this.name = 'RmaatError'
    this.code = code
  }
}
