#!/usr/bin/env bash
# csv-parse 7.0.3: `cast: true` reads 0x10, 0b11 and every other number with such a prefix as 0.
#
# Expected: 16 and 3, as JavaScript's Number reads them, or the text itself: the option "will attempt to convert input string to
# native types". papaparse 5.7.1 (dynamicTyping) leaves the text, d3-dsv 3.0.2 (autoType) gives 16 and 3.
# Seen: a field counts as a number if Number can read it, and then parseFloat reads it, which stops behind the first 0. So all of
# 0x10, 0xff, 0XFF, 0o17, 0b11 and "0x1F600" are the number 0, with or without quotes and in files with tabs as well. -0x10, which
# Number refuses, stays text, in the same column. Decimal numbers, with or without an exponent, are right up to 2^53.
# Why it matters: seeds, hashes, code points, colours, addresses and byte values are what is written like this. A column of them
# is a column of zeros afterwards: runs with different seeds fall into one group, every token is token 0, and nothing says so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true }' >package.json # else npm looks for one further up
npm install --silent --no-audit --no-fund --ignore-scripts csv-parse@7.0.3 papaparse@5.7.1 d3-dsv@3.0.2
cat >check.mjs <<'JS'
import { readFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { parse as parseStream } from 'csv-parse'
import { parse } from 'csv-parse/sync'
import { autoType, tsvParse } from 'd3-dsv'
import papa from 'papaparse'

const version = (name) => JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8')).version
console.log(`csv-parse ${version('csv-parse')}, Node ${process.version}`)
// what stands in the file, what csv-parse makes of it
const fields = [
  ['16', 16],
  ['-2.5e-3', -0.0025],
  ['0x10', 0],
  ['0xff', 0],
  ['0XFF', 0],
  ['0x1F600', 0],
  ['0xDEADBEEF', 0],
  ['0b11', 0],
  ['0o17', 0],
  ['-0x10', '-0x10'],
]
const file = `run\tseed\n${fields.map(([field], i) => `${i}\t${field}\n`).join('')}`
const options = { columns: true, delimiter: '\t', cast: true }
const found = parse(file, options)
const streamed = []
for await (const row of Readable.from([file]).pipe(parseStream(options))) streamed.push(row)
const quoted = parse(file.replaceAll(/\t(.*)\n/g, '\t"$1"\n'), options)
const byPapa = papa.parse(file, { header: true, delimiter: '\t', dynamicTyping: true, skipEmptyLines: true }).data
const byD3 = tsvParse(file, autoType)
let same = true
fields.forEach(([field, seen], i) => {
  const { seed } = found[i]
  const number = Number(field)
  const others = [byPapa, byD3].map((rows) => JSON.stringify(rows[i].seed))
  console.log(
    `${field.padEnd(11)} ${JSON.stringify(seed).padEnd(8)} Number ${number}, papaparse ${others[0]}, d3-dsv ${others[1]}`,
  )
  same &&= [seed, streamed[i].seed, quoted[i].seed].every((value) => Object.is(value, seen))
  same &&= byD3[i].seed === (Number.isNaN(number) ? field : number)
  same &&= byPapa[i].seed === (/[xbo]/i.test(field) ? field : number)
})
const different = (rows) => new Set(rows.map(({ seed }) => seed)).size
console.log(`different seeds in the file: csv-parse ${different(found)}, papaparse ${different(byPapa)}, d3-dsv ${different(byD3)}`)
console.log(same ? 'As described: numbers with a prefix are 0' : 'The behaviour has changed')
process.exit(same ? 0 : 1)
JS
node check.mjs
