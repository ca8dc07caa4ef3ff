// Combines the values of LANES neighbouring invocations of a workgroup of GROUP, which are several subgroups of SUBGROUP;
// all of them get the result. Inside a subgroup they exchange registers, and only the results of subgroups go through
// workgroup memory. A workgroup with one axis is cut into subgroups of neighbours. Called by every invocation of the
// workgroup, or by none.
//
// The host names the operation: COMBINE is replaced by sum_f32, sum_i32, max_f32 or max_i32, TYPE by its type, and JOIN by
// the expression that combines two values.

var<workgroup> COMBINE_partial: array<TYPE, GROUP / SUBGROUP>;

fn COMBINE(value: TYPE, local: u32) -> TYPE {
  var a = value;
  for (var step = 1u; step < SUBGROUP; step *= 2u) {
    let b = subgroupShuffleXor(a, step);
    a = JOIN;
  }
  if (local % SUBGROUP == 0u) {
    COMBINE_partial[local / SUBGROUP] = a;
  }
  workgroupBarrier();
  let first = (local / LANES) * (LANES / SUBGROUP);
  a = COMBINE_partial[first];
  for (var i = 1u; i < LANES / SUBGROUP; i++) {
    let b = COMBINE_partial[first + i];
    a = JOIN;
  }
  workgroupBarrier(); // before the memory is written again
  return a;
}
