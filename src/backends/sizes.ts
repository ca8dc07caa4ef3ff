// Sizes that kernels share with what encodes for them and with what checks them: plain constants, so that TypeScript and
// AssemblyScript read this one file.

export const LOOP_DEPTH = 2 // loops around an instruction that a program counts: slices of the batch, segments of a sequence

// Of the matrix product on the CPU.
export const TILE_ROWS = 5 // with what is read meanwhile, as many as V8 keeps in registers
export const TILE_LANES = 8
export const M_BLOCK = 32 * TILE_ROWS
export const N_BLOCK = 1024
export const K_BLOCK = 288 // so many products are summed before they are added to the result: error budgets count on it
export const TABLE_PAD = 7 // entries behind the end of a table of offsets, which repeat its last: TILE_LANES are read from any on
export const MATMUL_HEAD = 512 // bytes of scratch before the tables

// Of sums and maxima on the CPU.
export const REDUCE_BLOCK = 512 // lanes of a partial result
export const REDUCE_FAN = 16 // partial sums that make one of the next level
export const REDUCE_LEVELS = 8 // for FAN^8 partial sums of a term or more, twice what memory holds of them
