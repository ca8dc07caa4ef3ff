import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { shown as shownValue } from '../../src/checks.ts'
import { COLUMNS_SAY, columnsOf } from '../../src/tasks/text-columns.ts'
import { parseTexts } from '../../src/tasks/text-files.ts'
import { fails } from '../support/fails.ts'

const bytesOf = (content: string) => new TextEncoder().encode(content)
const parse = (content: string, length = 100, name = 'a.tsv') =>
  parseTexts(bytesOf(content), name, { length, labelled: true }).rows
const shown = ({ tokens }: { tokens: ArrayLike<number> }) => String.fromCharCode(...Array.from(tokens, (x) => x - 1))

test('a token is its byte + 1; the text is cut after `length` bytes', () => {
  assert.equal(parse('1\taé\n0\tabcde', 3), [
    { tokens: Uint16Array.of(98, 0xc3 + 1, 0xa9 + 1), label: '1' },
    { tokens: Uint16Array.of(98, 99, 100), label: '0' },
  ])
  const bytes = Uint8Array.of(48, 9, 255, 1)
  assert.equal([...parseTexts(bytes, 'a.tsv', { length: 9, labelled: true }).rows[0].tokens], [256, 2])
})

test('the line with the fewest tabs says how many columns there are; further tabs belong to the text', () => {
  assert.equal(parse('1\t8\tpath\ta\tb\r\n0\t2\tpath\ttext\n').map(shown), ['a\tb', 'text'])
  assert.equal(parse('1\ta\tb\n0\tc\n').map(shown), ['a\tb', 'c'])
})

test('a bad row of a .csv or .jsonl file is an error with file and line', async () => {
  const csv = (content: string, message: string) =>
    fails('data', `a.csv, line ${message}`, () => parse(content, 100, 'a.csv'))
  await csv('yes,"a\nb"\nno\nyes,b\n', '3: expected 2 columns between commas, found 1')
  await csv('sep=|\nyes|a\nno|b|c\n', '3: expected 2 columns between "|"s, found 3')
  await csv(
    'sep=;\nyes;a\nno;\n',
    `3: expected a text in column 2 of 2, found none; line 2 has "yes, a"; ${COLUMNS_SAY}`,
  )
  await csv('yes,a\nno,b,c\n', '2: expected 2 columns between commas, found 3')
  await csv('yes,a\nno,"b""\nc', '2: a quoted cell begins here and does not end')
  await csv('yes,a\nno,"b" c\n', '2: expected a comma or the end of the line behind the quoted cell')
  await csv('yes,a\nno,\n', `2: expected a text in column 2 of 2, found none; line 1 has "yes, a"; ${COLUMNS_SAY}`)
  await fails('data', 'a.csv: expected rows of labels and texts, found nothing', () =>
    parse('label,text\n', 9, 'a.csv'),
  )
  const json = (line: string, message: string | RegExp) =>
    fails('data', message, () => parse(`{"label": 1, "text": "a"}\n${line}\n{"label": 1, "text": "a"}\n`, 9, 'a.jsonl'))
  await json('{"label": 1', /^a\.jsonl, line 2: expected a JSON object, the whole of it on this line: /)
  await json('[1, "a"]', 'a.jsonl, line 2: expected a JSON object, one a line, found [1, "a"]')
  const say = 'the setting columns says how they are called, as in label=sentiment,text=review'
  await json('{"label": 1}', `a.jsonl, line 2: expected a text as "text", found "label"; ${say}`)
  await json('{"text": "a", "b": 1}', `a.jsonl, line 2: expected a label as "label", found "text", "b"; ${say}`)
  await json('', 'a.jsonl, line 2: expected a JSON object, the whole of it on this line: found a blank line')
  await json('{"label": 1, "text": 7}', 'a.jsonl, line 2: expected a text as "text", found 7')
  await json('{"label": 1, "text": ""}', `a.jsonl, line 2: expected a text in "text", found none; ${COLUMNS_SAY}`)
  await json('{"label": null, "text": "a"}', 'a.jsonl, line 2: expected a label as "label", found null')
  await json('{"label": [1], "text": "a"}', 'a.jsonl, line 2: expected a label as "label", found [1]')
  // as this and the number after it are the same to JSON
  const long = 'a.jsonl, line 2: expected a label of so many digits in quotes, found about 9007199254740992'
  await json('{"label": 9007199254740993, "text": "a"}', long)
  await fails('config', 'text: a.jsonl has objects, so columns must name them, as in label=sentiment,text=review', () =>
    parseTexts(bytesOf('{}'), 'a.jsonl', { length: 9, columns: columnsOf('label,text'), labelled: true }),
  )
})

