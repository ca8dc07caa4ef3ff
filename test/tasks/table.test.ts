import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { commaRows, csvRows, linesOf, separatorOf, tabRows } from '../../src/tasks/table.ts'

const bytesOf = (text: string) => new TextEncoder().encode(text)
const textOf = (bytes: Uint8Array) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
const cellsOf = (rows: ReturnType<typeof tabRows>) => rows.map(({ cells }) => cells.map(textOf))

const characters = fc.constantFrom('a', 'é', ',', '"', '\n', '\r', '\t', ' ', ';')
const cell = fc.string({ unit: characters, maxLength: 6 })

test('what a writer of RFC 4180 has quoted is read again, with the lines that rows begin on', () => {
  const table = fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { maxLength: 5 })
  fc.assert(
    fc.property(table, fc.constantFrom('\n', '\r\n', '\r\r\n', '\r'), fc.boolean(), (rows, end, ended) => {
      const needs = (text: string) => /[",\r\n]/.test(text)
      const written = rows.map((cells) =>
        cells.map((text) => (needs(text) ? `"${text.replaceAll('"', '""')}"` : text)).join(','),
      )
      const found = commaRows(bytesOf(written.join(end) + (ended ? end : '')), 'a.csv')
      assert.equal(cellsOf(found), rows)
      let line = 1
      for (const [at, row] of found.entries()) {
        assert.is(row.line, line)
        line += written[at].split(/\r*\n|\r/).length
      }
    }),
  )
})

test('cells of a line are between its tabs, whatever they are', () => {
  const plain = fc.string({ unit: fc.constantFrom('a', '"', ',', ' '), minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(fc.array(fc.array(plain, { minLength: 1, maxLength: 4 }), { maxLength: 5 }), (rows) => {
      const written = rows.map((cells) => `${cells.join('\t')}\r\n`).join('')
      assert.equal(cellsOf(tabRows(bytesOf(`${written}\n\n`))), rows)
    }),
  )
})

test('quotes within a plain cell are quotes; empty cells are cells; blank rows at the end are none', () => {
  assert.equal(cellsOf(commaRows(bytesOf('5" disk,a "b"\n,\n"",x\n\n\r\n'), 'a.csv')), [
    ['5" disk', 'a "b"'],
    ['', ''],
    ['', 'x'],
  ])
  assert.equal(cellsOf(commaRows(bytesOf('a,'), 'a.csv')), [['a', '']])
})

test('what is between the cells of a .csv is what its first row has outside of quotes, commas first', () => {
  const found = (content: string) => separatorOf(bytesOf(content)).called
  for (const content of ['', 'a', 'a\nb;c', 'a;b,c', '"a;b"', '"a""\n;",b', '5" disk,a;b', '"a;b",c'])
    assert.is(found(content), 'comma', content)
  for (const content of ['a;b', '"a,b";c', '"a,""b,";c\n']) assert.is(found(content), 'semicolon', content)
  // texts hold semicolons, but seldom tabs
  for (const content of ['a\t"b,c;d"', 'a\tb;c', 'a;b\tc']) assert.is(found(content), 'tab', content)
  assert.equal(cellsOf(commaRows(bytesOf('"a,";b\r\n;c\n'), 'a.csv', separatorOf(bytesOf('a;b')))), [
    ['a,', 'b'],
    ['', 'c'],
  ])
})

test('a return alone ends a line, within quotes it is of the cell; lines of other files end so where none has a newline', () => {
  const { table } = csvRows(bytesOf('label;text\r1;"a\rb\n"\r2;c\r'), 'a.csv')
  assert.equal(cellsOf(table), [
    ['label', 'text'],
    ['1', 'a\rb\n'],
    ['2', 'c'],
  ])
  assert.equal(
    table.map(({ line }) => line),
    [1, 2, 5],
  )
  assert.equal(linesOf(bytesOf('1\ta\r2\tb\r')).map(textOf), ['1\ta', '2\tb'])
  assert.equal(linesOf(bytesOf('1\ta\rb\n')).map(textOf), ['1\ta\rb'])
})

test('a first line sep=; says what is between the cells of a .csv, and is no row', () => {
  for (const [between, called] of [
    [';', 'semicolon'],
    ['\t', 'tab'],
    [',', 'comma'],
    ['|', '"|"'],
  ]) {
    for (const [first, end] of [
      [`sep=${between}`, '\n'],
      [`"SEP=${between}"`, '\r\n'],
      [`sep=${between}`, '\r'],
    ]) {
      const { table, separator } = csvRows(bytesOf([first, `a${between}b`, `c${between}"d"`].join(end)), 'a.csv')
      assert.is(separator.called, called)
      assert.equal(
        table.map(({ cells, line }) => [line, ...cells.map(textOf)]),
        [
          [2, 'a', 'b'],
          [3, 'c', 'd'],
        ],
      )
    }
  }
  assert.equal(cellsOf(csvRows(bytesOf('sep=;'), 'a.csv').table), [])
  assert.equal(cellsOf(csvRows(bytesOf('sep=a,b\n'), 'a.csv').table), [['sep=a', 'b']])
})

test.run()
