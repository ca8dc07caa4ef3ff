// out[kept] (+)= sum or max of x[kept, reduced] over the reduced axes; `out` is contiguous.
//
// A workgroup owns OUTPUTS neighbouring outputs and one chunk of their terms; LANES invocations share an output, each takes
// every LANES-th term. With TERMS_ADJACENT neighbouring invocations take neighbouring terms, else neighbouring outputs:
// whichever is contiguous in x. With several chunks `out` is scratch[chunk, output], which a second dispatch reduces.
//
// Sums are trees of two levels, with partial sums of BLOCK terms, so that the rounding error of a long sum stays small.
//
// Constants: OUTPUTS, LANES, GROUP = OUTPUTS x LANES, STRIDE (from lane to lane), TERMS_ADJACENT, ACCUMULATE, KEPT and
// REDUCED (ranks). COMBINE, TYPE, JOIN as in combine.wgsl, and IDENTITY, the result of reducing nothing.

const BLOCK = 32;

struct Call {
  out: vec4<i32>,
  x: vec4<i32>,
  /** outputs, terms, terms of a chunk, chunks */
  sizes: vec4<i32>,
  /** size and stride of the kept axes, then of the reduced ones */
  axes: array<vec4<i32>, max(1, KEPT + REDUCED)>,
}
@group(0) @binding(1) var<uniform> call: Call;

@compute @workgroup_size(GROUP)
fn main(
  @builtin(workgroup_id) id: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let outputs = call.sizes.x;
  let chunks = call.sizes.w;
  let group = group_index(id, groups);
  let chunk = group % chunks;
  let first = (group / chunks) * i32(OUTPUTS);
  if (first >= outputs) {
    return;
  }
  let lane = i32((local / STRIDE) % LANES);
  let output = first + i32(select(local % OUTPUTS, local / LANES, TERMS_ADJACENT));

  var total = IDENTITY;
  if (output < outputs) {
    let x = address(call.x) + axes_offset(output, 0, KEPT);
    let end = min(call.sizes.y, (chunk + 1) * call.sizes.z);
    for (var begin = chunk * call.sizes.z + lane; begin < end; begin += BLOCK * i32(LANES)) {
      var partial = IDENTITY;
      for (var term = begin; term < min(end, begin + BLOCK * i32(LANES)); term += i32(LANES)) {
        let a = partial;
        let b = bitcast<TYPE>(heap[x + axes_offset(term, KEPT, REDUCED)]);
        partial = JOIN;
      }
      let a = total;
      let b = partial;
      total = JOIN;
    }
  }
  let b = COMBINE(total, local);
  if (lane == 0 && output < outputs) {
    let to = address(call.out) + chunk * outputs + output;
    var result = b;
    if (ACCUMULATE) {
      let a = bitcast<TYPE>(heap[to]);
      result = JOIN;
    }
    heap[to] = bitcast<u32>(result);
  }
}
