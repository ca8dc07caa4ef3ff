#!/usr/bin/env bash
# Four packages of ml.js name a number and give another one: .333 for a false omission rate of .2, the standard errors of another
# output, deviations that are twice what they should be, and a line for a polynomial of degree 2.
#
# Expected: the quantities by their definitions, which the script computes.
# Seen: ml-confusion-matrix 2.0.0: getFalseOmissionRate is FN / (FN + TP), the miss rate; among what was called negative, FN / (FN
# + TN), is right, 1 less getNegativePredictiveValue. ml-regression-multivariate-linear 2.0.4: with several outputs the standard
# errors and t of all are those of the first: .95 where the second has 36.8; `observations` is the number of outputs, and without
# an intercept the last variable is called "Intercept". ml-pca 4.1.1: with the method NIPALS the standard deviations are too large
# by the root of n - 1, and the components asked for explain all of the variance: one of three 100 %, where 60 is right and the
# other two methods say so. ml-regression-robust-polynomial 3.0.2: `degree` is the number of coefficients, so that 2 fits a line
# to a parabola and 1 a constant; in ml-regression-polynomial 4.0.0, which takes the same arguments, it is the degree. Other rates
# of the confusion matrix, the coefficients of a regression and those of one output alone are right.
# Why it matters: such numbers go from a program into a report. A model is chosen by them, a variable is called significant, and
# dimensions are dropped because nothing seems to be left.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true }' >package.json # else npm looks for one further up
npm install --silent --no-audit --no-fund --ignore-scripts ml-confusion-matrix@2.0.0 ml-pca@4.1.1 \
  ml-regression-multivariate-linear@2.0.4 ml-regression-polynomial@4.0.0 ml-regression-robust-polynomial@3.0.2
cat >check.mjs <<'JS'
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const load = (name) => {
  const module = require(name)
  console.log(`${name} ${require(`./node_modules/${name}/package.json`).version}, Node ${process.version}`)
  return module.default ?? module
}
const near = (a, b) => a.length === b.length && a.every((x, i) => Math.abs(x - b[i]) < 1e-6 * (1 + Math.abs(b[i])))
const short = (values) => values.map((x) => Number(x.toPrecision(4))).join(' ')
let same = true
function report(name, found, expected, seen = expected) {
  console.log(`  ${name}: ${short(found)} ${near(found, expected) ? '(right)' : `(expected ${short(expected)})`}`)
  same &&= near(found, seen)
}

const { ConfusionMatrix } = load('ml-confusion-matrix')
const [actual, predicted] = [
  [1, 1, 1, 0, 0, 0, 0, 0],
  [1, 1, 0, 0, 0, 1, 0, 0],
]
const matrix = ConfusionMatrix.fromLabels(actual, predicted)
const count = (a, p) => actual.filter((x, i) => x === a && predicted[i] === p).length
const [tp, fp, fn, tn] = [count(1, 1), count(0, 1), count(1, 0), count(0, 0)]
report('false omission rate', [matrix.getFalseOmissionRate(1)], [fn / (fn + tn)], [fn / (fn + tp)])
report('negative predictive value', [matrix.getNegativePredictiveValue(1)], [tn / (fn + tn)])
report('false discovery rate', [matrix.getFalseDiscoveryRate(1)], [fp / (fp + tp)])
report('false negative rate', [matrix.getFalseNegativeRate(1)], [fn / (fn + tp)])

