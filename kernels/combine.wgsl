// Combines the values of LANES invocations that stand STRIDE apart in a workgroup of GROUP, by a tree in workgroup memory;
// all of them get the result. Called by every invocation of the workgroup, or by none.
//
// The host names the operation: COMBINE is written as sum_f32, sum_i32, max_f32 or max_i32, TYPE as its type, and JOIN as
// what joins two values.

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
