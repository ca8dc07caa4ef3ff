// The words of an encoded program, shared by the encoder (TypeScript) and the kernels (AssemblyScript):
// plain constants, so that both compilers read this one file.

// Instructions. Every instruction begins with [opcode, number of words]; in a kernel's first word stands, 8 bits up, into
// how many parts it may be split.
export const STOP = 0
export const LOOP = 1 // level
export const END = 2 // level, count, address of the body's first instruction
export const ROWS = 3
export const REDUCE = 4
export const MATMUL = 5
export const GATHER = 6
export const SCATTER_ADD = 7
export const BARRIER = 8 // what comes needs what all threads did
// A loop whose iterations need nothing of each other: every thread takes some of them.
export const EACH = 9 // level, count, address behind its end
export const EACH_END = 10 // level, count, address of the body's first instruction

// What a `rows` operand is.
export const MEMORY = 0 // 4-byte lanes in memory, strides in bytes
export const INDEX = 1 // the address itself as an i32: start + sum of index x stride

// Steps of a `rows` program: [step, layout, destination, immediate 0, immediate 1, a, b, c], where an argument is
// [register, bytes from four vectors to the next four, bytes to add at the end of a row].
export const STEP_WORDS = 14
export const LAYOUT = 1
export const DESTINATION = 2
export const IMMEDIATE = 3
export const A = 5
export const B = 8
export const C = 11

// How a register's lanes stand.
export const FULL = 0 // one lane an element
export const ROW = 1 // one lane a row
export const SPLAT = 2 // sixteen lanes a row, all with its value
export const LINE = 3 // the lanes of one row, the same for every row
export const ONE = 4 // sixteen lanes with the one value of all

export const LOAD = 0 // a: operand
export const STORE = 1 // a: register, b: operand
export const CONSTANT = 2 // immediate 0: the lane's bits
export const SPREAD = 3 // a: a ROW register; the destination is FULL or SPLAT
export const SUM = 4 // a: a FULL register, reduced over the row; the destination is a ROW register
export const MAX = 5
export const SUM_I = 6
export const MAX_I = 7

export const MUL_SUM = 8 // a and b: FULL registers, their product reduced over the row
export const FIRST_SCALAR = 16 // from here on the scalar operations and their pairs, see codes.ts

// Kinds of `reduce`.
export const REDUCE_SUM = 0
export const REDUCE_MAX = 1
export const REDUCE_SUM_I = 2
export const REDUCE_MAX_I = 3
