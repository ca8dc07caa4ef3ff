#!/usr/bin/env bash
# @huggingface/tokenizers 0.2.0: the Whitespace pre-tokenizer cuts words at their accents: "naïve café" is na ï ve caf é.
#
# Expected: what the tokenizers of the same name in Python and Rust make of the same tokenizer.json (version 0.23.2 was asked; the
# results are below). Whitespace is \w+|[^\w\s]+ there, and \w is Unicode's: letters, marks, digits, connectors. Of patterns
# the README says that they have "word/digit/space shorthands" as in Oniguruma. It also names three ways of splitting that are not
# there (MergedWithPrevious, MergedWithNext, Contiguous); none of them is used here.
# Seen: Whitespace has JavaScript's \w, which is ASCII, so that words of one alphabet alone come out whole and most accented ones of
# Latin script in pieces. Punctuation takes "?!" for one token, whether "Isolated" or "Removed" is asked for, and removes nothing;
# Split on a fixed string keeps what it should remove, on a pattern it does not. BPE ignores continuing_subword_prefix, so that no
# merge applies; fuse_unk joins unknown words over the spaces between them, and a text of five words has three tokens.
# transformers 4.3.2 uses this package.
# Why it matters: Whitespace is what the quicktour of tokenizers takes to train one, and many do so. In JavaScript the model sees
# other ids than it was trained on, in German or French or Vietnamese in most sentences and in English in few; lengths, and
# perplexities per token, differ as well. There is no error.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true }' >package.json # else npm looks for one further up
npm install --silent --no-audit --no-fund --ignore-scripts @huggingface/tokenizers@0.2.0
cat >check.mjs <<'JS'
import { readFileSync } from 'node:fs'
import { Tokenizer } from '@huggingface/tokenizers'

const { version } = JSON.parse(readFileSync('node_modules/@huggingface/tokenizers/package.json', 'utf8'))
console.log(`@huggingface/tokenizers ${version}, Node ${process.version}`)

/** What a tokenizer of this kind makes of a text, each token by its id; '?' is the unknown token. */
function encode(text, preTokenizer, vocabulary, model = { type: 'WordLevel' }) {
  const vocab = Object.fromEntries(['?', ...vocabulary].map((token, id) => [token, id]))
  const json = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: preTokenizer,
    post_processor: null,
    decoder: null,
    model: { unk_token: '?', ...model, vocab },
  }
  const { ids } = new Tokenizer(json, { unk_token: '?' }).encode(text)
  return ids.map((id) => ['?', ...vocabulary][id]).join(' | ')
}
const bpe = (more) => ({
  type: 'BPE',
  dropout: null,
  continuing_subword_prefix: null,
  end_of_word_suffix: null,
  fuse_unk: false,
  byte_fallback: false,
  ignore_merges: false,
  merges: [],
  ...more,
})
const whitespace = { type: 'Whitespace' }
const split = (pattern) => ({ type: 'Split', pattern, behavior: 'Removed', invert: false })
const words = (...texts) => texts.flatMap((text) => text.split(' '))
const lower = ['l', 'o', 'w', 'e', 'r', '##o', '##w', '##e', '##r', 'lo', 'low', '##er', 'lower']
const merges = [
  ['l', '##o'],
  ['lo', '##w'],
  ['##e', '##r'],
  ['low', '##er'],
]
const plainMerges = merges.map((pair) => pair.map((token) => token.replace('##', '')))
// name, text, pre-tokenizer, vocabulary, model, what Python gives, what is seen
const cases = [
  ['Whitespace', "don't stop, a_b", whitespace, words("don ' t stop , a_b"), undefined, "don | ' | t | stop | , | a_b"],
  ['Whitespace', 'Привет мир', whitespace, words('Привет мир'), undefined, 'Привет | мир'],
  ['Whitespace', 'naïve café', whitespace, words('naïve café', 'na ï ve caf é'), undefined, 'naïve | café', 'na | ï | ve | caf | é'],
  [
    'Whitespace',
    'Grüße für Zürich',
    whitespace,
    words('Grüße für Zürich', 'Gr üß e f ü r Z rich'),
    undefined,
    'Grüße | für | Zürich',
    'Gr | üß | e | f | ü | r | Z | ü | rich',
  ],
  ['Punctuation, Isolated', 'so?!', { type: 'Punctuation', behavior: 'Isolated' }, words('so ? ! ?!'), undefined, 'so | ? | !', 'so | ?!'],
  ['Punctuation, Removed', 'so?!', { type: 'Punctuation', behavior: 'Removed' }, words('so ? ! ?!'), undefined, 'so', 'so | ?!'],
  ["Split on '-', Removed", 'a-b', split({ String: '-' }), words('a - b'), undefined, 'a | b', 'a | - | b'],
  ['Split on /-/, Removed', 'a-b', split({ Regex: '-' }), words('a - b'), undefined, 'a | b'],
  [
    "BPE with '##'",
    'lower low',
    whitespace,
    lower,
    bpe({ merges, continuing_subword_prefix: '##' }),
    'lower | low',
    'l | o | w | e | r | l | o | w',
  ],
  ['BPE without', 'lower low', whitespace, [...lower, 'er'], bpe({ merges: plainMerges }), 'lower | low'],
  ['BPE, fuse_unk', 'xx yy a zz zz', { type: 'WhitespaceSplit' }, ['a'], bpe({ fuse_unk: true }), '? | ? | a | ? | ?', '? | a | ?'],
]
let same = true
for (const [name, text, preTokenizer, vocabulary, model, expected, seen = expected] of cases) {
  const found = encode(text, preTokenizer, vocabulary, model)
  console.log(`${name.padEnd(21)} ${text.padEnd(16)} ${found}${found === expected ? '' : `   (expected ${expected})`}`)
  same &&= found === seen
}
/** Unicode's \w, as its Technical Standard 18, annex C, has it. */
const w = String.raw`\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}`
const unicode = new RegExp(`[${w}]+|[^${w}\\s]+`, 'gu')
for (const [name, text, , , , expected] of cases) {
  if (name === 'Whitespace') same &&= text.match(unicode).join(' | ') === expected
}
console.log(same ? 'As described: other tokens than in Python' : 'The behaviour has changed')
process.exit(same ? 0 : 1)
JS
node check.mjs
