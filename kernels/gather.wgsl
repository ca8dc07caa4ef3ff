// out[i, :] = table[indices[i], :]; all contiguous. Each invocation owns one element. An index out of range gives
// `call.sizes.w`: the bits of NaN, or the smallest integer.
//
// Constants: GROUP, the invocations of a workgroup.

struct Call {
  table: vec4<i32>,
  indices: vec4<i32>,
  out: vec4<i32>,
  /** count, width, rows of the table, what a missing row gives */
  sizes: vec4<i32>,
}
@group(0) @binding(1) var<uniform> call: Call;

@compute @workgroup_size(GROUP)
fn main(
  @builtin(workgroup_id) id: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let element = group_index(id, groups) * GROUP + i32(local);
  let width = call.sizes.y;
  if (element >= call.sizes.x * width) {
    return;
  }
  let row = bitcast<i32>(heap[address(call.indices) + element / width]);
  var value = bitcast<u32>(call.sizes.w);
  if (row >= 0 && row < call.sizes.z) {
    value = heap[address(call.table) + row * width + element % width];
  }
  heap[address(call.out) + element] = value;
}
