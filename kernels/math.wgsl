// The scalar operations that WGSL does not offer, or not exactly enough.

// 1, -1, or 0 where x is 0.
fn op_sign(x: f32) -> f32 {
  return f32(i32(x > 0.0) - i32(x < 0.0));
}
