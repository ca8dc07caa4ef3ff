// Quotients whose whole part is exact: long division of significands as whole numbers, which no compiler reorders.

/** a = quotient x b + rest, of the magnitudes of two numbers; both by their bits. */
struct Division {
  quotient: u32, // right where it is below 2^32
  rest: u32,
}

/** A finite number is significand x 2^(exponent - 150). */
fn significand_of(bits: u32) -> u32 {
  return select((bits & 0x007fffffu) | 0x00800000u, bits, bits < 0x00800000u);
}

fn exponent_of(bits: u32) -> u32 {
  return max(bits >> 23u, 1u);
}

/** For finite magnitudes, b not 0. */
fn divided(a: u32, b: u32) -> Division {
  let exponent = exponent_of(b);
  if (exponent_of(a) < exponent) {
    return Division(0u, a);
  }
  let divisor = significand_of(b);
  var quotient = significand_of(a) / divisor;
  var rest = significand_of(a) % divisor;
  for (var left = exponent_of(a) - exponent; left > 0u;) {
    let digits = min(left, 8u);
    rest <<= digits;
    quotient = (quotient << digits) + rest / divisor;
    rest %= divisor;
    left -= digits;
  }
  // the rest stands in units of b's last place
  let rest_bits = bitcast<u32>(f32(rest));
  let is_normal = (rest_bits >> 23u) + exponent > 150u;
  if (rest == 0u || !is_normal) {
    return Division(quotient, rest << (exponent - 1u));
  }
  return Division(quotient, rest_bits + (exponent << 23u) - (150u << 23u));
}

/** a - b floor(a / b); a result of 0 has the sign of a. */
fn op_mod(a: f32, b: f32) -> f32 {
  let size = bitcast<u32>(a) & 0x7fffffffu;
  let by = bitcast<u32>(b) & 0x7fffffffu;
  if (size >= 0x7f800000u || by == 0u || by > 0x7f800000u) {
    return number_of(0x7fc00000u); // NaN
  }
  var rest = size;
  if (by != 0x7f800000u) {
    rest = divided(size, by).rest;
  }
  let signed_rest = number_of(rest | (bitcast<u32>(a) & 0x80000000u));
  if (rest == 0u || !differ_in_sign(a, b)) {
    return signed_rest;
  }
  return signed_rest + b;
}

/** floor(a / b) */
fn op_floorDivide(a: f32, b: f32) -> f32 {
  let quotient = op_div(a, b);
  let size = bitcast<u32>(a) & 0x7fffffffu;
  let by = bitcast<u32>(b) & 0x7fffffffu;
  // beyond 2^24 it is whole anyway
  if (max(size, by) >= 0x7f800000u || by == 0u || abs(quotient) > 16777216.0) {
    return quotient;
  }
  let exact = divided(size, by);
  let below = select(0u, 1u, exact.rest != 0u);
  return select(f32(exact.quotient), -f32(exact.quotient + below), differ_in_sign(a, b));
}

fn differ_in_sign(a: f32, b: f32) -> bool {
  return ((bitcast<u32>(a) ^ bitcast<u32>(b)) & 0x80000000u) != 0u;
}

/** floor(a / b), which wraps around; 0 where b is 0. */
fn op_floorDivideI(a: i32, b: i32) -> i32 {
  if (b == 0) {
    return 0;
  }
  if (b == -1) {
    return -a;
  }
  let quotient = a / b;
  return quotient - select(0, 1, quotient * b != a && (a < 0) != (b < 0));
}

fn op_modI(a: i32, b: i32) -> i32 {
  return select(a - op_floorDivideI(a, b) * b, 0, b == 0);
}
