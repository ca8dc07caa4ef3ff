// What the scalar operations are in exact arithmetic, as near as double precision comes to it.

import { type Evaluate, floorDivide, modulo, rounded, type ScalarName } from './rounded.ts'

/** The density of the normal distribution at 0. */
export const DENSITY = 1 / Math.sqrt(2 * Math.PI)

/** Error function: Maclaurin series for |x| < 2.5, continued fraction of the complement beyond (Abramowitz & Stegun 7.1.6, 7.1.14). */
export function erf(x: number): number {
  const z = Math.abs(x)
  if (Number.isNaN(x)) return x
  if (z < 2.5) {
    let term = x
    let sum = x
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
      term *= (2 * x * x) / (2 * n + 1)
      sum += term
    }
    return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum
  }
  return Math.sign(x) * (1 - complement(z))
}

/** 1 - erf(z), for z of at least 2.5. */
function complement(z: number): number {
  let fraction = 0
  for (let k = 60; k >= 1; k--) fraction = k / 2 / (z + fraction)
  return Math.exp(-z * z) / (Math.sqrt(Math.PI) * (z + fraction))
}

/** 1 - Phi(t) for t >= 0, where Phi is the normal distribution. */
function normalTail(t: number): number {
  const z = t * Math.SQRT1_2
  return (z < 2.5 ? 1 - erf(z) : complement(z)) / 2
}
/** t times the density of the normal distribution at t; beyond 40 there is none, and Infinity must not meet 0. */
export const moment = (t: number): number => Math.min(t, 40) * Math.exp((-t * t) / 2) * DENSITY

/** x Phi(x), which does not cancel where x is far below 0. */
function gelu(x: number): number {
  const t = Math.abs(x)
  return Math.max(x, 0) - Math.min(t, 40) * normalTail(t)
}
function geluSlope(x: number): number {
  const below = normalTail(Math.abs(x)) - moment(Math.abs(x))
  return x < 0 ? below : 1 - below
}

/** 1 to any power is 1, and so is -1 to an infinite one, as IEEE 754 has it. */
const power = (a: number, b: number): number => (a === 1 || (a === -1 && Math.abs(b) === Infinity) ? 1 : a ** b)

/** The exact value of every scalar operation: what every backend is held against. */
export const exact: Readonly<Record<ScalarName, Evaluate>> = {
  ...rounded,
  div: (a, b) => a / b,
  /** The sign is that of b; a result of 0 has that of a. */
  mod: modulo,
  floorDivide,
  pow: power,
  exp: Math.exp,
  log: Math.log,
  log1p: Math.log1p,
  sqrt: Math.sqrt,
  rsqrt: (a) => 1 / Math.sqrt(a),
  sin: Math.sin,
  cos: Math.cos,
  tanh: Math.tanh,
  erf,
  /** a Phi(a) (Hendrycks & Gimpel 2016), where Phi is the normal distribution and phi its density. */
  gelu,
  /** Phi(a) + a phi(a) */
  geluSlope,
  elu: (a) => (a > 0 ? a : Math.expm1(a)),
  /** elu(a) + 1, which does not cancel where a is far below 0. */
  eluPlusOne: (a) => (a > 0 ? a + 1 : Math.exp(a)),
  /** i32 element, segment, step -> i32 random bits. It takes seed and site besides: a backend calls `randomWord`. */
  philox: () => 0,
}
