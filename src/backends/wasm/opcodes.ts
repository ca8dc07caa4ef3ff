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

export const ADD = 16
export const SUB = 17
export const MUL = 18
export const DIV = 19
export const MINIMUM = 20
export const MAXIMUM = 21
export const POW = 22
export const NEG = 23
export const ABS = 24
export const SIGN = 25
export const EXP = 26
export const LOG = 27
export const LOG1P = 28
export const SQRT = 29
export const RSQRT = 30
export const TANH = 31
export const ERF = 32
export const ELU = 33
export const LESS = 34
export const LESS_EQUAL = 35
export const EQUAL = 36
export const ADD_I = 37
export const SUB_I = 38
export const MUL_I = 39
export const MINIMUM_I = 40
export const MAXIMUM_I = 41
export const NEG_I = 42
export const ABS_I = 43
export const SIGN_I = 44
export const LESS_I = 45
export const LESS_EQUAL_I = 46
export const EQUAL_I = 47
export const WHERE = 48 // a != 0 ? b : c, any dtype
export const TO_FLOAT = 49
export const TO_INT = 50 // towards zero, saturating, NaN -> 0
export const IS_FINITE = 51
export const PHILOX = 52 // a: element, b: segment, c: step; immediates: seed, site
export const UNIFORM = 53 // (bits >>> 8) x 2^-24
export const ELU_PLUS_ONE = 54
export const GELU = 55
export const GELU_SLOPE = 56 // its derivative

// Two steps in one, without storing what the first one gives: op2(op1(a, b), c), or `FROM`: c - op1(a, b).
export const ADD_ADD = 64
export const ADD_MUL = 65
export const SUB_MUL = 66
export const MUL_ADD = 67
export const MUL_SUB = 68
export const MUL_FROM = 69
export const MUL_MUL = 70
export const SUB_EXP = 71
export const MUL_EXP = 72
export const MUL_SUM = 75

// Kinds of `reduce`.
export const REDUCE_SUM = 0
export const REDUCE_MAX = 1
export const REDUCE_SUM_I = 2
export const REDUCE_MAX_I = 3
