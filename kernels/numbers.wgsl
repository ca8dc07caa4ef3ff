// Numbers that WGSL has no literals for.

/** A value whose bits are not known when the shader is compiled: WGSL refuses constants that are infinite. */
fn number_of(bits: u32) -> f32 {
  return bitcast<f32>(bits);
}

fn infinity() -> f32 {
  return number_of(0x7f800000u);
}
