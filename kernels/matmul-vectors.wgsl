// How the matrix product reads and writes a heap of vectors. Only whole vectors are written: to write a component may
// touch the others.

fn read(at: i32) -> f32 {
  return bitcast<f32>(heap[at >> 2][at & 3]);
}

/** Four neighbours, the first at a multiple of four. */
fn read4(at: i32) -> vec4<f32> {
  return bitcast<vec4<f32>>(heap[at >> 2]);
}

/** Writes or adds four values to the four neighbours from at.x on, a multiple of four. All are within `out`. */
fn write4(at: vec4<i32>, value: vec4<f32>, within: vec4<bool>, add: bool) {
  var sum = value;
  if (add) {
    sum += read4(at.x);
  }
  heap[at.x >> 2] = bitcast<vec4<u32>>(sum);
}
