// How the matrix product reads and writes a heap of single words.

fn read(at: i32) -> f32 {
  return bitcast<f32>(heap[at]);
}

/** Four neighbours. */
fn read4(at: i32) -> vec4<f32> {
  return vec4(read(at), read(at + 1), read(at + 2), read(at + 3));
}

/** Writes or adds four values to four places, as far as they are `within`. */
fn write4(at: vec4<i32>, value: vec4<f32>, within: vec4<bool>, add: bool) {
  write1(at.x, value.x, add);
  if (within.y) {
    write1(at.y, value.y, add);
  }
  if (within.z) {
    write1(at.z, value.z, add);
  }
  if (within.w) {
    write1(at.w, value.w, add);
  }
}

fn write1(at: i32, value: f32, add: bool) {
  var sum = value;
  if (add) {
    sum += read(at);
  }
  heap[at] = bitcast<u32>(sum);
}