test('cells of a .csv may have semicolons or tabs between; rows without anything at its end are none', () => {
  const rows = (content: string) => parse(content, 9, 'a.csv').map((row) => [row.label, shown(row)])
  const expected = [
    ['yes', 'a, b'],
    ['no', 'c;d'],
  ]
  assert.equal(rows('text;label\r\na, b;yes\r\n"c;d";no\r\n;\r\n;\r\n'), expected)
  assert.equal(rows('label\ttext\nyes\ta, b\nno\t"c;d"\n'), expected)
  assert.equal(rows('sep=;\r\nlabel;text\r\nyes;a, b\r\nno;"c;d"\r\n'), expected)
  assert.equal(rows('label,text\ryes,"a, b"\rno,c;d\r'), expected)
  assert.equal(rows('label,text,\nyes,"a, b",\nno,c;d,\n,,\n'), expected)
})

test('labels that are no UTF-8 are errors, texts are any bytes; JSON must be UTF-8', async () => {
  const bytes = (content: string) => Uint8Array.from(content, (character) => character.charCodeAt(0))
  const read = (content: string, name: string) => parseTexts(bytes(content), name, { length: 9, labelled: true }).rows
  assert.equal(read('yes,caf\xe9\n', 'a.csv').map(shown), ['caf\xe9'])
  await fails(
    'data',
    'a.csv, line 2: the label must be UTF-8; found "f\xe9" in another encoding: expected the file to be saved as UTF-8',
    () => read('f,a\nf\xe9,b\nf\xe8,c\n', 'a.csv'),
  )
  await fails('data', /^a\.jsonl, line 1 must be UTF-8; found /, () => read('{"label":1,"text":"\xe9"}', 'a.jsonl'))
})

