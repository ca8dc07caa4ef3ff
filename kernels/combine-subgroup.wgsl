// Combines the values of LANES neighbouring invocations that are, or are a part of, one subgroup. They exchange registers,
// and all of them get the result. A workgroup with one axis is cut into subgroups of neighbours. Called by every invocation
// of the workgroup, or by none.
//
// The host names the operation: COMBINE is replaced by sum_f32, sum_i32, max_f32 or max_i32, TYPE by its type, and JOIN by
// the expression that combines two values.

fn COMBINE(value: TYPE, local: u32) -> TYPE {
  var a = value;
  for (var step = 1u; step < LANES; step *= 2u) {
    let b = subgroupShuffleXor(a, step);
    a = JOIN;
  }
  return a;
}
