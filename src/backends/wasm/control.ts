// What threads tell each other, shared by TypeScript and AssemblyScript as the opcodes are: byte offsets in a block of
// linear memory. Words that different threads wait for stand in cache lines of their own.

// The job: a number that changes with each, and what to run.
export const JOB = 0
export const START = 4 // 0: the workers end
export const END = 8
export const SCRATCH = 12 // of thread 0; the others' follow
export const SCRATCH_STEP = 16
export const OUTER = 20 // iterations of the loops around
export const INNER = 24
export const CREW = 28 // threads that take part
// Seconds in a row without a sign of life from any other thread, until thread 0 gives up.
export const PATIENCE = 32

// The barrier: how many have arrived, and a number that changes when all are there.
export const ARRIVED = 64
export const RELEASED = 128
// How many threads sleep until JOB or RELEASED changes.
export const SLEEPING = 132

// The first iteration that no thread has taken, of a loop whose iterations they share out.
export const NEXT = 192

// Not 0: a thread cannot go on, and why, in UTF-8.
export const FAILED = 256
export const REASON_BYTES = 260
export const REASON = 264
export const REASON_LIMIT = 248

// A line for each thread: a count that goes up as it works.
export const BEATS = 512
export const LINE = 64

/** Bytes of the block. */
export const sizeOfControl = (threads: number): number => BEATS + LINE * threads
