// out (+)= sum over chunks of partial[chunk, output], in the order of the chunks: the second dispatch of a product whose k
// is cut into chunks.
//
// A workgroup owns OUTPUTS neighbouring outputs. PARTS invocations share an output: each sums a run of neighbouring chunks,
// the first of them adds up their sums.
//
// Constants: OUTPUTS, PARTS, and AXES, for how many there is room.

struct Call {
  out: vec4<i32>,
  partial: vec4<i32>,
  outputs: i32,
  chunks: i32,
  accumulate: i32,
  rank: i32,
  /** size and stride of the axes of out: those of batch, m and n */
  axes: array<vec4<i32>, AXES>,
}
@group(0) @binding(1) var<uniform> call: Call;

var<workgroup> sums: array<f32, OUTPUTS * PARTS>;

@compute @workgroup_size(OUTPUTS * PARTS)
fn main(
  @builtin(workgroup_id) id: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local_index: u32,
) {
  let local = i32(local_index);
  let output = group_index(id, groups) * OUTPUTS + local % OUTPUTS;
  let part = local / OUTPUTS;
  let run = (call.chunks + PARTS - 1) / PARTS;
  var sum = 0.0;
  if (output < call.outputs) {
    let begin = address(call.partial) + output;
    for (var chunk = part * run; chunk < min(call.chunks, (part + 1) * run); chunk++) {
      sum += bitcast<f32>(heap[begin + chunk * call.outputs]);
    }
  }
  sums[local] = sum;
  workgroupBarrier();
  if (part > 0 || output >= call.outputs) {
    return;
  }
  for (var other = 1; other < PARTS; other++) {
    sum += sums[local + other * OUTPUTS];
  }
  let to = address(call.out) + axes_offset(output, 0, call.rank);
  if (call.accumulate != 0) {
    sum += bitcast<f32>(heap[to]);
  }
  heap[to] = bitcast<u32>(sum);
}