const Regression = load('ml-regression-multivariate-linear')
const x = [
  [0, 0],
  [1, 2],
  [2, 3],
  [3, 4],
  [4, 6],
]
const [first, second] = [
  [1, 2, 4, 3, 6],
  [10, -20, 35, -5, 60],
]
const summary = (y, options) => new Regression(x, y, options).toJSON().summary
const errors = ({ variables }) => variables.map(({ standardError }) => standardError)
const alone = [first, second].map((y) => summary(y.map((value) => [value])))
const both = summary(first.map((value, i) => [value, second[i]]))
/** Standard errors of slopes and intercept by the formula: roots of the diagonal of s^2 * inverse(X'X), by Cramer's rule. */
function byHand(y, { variables }) {
  const rows = x.map((row) => [...row, 1])
  const products = rows[0].map((_, i) => rows[0].map((_, j) => rows.reduce((sum, row) => sum + row[i] * row[j], 0)))
  const minor = (i) => {
    const [j, k] = [0, 1, 2].filter((n) => n !== i)
    return products[j][j] * products[k][k] - products[j][k] ** 2
  }
  const [a, b, c] = products
  const whole =
    a[0] * (b[1] * c[2] - b[2] * c[1]) - a[1] * (b[0] * c[2] - b[2] * c[0]) + a[2] * (b[0] * c[1] - b[1] * c[0])
  const rest = y.map(
    (value, n) => value - variables.reduce((sum, { coefficients }, i) => sum + coefficients[0] * rows[n][i], 0),
  )
  const variance = rest.reduce((sum, r) => sum + r * r, 0) / (y.length - 3)
  return [0, 1, 2].map((i) => Math.sqrt((variance * minor(i)) / whole))
}
report('errors, first output alone', errors(alone[0]), byHand(first, alone[0]))
report('errors, second output alone', errors(alone[1]), byHand(second, alone[1]))
report('errors of the only list for both', errors(both), byHand(second, alone[1]), byHand(first, alone[0]))
report('observations', [both.regressionStatistics.observations], [5], [2])
const { label } = summary(
  first.map((value) => [value]),
  { intercept: false },
).variables[1]
console.log(`  without intercept, the second of two variables: ${label}`)
same &&= label === 'Intercept'

const { PCA } = load('ml-pca')
const data = [
  [1, 2, 3],
  [2, 1, 5],
  [4, 5, 1],
  [7, 3, 2],
  [5, 8, 9],
]
const expected = new PCA(data, { method: 'covarianceMatrix' })
const [deviations, shares] = [expected.getStandardDeviations(), expected.getExplainedVariance()]
const means = data[0].map((_, j) => data.reduce((sum, row) => sum + row[j], 0) / data.length)
const total =
  data.flatMap((row) => row.map((value, j) => (value - means[j]) ** 2)).reduce((a, b) => a + b) / (data.length - 1)
report('sum of squared deviations, covariance', [deviations.reduce((sum, d) => sum + d * d, 0)], [total])
for (const count of [1, 2, 3]) {
  const found = new PCA(data, { method: 'NIPALS', nCompNIPALS: count })
  const part = shares.slice(0, count)
  const all = part.reduce((a, b) => a + b)
  report(
    `NIPALS, ${count}, deviations`,
    found.getStandardDeviations(),
    deviations.slice(0, count),
    deviations.slice(0, count).map((d) => 2 * d),
  )
  report(
    `NIPALS, ${count}, explained`,
    found.getExplainedVariance(),
    part,
    part.map((share) => share / all),
  )
}

const { RobustPolynomialRegression } = load('ml-regression-robust-polynomial')
const { PolynomialRegression } = load('ml-regression-polynomial')
const places = Array.from({ length: 12 }, (_, i) => i)
const parabola = places.map((place) => place * place)
for (const degree of [1, 2, 3]) {
  const robust = new RobustPolynomialRegression(places, parabola, degree)
  const usual = new PolynomialRegression(places, parabola, degree)
  const fits = (model) => places.every((place, i) => Math.abs(model.predict(place) - parabola[i]) < 1e-6)
  console.log(
    `  degree ${degree}: ${robust.toString(3)}, usual ${usual.toString(3)}; fit a parabola: ${fits(robust)}, ${fits(usual)}`,
  )
  same &&= robust.coefficients.length === degree && usual.coefficients.length === degree + 1
  same &&= fits(robust) === degree > 2 && fits(usual) === degree > 1
}
console.log(same ? 'As described' : 'The behaviour has changed')
process.exit(same ? 0 : 1)
JS
node check.mjs
