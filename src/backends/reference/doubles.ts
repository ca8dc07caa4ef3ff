import { RmaatError } from '../../errors.ts'

/**
 * Zeros.
 * @throws RmaatError 'memory' where the engine refuses them
 */
export function doubles(elements: number, purpose: string): Float64Array<ArrayBuffer> {
  try {
    return new Float64Array(elements)
  } catch (cause) {
    throw new RmaatError('memory', `${purpose} of ${elements} doubles does not fit: the engine refuses it`, { cause })
  }
}