test('what is no file of rows is told by how it begins; an object a line may be called .json', async () => {
  await fails('data', /^a\.tsv: expected a \.tsv, .*; found what a spreadsheet/, () => parse('PK\x03\x04\x14'))
  await fails('data', /; found what a \.parquet file begins with$/, () => parse('PAR1\x15'))
  await fails('data', /; found what is packed, but its name does not end in \.gz$/, () =>
    parseTexts(Uint8Array.of(0x1f, 0x8b, 8, 1), 'a.tsv', { length: 9, labelled: true }),
  )
  assert.equal(parse('{"label": 1, "text": "a"}', 9, 'a.json').map(shown), ['a'])
  await fails('data', /a\.json, line 1: expected a JSON object, one a line, found \[/, () => parse('[{}]', 9, 'a.json'))
})

test('a first line that looks like headings is asked about where columns are places, too', async () => {
  const read = (content: string, labels?: string[]) =>
    parseTexts(bytesOf(content), 'a.csv', { length: 9, columns: columnsOf('text, label'), labelled: true, labels }).rows
  const content = 'review,mood\na,good\nb,bad\nc,bad\n'
  await fails('data', /^a\.csv, line 1: the label "mood" is that of no other row; where /, () => read(content))
  assert.is(read(content, ['bad', 'good', 'mood']).length, 4)
  await fails('data', /^a\.csv, line 1: the label "mood"/, () => read(content, ['bad', 'good']))
})

test('lines of another kind of file are not taken for plain ones', async () => {
  const read = (content: string, columns?: string, elsewhere = true) =>
    parseTexts(bytesOf(content), 'standard input', {
      length: 9,
      columns: columns === undefined ? undefined : columnsOf(columns, false),
      labelled: false,
      elsewhere,
    }).rows.length
  const other = (kind: string) =>
    new RegExp(`^standard input, line 1: found ".*", as a .${kind} file has it: expected `)
  for (const columns of [undefined, 'label=mood,text=text']) {
    await fails('data', other('csv'), () => read('"text", id\na,1\n', columns))
    await fails('data', other('csv'), () => read('id;text\n1;a\n', columns))
    await fails('data', other('jsonl'), () => read('{"text": "a"}\n', columns))
    assert.is(read('a text, and\nmore\n', columns), 2)
  }
  assert.is(read('{"text": "a"}\n', 'text', false), 1)
})

test('with the columns of other rows lines of a single one are texts, where their headings are not there', async () => {
  const rows = (content: string, name: string, columns: string) =>
    parseTexts(bytesOf(content), name, { length: 9, columns: columnsOf(columns), labelled: false, elsewhere: true })
  for (const columns of ['label=mood,text=review', 'label,-,text']) {
    assert.equal(rows('a, b\nc\td\n', 'a.txt', columns).rows.map(shown), ['a, b', 'c\td'])
    assert.equal(rows('text\n"a, b"\n', 'a.csv', columns).rows.map(shown), ['a, b'])
  }
  await fails('data', 'a.tsv, line 3: expected 2 columns between tabs, found 1', () =>
    rows('mood\treview\ngood\ta\nb\n', 'a.tsv', 'label=mood,text=review'),
  )
  assert.equal(rows('review\n"a, b"\n', 'a.csv', 'label=mood,text=review').rows.map(shown), ['a, b'])
  for (const name of ['a.csv', 'a.tsv'])
    await fails('data', `${name}: expected rows of labels and texts, found nothing`, () =>
      rows('', name, 'label=mood,text=review'),
    )
})

test('where no label need be, one is read where it stands', () => {
  const rows = (content: string, name: string, columns?: string) =>
    parseTexts(bytesOf(content), name, {
      length: 9,
      columns: columns === undefined ? undefined : columnsOf(columns, false),
      labelled: false,
    }).rows.map((row) => [row.label, shown(row)])
  assert.equal(rows('a, b\nc\n', 'a.tsv'), [
    [undefined, 'a, b'],
    [undefined, 'c'],
  ])
  assert.equal(rows('yes\ta\nno\tc\td\n', 'a.tsv'), [
    ['yes', 'a'],
    ['no', 'c\td'],
  ])
  assert.equal(rows('yes\ta\n', 'a.tsv', '-,text'), [[undefined, 'a']])
  assert.equal(rows('id,text\n1,a\n', 'a.csv'), [[undefined, 'a']])
  assert.equal(rows('review\n"a,b"\n', 'a.csv', 'label=y,text=review'), [[undefined, 'a,b']])
  assert.equal(rows('"a,b"\n', 'a.csv'), [[undefined, 'a,b']])
  assert.equal(rows('{"text":"a"}\n{"text":"b","label":true}\n', 'a.jsonl'), [
    [undefined, 'a'],
    ['true', 'b'],
  ])
})

test('a bad line is an error with file and line', async () => {
  const at = (line: string, message: string) =>
    fails('data', `a.tsv, line 2: ${message}`, () => parse(`0\t1\tgood\n${line}\n0\t1\tgood\n`))
  const first = 'line 1 has "0, 1, good"'
  await at('', 'expected 2 columns between tabs, found a blank line')
  await at('0\t1\t', `expected a text in column 3 of 3, found none; ${first}; ${COLUMNS_SAY}`)
  for (const label of ['', ' ', 'a, b', 'a\x00b', 'a'.repeat(101)])
    await at(
      `${label}\t1\tx`,
      `expected a label, a number or words of at most 100 characters without a comma, in column 1 of 3, found ${shownValue(label)}; ${first}; ${COLUMNS_SAY}`,
    )
  await fails('data', 'a.tsv, line 1: expected 2 columns between tabs, found 1', () => parse('no tab'))
  await fails('data', 'a.tsv: expected rows of labels and texts, found nothing', () => parse(''))
  await fails('data', 'a.tsv: expected rows of labels and texts, found nothing', () => parse('\n\n'))
  await fails('data', /a\.tsv, line 4: found 3 columns between tabs, but most lines have more; /, () =>
    parse(`${'0\t1\t2\tx\n'.repeat(3)}0\t1\tx\n${'0\t1\t2\tx\n'.repeat(30)}`),
  )
})

test.run()
