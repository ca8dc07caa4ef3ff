// out[lane, t] = a[lane, t] x out[lane, t - 1] + b[lane, t] with a's first step left out, the steps in the order of the call.
//
// A workgroup owns LANES neighbouring lanes and cuts their steps into CHUNKS: CHUNKS invocations share a lane. Each finds
// what its chunk makes of a state of zero and the product of its factors; from these the state that enters each chunk
// follows, and then the chunk is computed from that. Operands are read BATCH steps ahead, because memory answers late.
//
// Constants: LANES, CHUNKS, GROUP = LANES x CHUNKS, BATCH, RANK (of the lanes), COMPLEX, and SIGN, that of the factors'
// imaginary parts.

struct Call {
  a: vec4<i32>,
  b: vec4<i32>,
  out: vec4<i32>,
  /** lanes, steps, steps of a chunk */
  sizes: vec4<i32>,
  /** strides in a, b and out */
  steps: vec4<i32>,
  parts: vec4<i32>,
  /** size and strides in a, b and out of each axis of the lanes */
  axes: array<vec4<i32>, max(1, RANK)>,
}
@group(0) @binding(1) var<uniform> call: Call;

/** What chunks make of a state of zero, and the products of their factors. */
var<workgroup> ends: array<vec2<f32>, GROUP>;
var<workgroup> products: array<vec2<f32>, GROUP>;

/** A number is its real part, and with COMPLEX its imaginary one. */
fn read(at: i32, part: i32) -> vec2<f32> {
  if (COMPLEX) {
    return vec2(bitcast<f32>(heap[at]), bitcast<f32>(heap[at + part]));
  }
  return vec2(bitcast<f32>(heap[at]), 0.0);
}

fn times(x: vec2<f32>, y: vec2<f32>) -> vec2<f32> {
  if (COMPLEX) {
    return vec2(x.x * y.x - x.y * y.y, x.x * y.y + x.y * y.x);
  }
  return vec2(x.x * y.x, 0.0);
}

/** Elements of a lane in a, b and out. */
fn lane_offsets(lane: i32) -> vec3<i32> {
  var rest = u32(lane);
  var offsets = vec3(0);
  for (var axis = RANK - 1; axis >= 0; axis--) {
    let size = u32(call.axes[axis].x);
    offsets += i32(rest % size) * call.axes[axis].yzw;
    rest /= size;
  }
  return offsets;
}

@compute @workgroup_size(GROUP)
fn main(
  @builtin(workgroup_id) id: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let lane = group_index(id, groups) * LANES + i32(local) % LANES;
  let chunk = i32(local) / LANES;
  let is_lane = lane < call.sizes.x;
  let begin = chunk * call.sizes.z;
  let end = select(begin, min(call.sizes.y, begin + call.sizes.z), is_lane);
  let offsets = lane_offsets(select(0, lane, is_lane));
  // of step t; that of a is one behind, as its first step is left out
  let a = address(call.a) + offsets.x - call.steps.x;
  let b = address(call.b) + offsets.y;
  let out = address(call.out) + offsets.z;
  var factors: array<vec2<f32>, BATCH>;
  var terms: array<vec2<f32>, BATCH>;

  var state = vec2(0.0);
  for (var go = select(1, 0, CHUNKS > 1); go < 2; go++) {
    var product = vec2(1.0, 0.0);
    for (var first = begin; first < end; first += BATCH) {
      let count = min(BATCH, end - first);
      for (var i = 0; i < BATCH; i++) {
        if (i < count) {
          let t = first + i;
          terms[i] = read(b + t * call.steps.y, call.parts.y);
          factors[i] = vec2(0.0);
          if (t > 0) {
            factors[i] = read(a + t * call.steps.x, call.parts.x) * vec2(1.0, SIGN);
          }
        }
      }
      for (var i = 0; i < BATCH; i++) {
        if (i < count) {
          // a term alone where nothing enters: no factor makes more of zero
          state = select(times(factors[i], state) + terms[i], terms[i], first + i == 0);
          if (go == 0) {
            product = times(factors[i], product);
          } else {
            let to = out + (first + i) * call.steps.z;
            heap[to] = bitcast<u32>(state.x);
            if (COMPLEX) {
              heap[to + call.parts.z] = bitcast<u32>(state.y);
            }
          }
        }
      }
    }
    if (go == 0) {
      ends[local] = state;
      products[local] = product;
    }
    workgroupBarrier();
    if (go == 0) {
      state = vec2(0.0);
      for (var before = i32(local) % LANES; before < i32(local); before += LANES) {
        let entered = select(times(products[before], state), vec2(0.0), all(state == vec2(0.0)));
        state = entered + ends[before];
      }
    }
  }
}
