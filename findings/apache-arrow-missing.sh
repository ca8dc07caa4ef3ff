#!/usr/bin/env bash
# apache-arrow 21.2.0: a value that a row does not have is stored as false, 0, NaN or an empty text, and not as a null.
#
# Expected: a null. Arrow's columns have a bit for each value that says whether there is one (columnar format 1.5, "Validity bitmaps"),
# and tableFromJSON takes rows as they come from JSON lines, where a key that has no value is left out. It does accept such rows,
# and makes a column of every key of any row. pyarrow's Table.from_pylist (25.0.1) has nulls there.
# Seen: of { ok: true } and {} the second is false, a text is '', a number NaN, an Int32 of vectorFromArray 0; nullCount is 0, and a
# null that is written out beside it is a null. pyarrow reads the same from the file. BigInt and dates raise an error. In
# a nested object only the keys of the first one are kept: y of { x: 1 } and { x: 2, y: 3 } is gone. A text in a column that begins
# with numbers is NaN. A Float32Array becomes a struct with the fields "0", "1", ... of doubles, and an array of the same numbers a
# list. With nullValues: [null, undefined] a builder has nulls, but neither function takes this option.
# Why it matters: this is how annotations, metrics and embeddings get from JavaScript into a data set. What was never labelled is
# labelled false, counts as a class and as an example; the mean of a metric is NaN, or too small where it is an integer; and nothing in
# the file can tell the two apart any more.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true }' >package.json # else npm looks for one further up
npm install --silent --no-audit --no-fund --ignore-scripts apache-arrow@21.2.0
cat >check.mjs <<'JS'
import { readFileSync } from 'node:fs'
import { Bool, Float32, Int32, makeBuilder, tableFromIPC, tableFromJSON, tableToIPC, Utf8, vectorFromArray } from 'apache-arrow'

const { version } = JSON.parse(readFileSync('node_modules/apache-arrow/package.json', 'utf8'))
console.log(`apache-arrow ${version}, Node ${process.version}`)
const short = (values) => [...values].map((x) => (typeof x === 'string' ? `'${x}'` : String(x))).join(', ')
let same = true
function report(name, values, nulls, seen, expected) {
  const found = `${short(values)}; ${nulls} ${nulls === 1 ? 'null' : 'nulls'}`
  console.log(`${name.padEnd(24)} ${found}${found === expected ? ' (right)' : ` (expected ${expected})`}`)
  same &&= found === seen
}
const lines = ['{"ok":true,"who":"a","loss":0.5}', '{}', '{"ok":null,"who":null,"loss":null}', '{"ok":false,"who":"","loss":0}']
const table = tableFromJSON(lines.map((line) => JSON.parse(line)))
const copy = tableFromIPC(tableToIPC(table, 'file'))
for (const [name, seen, expected] of [
  ['ok', 'true, false, null, false; 1 null', 'true, null, null, false; 2 nulls'],
  ['who', `'a', '', null, ''; 1 null`, `'a', null, null, ''; 2 nulls`],
  ['loss', '0.5, NaN, null, 0; 1 null', '0.5, null, null, 0; 2 nulls'],
]) {
  for (const [from, { [name]: column }] of [
    ['tableFromJSON', { [name]: table.getChild(name) }],
    ['  from its file', { [name]: copy.getChild(name) }],
  ])
    report(`${from}, ${name}`, column, column.nullCount, seen, expected)
}
for (const [name, type, value, seen] of [
  ['Int32', new Int32(), 7, '0'],
  ['Float32', new Float32(), 7, 'NaN'],
  ['Bool', new Bool(), true, 'false'],
  ['Utf8', new Utf8(), 'a', `''`],
]) {
  const values = [undefined, value, null]
  const vector = vectorFromArray(values, type)
  const [shown] = [short([value])]
  report(`vectorFromArray, ${name}`, vector, vector.nullCount, `${seen}, ${shown}, null; 1 null`, `null, ${shown}, null; 2 nulls`)
  const builder = makeBuilder({ type, nullValues: [null, undefined] })
  for (const x of values) builder.append(x)
  const built = builder.finish().toVector()
  same &&= short(built) === `null, ${shown}, null` && built.nullCount === 2
}
for (const [name, rows, seen, expected] of [
  ['nested', [{ a: { x: 1 } }, { a: { x: 2, y: 3 } }], 'Struct<{x:Float64}>', 'Struct<{x:Float64, y:Float64}>'],
  ['Float32Array', [{ a: Float32Array.of(1, 2) }], 'Struct<{0:Float64, 1:Float64}>', 'List<Float32>'],
  ['Array', [{ a: [1, 2] }], 'List<Float64>', 'List<Float64>'],
]) {
  const found = String(tableFromJSON(rows).getChild('a').type)
  console.log(`${name.padEnd(24)} ${found}${found === expected ? ' (right)' : ` (expected ${expected})`}`)
  same &&= found === seen
}
const mixed = [...tableFromJSON([{ a: 1 }, { a: 'n/a' }]).getChild('a')]
console.log(`${'1 and a text'.padEnd(24)} ${short(mixed)} (expected an error)`)
same &&= short(mixed) === '1, NaN'
console.log(same ? 'As described' : 'The behaviour has changed')
process.exit(same ? 0 : 1)
JS
node check.mjs
