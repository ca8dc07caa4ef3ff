// The scalar operations that WGSL does not offer, or not exactly enough: the budgets of src/ops/scalar.ts hold on every
// device that keeps the accuracy table of the WGSL specification. It promises + - x, 2.5 ULP of a division between
// 2^-126 and 2^126 and 2 ULP of inverseSqrt, and too little of exp, log, pow, tanh and sqrt.
//
// Compilers may contract a x b + c, reorder sums and treat rounding as if it were not there: no function here computes
// something that is 0 in exact arithmetic, and what must not be merged passes through integers. Subnormal numbers may
// count as zero. The polynomials are minimax fits of our own (Lawson's iteration, the coefficients rounded to f32 one
// after another).

/** 2^n for -126 <= n <= 127 */
fn power_of_two(n: i32) -> f32 {
  return bitcast<f32>((n + 127) << 23u);
}

/** 0 < x < infinity */
fn is_positive_and_finite(x: f32) -> bool {
  let bits = bitcast<i32>(x);
  return bits > 0 && bits < 0x7f800000;
}

/** A function's value where x is not positive and finite, of a function that is not defined for x < 0. */
fn at_limit(x: f32, at_zero: f32, at_infinity: f32) -> f32 {
  if (x == 0.0) {
    return at_zero;
  }
  return select(number_of(0x7fc00000u), at_infinity, x > 0.0); // else NaN
}

/** x = significand x 2^exponent */
struct FloatParts {
  significand: f32, // in [sqrt 1/2, sqrt 2)
  exponent: i32,
}

/** Takes a positive finite x apart. */
fn float_parts(x: f32) -> FloatParts {
  let bits = bitcast<i32>(x);
  // the bits of a subnormal number, taken for an integer, are x 2^149: no subnormal arithmetic is needed
  let subnormal = bits < 0x00800000;
  let normal = select(bits, bitcast<i32>(f32(bits)), subnormal);
  let exponent = (normal - 0x3f3504f3) >> 23u;
  return FloatParts(bitcast<f32>(normal - (exponent << 23u)), exponent - select(0, 149, subnormal));
}

/** x less its last bit. Compilers that reorder sums do not look through it. */
fn settled(x: f32) -> f32 {
  return bitcast<f32>(bitcast<u32>(x) & 0xfffffffeu);
}

// ln 2 in two parts, as Cephes splits it (S. Moshier): whole numbers times the first are exact.
const LN_2_HIGH = 0.693359375;
const LN_2_LOW = -2.12194440054690583e-4;

/** e^x; 0 where the result is below the smallest normal number. */
fn op_exp(x: f32) -> f32 {
  if (x > 88.722835) { // 128 ln 2
    return infinity();
  }
  if (x < -87.336544) { // -126 ln 2
    return 0.0;
  }
  let n = round(x * 1.4426950408889634);
  // the first difference is exact, but for the last bit where |x| < 1/2, and has to come first
  let r = settled(x - n * LN_2_HIGH) - n * LN_2_LOW;
  var p = 0.0013818938750773668 * r + 0.008368703536689281;
  p = p * r + 0.04166828840970993;
  p = p * r + 0.1666652113199234;
  p = p * r + 0.4999999403953552;
  p = p * r + 1.0;
  p = p * r + 1.0;
  // p x 2^n by its bits: 2^128 is no number
  return bitcast<f32>(bitcast<i32>(p) + (i32(n) << 23u));
}

/** x > 0 ? x : e^x - 1 */
fn op_elu(x: f32) -> f32 {
  if (x > 0.0) {
    return x;
  }
  if (x < -0.5) {
    return op_exp(x) - 1.0;
  }
  var p = 0.001121268724091351 * x + 0.008188075385987759;
  p = p * x + 0.04163004830479622;
  p = p * x + 0.16666258871555328;
  p = p * x + 0.49999985098838806;
  return x + x * x * p;
}

/** x > 0 ? x + 1 : e^x */
fn op_eluPlusOne(x: f32) -> f32 {
  if (x > 0.0) {
    return x + 1.0;
  }
  return op_exp(x);
}

