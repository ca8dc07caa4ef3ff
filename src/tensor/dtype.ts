/** f32: a number. i32: token ids, labels, masks and the results of comparisons. Four bytes each on a device. */
export type DType = 'f32' | 'i32'

/** The sizes of the axes, the outermost first; [] of a scalar. */
export type Shape = readonly number[]
