import { both, smooth, unary } from './elementwise.ts'

// Element by element: x of any shape, the result has the same. Of f32, where nothing else is said.

/** |x|, also of i32. */
export const abs = unary(both('abs'), (g, x) => g.mul(x.sign()), { scales: 'elements' })
/** The whole number at x or next above it. Its gradient is 0. */
export const ceil = unary({ f32: 'ceil' })
/**
 * The cosine of x radians, to 4 units in its last place for every finite x, however large; NaN of NaN and infinities.
 * Large x are reduced by as many bits of 2 / pi as they need (Payne & Hanek 1983).
 */
export const cos = smooth('cos', (g, x) => g.mul(x.sin()).neg())
// the slope is taken from x: elu(x) + 1 has lost its digits where x is far below 0
/** The exponential linear unit (Clevert et al. 2016): x above 0, exp(x) - 1 below. */
export const elu = smooth('elu', (g, x) => g.mul(x.minimum(0).exp()))
/** elu(x) + 1 with all of its digits: x + 1 above 0, exp(x) below. */
export const eluPlusOne = smooth('eluPlusOne', (g, _, y) => g.mul(y.minimum(1)))
/** The error function: 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x. */
export const erf = smooth('erf', (g, x) => g.mul(x.mul(x).neg().exp()).mul(2 / Math.sqrt(Math.PI)))
/** e to the power of x. */
export const exp = smooth('exp', (g, _, y) => g.mul(y))
/** The whole number at x or next below it. Its gradient is 0. */
export const floor = unary({ f32: 'floor' })
/** As i32: 1 where the number is finite, 0 for NaN and infinities. */
// biome-ignore lint/suspicious/noShadowRestrictedNames: an operation, as in NumPy
export const isFinite = unary({ f32: 'isFinite' }, undefined, { result: 'i32' })
/** The natural logarithm. */
export const log = smooth('log', (g, x) => g.div(x))
/** log(1 + x), exact for small x too. */
export const log1p = smooth('log1p', (g, x) => g.div(x.add(1)))
/** -x, also of i32. */
export const neg = unary(both('neg'), (g) => g.neg())
/** The nearest whole number; halves go to the even one, as in NumPy and PyTorch. Its gradient is 0. */
export const round = unary({ f32: 'round' })
/** 1 / sqrt(x) */
export const rsqrt = smooth('rsqrt', (g, _, y) => g.mul(-0.5).mul(y.mul(y).mul(y)))
/** -1, 0 or 1, also of i32; NaN of NaN. Its gradient is 0. */
export const sign = unary(both('sign'))
/** The sine of x radians, to 4 units in its last place for every finite x, however large, as `cos`. */
export const sin = smooth('sin', (g, x) => g.mul(x.cos()))
/** The square root. */
export const sqrt = smooth('sqrt', (g, _, y) => g.mul(0.5).div(y), { steep: true })
// 1 - y^2 would cancel
/** The hyperbolic tangent. */
export const tanh = smooth('tanh', (g, x) => g.mul(x.mul(2).sigmoid()).mul(x.mul(-2).sigmoid()).mul(4))