/** log(1 + f) + n ln 2, for 1 + f in [sqrt 1/2, sqrt 2). */
fn logarithm(f: f32, n: f32) -> f32 {
  var p = -0.07638189196586609 * f + 0.12764763832092285;
  p = p * f - 0.13160189986228943;
  p = p * f + 0.14201273024082184;
  p = p * f - 0.1662331521511078;
  p = p * f + 0.20001250505447388;
  p = p * f - 0.250008225440979;
  p = p * f + 0.3333333134651184;
  let square = f * f;
  let tail = p * square * f + n * LN_2_LOW - 0.5 * square;
  return n * LN_2_HIGH + (f + tail);
}

fn op_log(x: f32) -> f32 {
  if (!is_positive_and_finite(x)) {
    return at_limit(x, -infinity(), infinity());
  }
  let parts = float_parts(x);
  return logarithm(parts.significand - 1.0, f32(parts.exponent));
}

/** log(1 + x) */
fn op_log1p(x: f32) -> f32 {
  if (x > -0.29 && x < 0.41) {
    return logarithm(x, 0.0);
  }
  // here the logarithm is so large that the rounding of 1 + x is small beside it
  return op_log(1.0 + x);
}

/** e^(b log |a|), with the sign of a where b is odd; NaN where a < 0 is finite and b is no whole number. */
fn op_pow(a: f32, b: f32) -> f32 {
  if (b == 0.0 || a == 1.0) {
    return 1.0;
  }
  let bits = bitcast<u32>(a);
  let size_bits = bits & 0x7fffffffu;
  let is_whole = floor(b) == b;
  var size = select(infinity(), 0.0, b > 0.0);
  if (size_bits == 0x7f800000u) {
    size = select(0.0, infinity(), b > 0.0);
  } else if (size_bits != 0u) {
    if (bits != size_bits && !is_whole) {
      return number_of(0x7fc00000u); // NaN
    }
    size = op_exp(b * op_log(number_of(size_bits)));
  }
  let halved = 0.5 * b;
  let is_odd = is_whole && floor(halved) != halved;
  return number_of(bitcast<u32>(size) | select(0u, bits & 0x80000000u, is_odd));
}

fn op_sqrt(x: f32) -> f32 {
  if (!is_positive_and_finite(x)) {
    return at_limit(x, 0.0, infinity());
  }
  let parts = float_parts(x);
  let even = parts.significand * select(1.0, 2.0, (parts.exponent & 1) == 1);
  let reciprocal = inverseSqrt(even);
  let root = even * reciprocal;
  // one step of Newton's iteration
  let better = root + 0.5 * reciprocal * (even - root * root);
  return better * power_of_two(parts.exponent >> 1u);
}

/** 1 / sqrt(x) */
fn op_rsqrt(x: f32) -> f32 {
  if (!is_positive_and_finite(x)) {
    return at_limit(x, infinity(), 0.0);
  }
  let parts = float_parts(x);
  let even = parts.significand * select(1.0, 2.0, (parts.exponent & 1) == 1);
  return inverseSqrt(even) * power_of_two(-(parts.exponent >> 1u));
}

/** x + x^3 P(x^2) for |x| < 1; 1 - 2 / (e^2x + 1) beyond, where what a division may lose is small beside 1. */
fn op_tanh(x: f32) -> f32 {
  let size = abs(x);
  if (size < 1.0) {
    let z = x * x;
    var p = -0.0003583925135899335 * z + 0.0023012193851172924;
    p = p * z - 0.007946008816361427;
    p = p * z + 0.0214866753667593;
    p = p * z - 0.05387984588742256;
    p = p * z + 0.13332346081733704;
    p = p * z - 0.33333295583724976;
    return x + x * (z * p);
  }
  let limit = select(-1.0, 1.0, x > 0.0);
  if (size > 10.0) {
    return limit;
  }
  return limit - limit * (2.0 / (op_exp(2.0 * size) + 1.0));
}

/** x + x P(x^2) for |x| < 1; 1 - e^Q(x) beyond, where Q is the logarithm of the complement. */
fn op_erf(x: f32) -> f32 {
  let size = abs(x);
  if (size < 1.0) {
    let z = x * x;
    var p = 7.806903158780187e-5 * z - 0.0007997853099368513;
    p = p * z + 0.005187162198126316;
    p = p * z - 0.026853347197175026;
    p = p * z + 0.11283578723669052;
    p = p * z - 0.3761262595653534;
    p = p * z + 0.12837916612625122;
    return x + x * p;
  }
  let limit = select(-1.0, 1.0, x > 0.0);
  if (size > 4.0) {
    return limit;
  }
  var q = -0.0011572022922337055 * size + 0.01483175065368414;
  q = q * size - 0.08879956603050232;
  q = q * size - 0.6542401313781738;
  q = q * size - 1.1176213026046753;
  q = q * size - 0.0026191449724137783;
  return limit - limit * op_exp(q);
}

