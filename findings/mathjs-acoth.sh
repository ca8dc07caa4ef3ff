#!/usr/bin/env bash
# mathjs 15.2.0: derivative of acoth(x) has the wrong sign, and expm1 of the complex number 1e-10 + 0i is wrong from the ninth digit.
#
# Expected: what the functions of the package itself say, by a difference quotient. expm1 is more accurate than exp(x) - 1 near 0, says its
# documentation, and takes complex numbers; log1p is its inverse.
# Seen: derivative('acoth(x)') is -(1 / (1 - x^2)): 0.125 at 3, where acoth falls by 0.125; at -3 too. The minus should not be there. Forty
# other derivatives that were tried are right. expm1(complex(1e-10, 0)) is 1.00000008274e-10, as exp(x) - 1 is, and log1p likewise;
# of real numbers both are right.
# Why it matters: the derivative of a formula is what gradients written by hand are checked by, and a step along the wrong sign climbs.
# acoth(x) is half of log((x + 1) / (x - 1)). Where a small number gets an imaginary part of 0, as numbers do on their way through a
# complex recurrence or a transform, half of the digits are gone without a word.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true }' >package.json # else npm looks for one further up
npm install --silent --no-audit --no-fund --ignore-scripts mathjs@15.2.0
cat >check.mjs <<'JS'
import { readFileSync } from 'node:fs'
import { complex, derivative, evaluate, expm1, log1p } from 'mathjs'

const { version } = JSON.parse(readFileSync('node_modules/mathjs/package.json', 'utf8'))
console.log(`mathjs ${version}, Node ${process.version}`)
const near = (a, b) => Math.abs(a - b) < 1e-6 * (1 + Math.abs(b))
let same = true
/** At x, by the package's own values on both sides of it. */
function report(formula, x, sign = 1) {
  const h = 1e-5
  const slope = (evaluate(formula, { x: x + h }) - evaluate(formula, { x: x - h })) / (2 * h)
  const found = derivative(formula, 'x').evaluate({ x })
  if (sign < 0 || !near(found, slope))
    console.log(`derivative of ${formula} at ${x}: ${found} (expected ${Number(slope.toPrecision(7))})`)
  same &&= near(found, sign * slope)
}
console.log(`derivative of acoth(x): ${derivative('acoth(x)', 'x')}`)
for (const x of [3, -3, 1.5]) report('acoth(x)', x, -1)
const rest = {
  3: 'atan(x) acot(x) acsc(x) asec(x) log10(x) log(x) log(x,2) log(2,x) sqrt(x) cbrt(x) nthRoot(x,2) pow(2,x) x^x 1/x x/(1+x) x^pi',
  0.5: 'asin(x) acos(x) atanh(x) asech(x) sin(x) cos(x) tan(x) cot(x) sec(x) csc(x) sinh(x) cosh(x) tanh(x) coth(x) sech(x) csch(x) asinh(x) exp(-x^2)',
  '-2': 'acsch(x) acsc(x) asec(x) abs(x) exp(x)',
  2: 'acosh(x) acsch(x)',
}
let count = 0
for (const [x, formulas] of Object.entries(rest))
  for (const formula of formulas.split(' ')) {
    report(formula, Number(x))
    count++
  }
console.log(`${count} other derivatives: ${same ? 'right' : 'not as described'}`)
function value(name, found, expected, seen = expected) {
  const right = Math.abs(found - expected) <= 1e-12 * Math.abs(expected)
  console.log(`${name}: ${found} ${right ? '(right)' : `(expected ${expected})`}`)
  same &&= Math.abs(found - seen) <= 1e-6 * Math.abs(seen) && right === (seen === expected)
}
const small = 1e-10
value('expm1 of 1e-10', expm1(small), 1.00000000005e-10)
value('expm1 of 1e-10 + 0i', expm1(complex(small, 0)).re, 1.00000000005e-10, 1.00000008274e-10)
value('log1p of 1e-10', log1p(small), 9.9999999995e-11)
value(
  'log1p of 1e-10 + 0i',
  Number(log1p(complex(small, 0)).re ?? log1p(complex(small, 0))),
  9.9999999995e-11,
  1.00000008269e-10,
)
console.log(same ? 'As described' : 'The behaviour has changed')
process.exit(same ? 0 : 1)
JS
node check.mjs
