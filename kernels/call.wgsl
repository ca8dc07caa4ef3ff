// Shared by all kernels. A device has one heap, bound whole: variables, inputs, constants, scratch and arena. Its words
// are u32, so that integers and the bits of a NaN pass unchanged; f32 values are bitcast.
//
// The host writes in front of this text the constants that a kernel names in its head, and `Word`, the type of the heap's
// elements: u32 or vec4<u32>.

@group(0) @binding(0) var<storage, read_write> heap: array<Word>;
/** The iteration of the enclosing loops: x the outer one's, y the inner one's. */
@group(0) @binding(2) var<uniform> iteration: vec4<i32>;

/** The first element of an operand. `place` holds that of iteration 0, and the strides of the two loops. */
fn address(place: vec4<i32>) -> i32 {
  return place.x + place.y * iteration.x + place.z * iteration.y;
}

/** The number of a workgroup: dispatches too large for one axis are folded onto two. */
fn group_index(group: vec3<u32>, groups: vec3<u32>) -> i32 {
  return i32(group.x + group.y * groups.x);
}