/** (1 - Phi(t)) e^(t^2 / 2) for 0 <= t <= 13.3, where Phi is the normal distribution: P(t) / Q(t). */
fn tail_over_bell(t: f32) -> f32 {
  var p = 0.014998595230281353 * t + 0.11085323989391327;
  p = p * t + 0.34681597352027893;
  p = p * t + 0.5;
  var q = 0.03760576993227005 * t + 0.277528315782547;
  q = q * t + 0.911811351776123;
  q = q * t + 1.4915119409561157;
  q = q * t + 1.0;
  return p / q;
}

/** x Phi(x), by the tail of Phi alone. */
fn op_gelu(x: f32) -> f32 {
  let t = min(abs(x), 13.3);
  return max(x, 0.0) - t * op_exp(-0.5 * t * t) * tail_over_bell(t);
}

/** Phi(x) + x Phi'(x) */
fn op_geluSlope(x: f32) -> f32 {
  let t = min(abs(x), 13.3);
  let below = op_exp(-0.5 * t * t) * (tail_over_bell(t) - 0.3989422804014327 * t);
  return select(1.0 - below, below, x < 0.0);
}

/** a / b, also where b is so large that WGSL promises nothing. */
fn op_div(a: f32, b: f32) -> f32 {
  let scale = select(1.0, 0.0625, abs(b) > 4.2535295865117308e37); // 2^125
  return (a * scale) / (b * scale);
}

/** Towards zero, saturating; 0 for NaN, which only its bits tell for sure. */
fn op_toInt(x: f32) -> i32 {
  let bits = bitcast<u32>(x);
  let size = bits & 0x7fffffffu;
  if (size > 0x7f800000u) {
    return 0;
  }
  if (size >= 0x4f000000u) { // |x| >= 2^31
    return select(0x7fffffff, -0x7fffffff - 1, bits != size);
  }
  return i32(x);
}

fn op_isFinite(x: f32) -> i32 {
  return i32((bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u);
}

/** The high 32 bits of a 32 x 32 bit product. */
fn multiply_high(a: u32, b: u32) -> u32 {
  let low = (a & 0xffffu) * (b & 0xffffu);
  let middle1 = (a >> 16u) * (b & 0xffffu) + (low >> 16u);
  let middle2 = (a & 0xffffu) * (b >> 16u) + (middle1 & 0xffffu);
  return (a >> 16u) * (b >> 16u) + (middle1 >> 16u) + (middle2 >> 16u);
}

/**
 * The random word of one element by Philox-4x32-10 (Salmon et al. 2011): counter = (element / 4, site, segment, step),
 * key = (seed, 0).
 */
fn op_philox(element: i32, segment: i32, step: i32, seed: i32, site: i32) -> i32 {
  let position = bitcast<u32>(element);
  var c0 = position >> 2u;
  var c1 = bitcast<u32>(site);
  var c2 = bitcast<u32>(segment);
  var c3 = bitcast<u32>(step);
  var k0 = bitcast<u32>(seed);
  var k1 = 0u;
  for (var round_number = 0; round_number < 10; round_number++) {
    let high0 = multiply_high(0xd2511f53u, c0);
    let high1 = multiply_high(0xcd9e8d57u, c2);
    let low0 = 0xd2511f53u * c0;
    let low1 = 0xcd9e8d57u * c2;
    c0 = high1 ^ c1 ^ k0;
    c1 = low1;
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 += 0x9e3779b9u;
    k1 += 0xbb67ae85u;
  }
  let even = select(c0, c2, (position & 2u) != 0u);
  let odd = select(c1, c3, (position & 2u) != 0u);
  return bitcast<i32>(select(even, odd, (position & 1u) != 0u));
}

/** Random bits as a number in [0, 1). */
fn op_uniform(bits: i32) -> f32 {
  return f32(bitcast<u32>(bits) >> 8u) * 5.9604644775390625e-8; // 2^-24
}
