// Sizes that kernels share with the encoders and with error budgets. Plain constants: TypeScript and AssemblyScript both
// read this file, and the host writes them in front of the WGSL texts.

export const LOOP_DEPTH = 2 // nested loops that a program counts: slices of the batch, segments of a sequence
export const CACHE_LINE = 64 // bytes

// Of threads on the CPU.
export const MOST_THREADS = 64 // with more, barriers cost more than threads save

// Of fused programs on the CPU.
export const UNROLLED = 64 // bytes of an operand that one iteration of an operation takes: four vectors

// Of the matrix product on the CPU.
export const TILE_ROWS = 5 // with their operands, as many as V8 keeps in registers
export const TILE_LANES = 8
export const M_BLOCK = 32 * TILE_ROWS
export const N_BLOCK = 1024
export const K_BLOCK = 288 // products that are summed before they are added to the result: error budgets count on it
export const TABLE_PAD = 7 // copies of its last entry behind the end of a table of offsets: TILE_LANES are read from any on
export const MATMUL_HEAD = 512 // bytes of scratch before the tables

// Of sums and maxima on the CPU.
export const REDUCE_BLOCK = 512 // lanes of a partial result
export const REDUCE_FAN = 16 // partial sums that make one of the next level
export const REDUCE_LEVELS = 8 // enough for FAN^8 partial sums of a term or more: twice what memory holds

// On the GPU.
export const WORKGROUP = 256 // invocations
export const CHUNK_OUTPUTS = 32 // outputs of a workgroup that adds up the chunks of a product
// Which four neighbours of a matrix are one vector in memory: along k, along m or n, or none.
export const ALONG_K = 0
export const ALONG_SIDE = 1
export const SCATTERED = 2
