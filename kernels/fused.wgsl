// A fused scalar program over rows of `width` elements. The host generates a text for each program: its steps take the
// place of the mark below.
//
// LANES invocations share a row and a workgroup of GROUP holds several; each invocation takes every LANES-th lane. A
// program makes one pass over its row for each reduction in a chain, and one that stores. It computes values again in each
// pass, so that a row of any width takes no memory. A lane's loads come before its stores, all stores after the last
// reduction.

struct Call {
  /** rows, width */
  sizes: vec4<i32>,
  /** Places and axes of the operands, and literals. */
  axes: array<vec4<i32>, WORDS>,
}
@group(0) @binding(1) var<uniform> call: Call;

@compute @workgroup_size(GROUP)
fn main(
  @builtin(workgroup_id) id: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let rows = call.sizes.x;
  let width = call.sizes.y;
  let first_row = group_index(id, groups) * i32(GROUP / LANES);
  if (first_row >= rows) {
    return;
  }
  let first_lane = i32(local % LANES);
  let own_row = first_row + i32(local / LANES);
  let live = own_row < rows;
  let row = min(own_row, rows - 1);
  // STEPS
}
