// The words of an encoded program, shared by the encoder (TypeScript) and the kernels (AssemblyScript):
// plain constants, so that both compilers read this one file.

// Instructions. Every instruction begins with [opcode, number of words]. Bits 8 and up of a kernel's first word hold into
// how many parts it may be split.
export const STOP = 0
export const LOOP = 1 // level
export const END = 2 // level, count, address of the body's first instruction
export const FUSED = 3
export const REDUCE = 4
export const MATMUL = 5
export const GATHER = 6
export const SCATTER_ADD = 7
export const BARRIER = 8 // what follows needs results of other threads
// A loop with independent iterations, which the threads share out: fork and join.
export const PARALLEL = 9 // level, count, address behind its end
export const PARALLEL_END = 10 // level, count, address of the body's first instruction
export const SCAN = 11

// What a `fused` operand is.
export const MEMORY = 0 // elements of 4 bytes in memory, strides in bytes
export const INDEX = 1 // element numbers as i32: start + sum of index x stride

// Steps of a `fused` program: [step, layout, destination, immediate 0, immediate 1, a, b, c], where an argument is
// [register, its stride over four vectors in bytes, bytes to add at the end of a row].
export const STEP_WORDS = 14
export const LAYOUT = 1
export const DESTINATION = 2
export const IMMEDIATE = 3
export const A = 5
export const B = 8
export const C = 11

// The layout of a register.
export const INNER = 0 // one lane for each element
export const OUTER = 1 // one lane for each row
export const SPLAT = 2 // sixteen lanes for each row, all with its value
export const LINE = 3 // the lanes of one row, shared by all rows
export const ONE = 4 // sixteen lanes, all with the value that all rows share

export const LOAD = 0 // a: operand
export const STORE = 1 // a: register, b: operand
export const CONSTANT = 2 // immediate 0: the lane's bits
export const BROADCAST = 3 // a: an OUTER register; the destination is INNER or SPLAT
export const SUM = 4 // a: an INNER register, reduced over the row; the destination is an OUTER register
export const MAX = 5
export const SUM_I = 6
export const MAX_I = 7

export const MUL_SUM = 8 // a and b: INNER registers, their product reduced over the row
export const FIRST_SCALAR = 16 // from here on the scalar operations and their pairs, see codes.ts

// Kinds of `reduce`.
export const REDUCE_SUM = 0
export const REDUCE_MAX = 1
export const REDUCE_SUM_I = 2
export const REDUCE_MAX_I = 3
