// The control block through which threads synchronise: byte offsets in linear memory, for TypeScript and AssemblyScript.
// Words that different threads wait for are in different cache lines.

// The job: a number that changes with each job, and what to run.
export const JOB = 0
export const START = 4 // 0: the workers end
export const END = 8
export const SCRATCH = 12 // of thread 0; the others' follow
export const SCRATCH_STEP = 16
export const OUTER = 20 // iterations of the loops around
export const INNER = 24
export const TEAM = 28 // threads
// Seconds in a row without a heartbeat of any other thread, after which thread 0 gives up.
export const PATIENCE = 32

// The barrier: how many threads have arrived, and a number that changes when all have.
export const ARRIVED = 64
export const RELEASED = 128
// How many threads sleep until JOB or RELEASED changes.
export const SLEEPING = 132

// The first iteration of a parallel loop that no thread has taken.
export const NEXT = 192

// Not 0: a thread cannot go on, and why, in UTF-8.
export const FAILED = 256
export const REASON_BYTES = 260
export const REASON = 264
export const REASON_LIMIT = 248

// A cache line for each thread: its count of heartbeats.
export const BEATS = 512
export const LINE = 64 // of the cache

/** Bytes of the block. */
export const sizeOfControl = (threads: number): number => BEATS + LINE * threads
