// out[indices[i], :] += x[i, :] in the order of i, from zero unless ACCUMULATE; an index out of range is dropped.
//
// Each invocation owns one element of `out` and one chunk of the indices, so that the order of the sum is fixed. The
// workgroup reads the indices in tiles, and skips tiles without any of its rows. Each tile has a partial sum, so that the
// rounding error of a long sum stays small. With several chunks `out` is scratch[chunk, row, column], and a second dispatch
// adds the chunks.
//
// Constants: TILE, the indices of a tile and the invocations of a workgroup; ACCUMULATE.

struct Call {
  x: vec4<i32>,
  indices: vec4<i32>,
  out: vec4<i32>,
  /** count, width, rows of the table, indices of a chunk: whole tiles */
  sizes: vec4<i32>,
  chunks: i32,
  /** Workgroups of a chunk. */
  groups: i32,
}
@group(0) @binding(1) var<uniform> call: Call;

var<workgroup> tile: array<i32, TILE>;
var<workgroup> hits: atomic<u32>;

@compute @workgroup_size(TILE)
fn main(
  @builtin(workgroup_id) id: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let count = call.sizes.x;
  let width = call.sizes.y;
  let elements = call.sizes.z * width;
  let group = group_index(id, groups);
  let chunk = group / call.groups;
  let first = group % call.groups * TILE;
  if (chunk >= call.chunks) {
    return;
  }
  let end = min(count, (chunk + 1) * call.sizes.w);
  let element = first + i32(local);
  let row = element / width;
  let x = address(call.x) + element % width;
  let indices = address(call.indices);
  let first_row = first / width;
  let last_row = min(first + TILE, elements - 1) / width;

  var total = 0.0;
  for (var begin = chunk * call.sizes.w; begin < end; begin += TILE) {
    let length = min(TILE, end - begin);
    atomicStore(&hits, 0u);
    workgroupBarrier();
    if (i32(local) < length) {
      let index = bitcast<i32>(heap[indices + begin + i32(local)]);
      tile[local] = index;
      if (index >= first_row && index <= last_row) {
        atomicStore(&hits, 1u);
      }
    }
    workgroupBarrier();
    if (atomicLoad(&hits) != 0u) {
      var partial = 0.0;
      for (var i = 0; i < length; i++) {
        if (tile[i] == row) {
          partial += bitcast<f32>(heap[x + (begin + i) * width]);
        }
      }
      total += partial;
    }
    workgroupBarrier(); // before the tile is written again
  }
  if (element < elements) {
    let to = address(call.out) + chunk * elements + element;
    if (ACCUMULATE) {
      total += bitcast<f32>(heap[to]);
    }
    heap[to] = bitcast<u32>(total);
  }
}
