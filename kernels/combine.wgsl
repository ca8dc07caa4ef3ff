// Combines the values of LANES invocations, STRIDE apart in a workgroup of GROUP, by a tree in workgroup memory;
// all of them get the result. Called by every invocation of the workgroup, or by none.
//
// The host names the operation: COMBINE is replaced by sum_f32, sum_i32, max_f32 or max_i32, TYPE by its type, and JOIN by
// the expression that combines two values.

var<workgroup> COMBINE_partial: array<TYPE, GROUP>;

fn COMBINE(value: TYPE, local: u32) -> TYPE {
  let lane = (local / STRIDE) % LANES;
  COMBINE_partial[local] = value;
  for (var step = LANES / 2u; step > 0u; step /= 2u) {
    workgroupBarrier();
    if (lane < step) {
      let a = COMBINE_partial[local];
      let b = COMBINE_partial[local + step * STRIDE];
      COMBINE_partial[local] = JOIN;
    }
  }
  workgroupBarrier();
  let result = COMBINE_partial[local - lane * STRIDE];
  workgroupBarrier(); // before the memory is written again
  return result;
}
