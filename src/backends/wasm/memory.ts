import { RmaatError } from '../../errors.ts'

const PAGE = 65536
/** The range of 32-bit addresses. */
export const LIMIT = 65536 * PAGE
/** Kernels may read a little past the end of an operand. */
const SLACK = 64

/** WebAssembly's memory, which grows by pages. */
export class LinearMemory {
  readonly memory: WebAssembly.Memory

  /**
   * @param shared with other threads
   * @throws RmaatError 'memory' where the system has no room for what it may grow to
   */
  constructor(shared = false) {
    try {
      this.memory = new WebAssembly.Memory({ initial: 1, maximum: LIMIT / PAGE, shared })
    } catch (cause) {
      throw new RmaatError('memory', 'the system has no address space for a WebAssembly memory', { cause })
    }
  }

  get bytes(): number {
    return this.memory.buffer.byteLength
  }

  /**
   * Makes it at least so long.
   * @throws RmaatError 'memory' past 4 GiB, or where the system refuses
   */
  grow(bytes: number, purpose: string): void {
    const needed = bytes + SLACK
    if (needed > LIMIT) {
      throw new RmaatError(
        'memory',
        `${purpose} does not fit: ${needed} bytes are needed in all, WebAssembly has at most ${LIMIT} (4 GiB)`,
      )
    }
    const pages = Math.ceil((needed - this.bytes) / PAGE)
    if (pages <= 0) return
    try {
      this.memory.grow(pages)
    } catch (cause) {
      throw new RmaatError('memory', `${purpose} does not fit: the system refuses ${pages * PAGE} more bytes`, {
        cause,
      })
    }
  }
}
