// Sines and cosines of every finite number. The argument is reduced in whole numbers, which no compiler reorders: |x| is a
// significand times a power of two, and of 2 / pi those 96 bits matter that are neither whole turns nor too small
// (Payne & Hanek 1983). The polynomials are fits as those of math.wgsl.

/** 32 bits of 2 / pi from a place on; the first 32 places are 0. */
fn bits_of_two_over_pi(place: u32) -> u32 {
  // 2 / pi, 32 bits a word
  var words = array<u32, 9>(
    0u, 0xa2f9836eu, 0x4e441529u, 0xfc2757d1u, 0xf534ddc0u, 0xdb629599u, 0x3c439041u, 0xfe5163abu, 0xdebbc561u
  );
  let word = place >> 5u;
  let shift = place & 31u;
  return (words[word] << shift) | ((words[word + 1u] >> 1u) >> (31u - shift));
}

/** sin(x + quarter pi/2), where quarter is 0 or 1. */
fn circle(x: f32, quarter: u32) -> f32 {
  let bits = bitcast<u32>(x) & 0x7fffffffu;
  if (bits >= 0x7f800000u) {
    return number_of(0x7fc00000u); // NaN
  }
  var r = abs(x);
  var turns = quarter;
  if (bits > 0x3f490fdbu) { // pi / 4
    let place = (bits >> 23u) - 120u;
    let significand = (bits & 0x007fffffu) | 0x00800000u;
    let middle = bits_of_two_over_pi(place + 32u);
    // |x| in quarter turns modulo 4, times 2^62
    let low = multiply_high(significand, bits_of_two_over_pi(place + 64u)) + significand * middle;
    let carry = select(0u, 1u, low < significand * middle);
    let high = significand * bits_of_two_over_pi(place) + multiply_high(significand, middle) + carry;
    // the nearest whole one, and what is left, times 2^64
    turns += (high + 0x20000000u) >> 30u;
    var left_high = (high << 2u) | (low >> 30u);
    var left_low = low << 2u;
    let is_negative = (left_high & 0x80000000u) != 0u;
    if (is_negative) {
      left_high = ~left_high + select(0u, 1u, left_low == 0u);
      left_low = ~left_low + 1u;
    }
    // no float32 is so near to a multiple of pi / 2 that the high word is 0
    let zeros = countLeadingZeros(left_high);
    let leading = (left_high << zeros) | ((left_low >> 1u) >> (31u - zeros));
    r = f32(leading) * power_of_two(-32 - i32(zeros)) * 1.5707963267948966;
    r = select(r, -r, is_negative);
  }
  let z = r * r;
  var value: f32;
  if ((turns & 1u) == 0u) {
    var p = 2.8325475796009414e-6 * z - 0.00019853065896313637;
    p = p * z + 0.008333379402756691;
    p = p * z - 0.1666666716337204;
    value = r + r * (z * p);
  } else {
    var q = 2.4432327336398885e-5 * z - 0.0013887309469282627;
    q = q * z + 0.04166664555668831;
    value = 1.0 - (0.5 * z - z * z * q);
  }
  // the sine of -x is that of x turned round
  let turned = ((turns & 2u) << 30u) ^ select(0u, bitcast<u32>(x) & 0x80000000u, quarter == 0u);
  return number_of(bitcast<u32>(value) ^ turned);
}

fn op_sin(x: f32) -> f32 {
  return circle(x, 0u);
}

fn op_cos(x: f32) -> f32 {
  return circle(x, 1u);
}
