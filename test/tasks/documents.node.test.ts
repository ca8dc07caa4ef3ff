import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readBytes, readLines, writeFileAtomically } from '../../src/runtime/files.ts'
import { batchOf, type Example, take, tasks } from '../../src/tasks/index.ts'
import { fails } from '../support/fails.ts'

/** Tasks of long texts: pairs of documents, and the next byte. */
const documents = suite<{ folder: string }>('documents', { folder: '' })
documents.before.each(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), 'rmaat-documents-'))
})
documents.after.each(({ folder }) => rm(folder, { recursive: true }))

const textOf = (tokens: ArrayLike<number>) => String.fromCharCode(...Array.from(tokens, (token) => token - 1))
const pair = (i: number, label = `${i % 2}.0`) => `${label}\tA${i}\tB${i % 3}\tdocument ${i}\tother ${i % 3} "x"\n`
const pairs = (count: number) => Array.from({ length: count }, (_, i) => pair(i)).join('')

async function writePairs(folder: string): Promise<void> {
  await writeFileAtomically(`${folder}/new_aan_pairs.train.tsv`, pairs(9))
  const parts = [pairs(3).slice(0, 20), pairs(3).slice(20)].map((part) => gzipSync(part))
  await writeFileAtomically(`${folder}/new_aan_pairs.eval.tsv.gz`, Buffer.concat(parts))
  await writeFileAtomically(`${folder}/new_aan_pairs.test.tsv`, pairs(5).replaceAll('\n', '\r\n'))
}

documents('retrieval: two documents with a separator, each cut, in the splits of the files', async ({ folder }) => {
  await writePairs(folder)
  const task = await tasks.retrieval({ path: folder, segments: 3, segmentLength: 7 })
  assert.equal([task.vocabulary, task.classes], [258, 2])
  assert.equal(task.notes, ['9 rows to train on, 3 held out for validation, 5 to test with', '12 documents'])
  const check = ({ tokens, label, split }: Example) => {
    assert.is(tokens.length, 21)
    assert.is(tokens[split!], 257)
    const [first, second] = [Array.from(tokens).slice(0, split), Array.from(tokens).slice(split! + 1)]
    assert.match(textOf(first), /^document \d$/)
    assert.is(textOf(second).slice(0, 6), 'other ')
    assert.ok(label === 0 || label === 1)
  }
  for (const part of [take(task.train(0), 9), task.validation, task.test]) for (const example of part) check(example)
  const long = await tasks.retrieval({ path: folder })
  assert.equal([long.segments, long.segmentLength], [16, 512])
  const shown = [...long.test].map(({ tokens, label }) => `${label} ${long.show(tokens)}`)
  assert.equal(
    shown,
    Array.from({ length: 5 }, (_, i) => `${i % 2} document ${i}\n---\nother ${i % 3} "x"`),
  )
  batchOf([...long.test], { ...long, batch: 5 })
})

documents('retrieval: files in UTF-16 behind a byte order mark are read as those in UTF-8', async ({ folder }) => {
  await writePairs(folder)
  const plain = await tasks.retrieval({ path: folder })
  const path = `${folder}/new_aan_pairs.test.tsv`
  const text = Buffer.from(await readBytes(path)).toString('utf8')
  await writeFileAtomically(path, Buffer.from(`\ufeff${text}`, 'utf16le'))
  const wide = await tasks.retrieval({ path: folder })
  const shown = (task: typeof plain): string[] =>
    [...task.test].map(({ tokens, label }) => `${label} ${task.show(tokens)}`)
  assert.equal(shown(wide), shown(plain))
})

documents(
  'retrieval in two towers: a document may fill all segments, and the pair says where it parts',
  async ({ folder }) => {
    await writePairs(folder)
    const given = { path: folder, protocol: 'two-tower', segments: 3, segmentLength: 4 } as const
    const task = await tasks.retrieval(given)
    assert.is(task.towers, 2)
    for (const { tokens, split } of task.test) assert.equal([tokens.length, tokens[split!]], [10 + 1 + 11, 257])
    await fails('config', /the longest document has 13 tokens, but 3 segments of 4 hold 12$/, () =>
      tasks.retrieval({ ...given, length: 13 }),
    )
    await fails('config', /^retrieval: protocol is "towers"/, () =>
      tasks.retrieval({ ...given, protocol: 'towers' as never }),
    )
  },
)

documents('retrieval: a bad line is an error with file and line', async ({ folder }) => {
  await writePairs(folder)
  const path = `${folder}/new_aan_pairs.eval.tsv.gz`
  const wrong = async (line: string, found: string) => {
    await writeFileAtomically(path, gzipSync(`${pair(0)}${line}${pair(1)}`))
    const expected = 'expected a label, an id, an id, a text, a text with tabs between'
    await fails('data', `${path}, line 2: ${expected}; found ${found}`, () => tasks.retrieval({ path: folder }))
  }
  await wrong('1.0\ta\tb\ttext\n', '4 columns')
  await wrong('1.0\ta\tb\ttext\tmore\ttab\n', '6 columns')
  await wrong('\n', '1 columns')
  await wrong('\ta\tb\ttext\ttext\n', '"", which is no label 0 or 1')
  await wrong('text\ta\tb\t1\t2\n', '"text", which is no label 0 or 1')
  await wrong('0.5\ta\tb\ttext\ttext\n', '"0.5", which is no label 0 or 1')
  await wrong('1\ta\tb\t\ttext\n', 'nothing in column 4')
  await wrong('1\ta\tb\ttext\t\n', 'nothing in column 5')
  await writeFileAtomically(path, gzipSync('\n\n'))
  await fails('data', `${path}: expected lines of pairs, found nothing`, () => tasks.retrieval({ path: folder }))
  await writeFileAtomically(path, gzipSync(pairs(50)).subarray(0, 60))
  await fails('data', [/eval\.tsv\.gz: expected a whole gzip file, but /], () => tasks.retrieval({ path: folder }))
  await rm(path)
  await fails('data', [/there is no new_aan_pairs\.eval\.tsv\. They come with lra_release\.gz/], () =>
    tasks.retrieval({ path: folder }),
  )
  await fails('config', 'retrieval: the longest pair has 21 tokens, but 1 segments of 20 hold 20', () =>
    tasks.retrieval({ path: folder, segments: 1, segmentLength: 20, length: 10 }),
  )
})

documents(
  'lines of a file come one after another, whatever ends them, over the parts that it is read in',
  async ({ folder }) => {
    const path = `${folder}/a.txt`
    const read = async (name = path) => {
      const lines: string[] = []
      for await (const line of readLines(name)) lines.push(new TextDecoder().decode(line))
      return lines
    }
    const long = Array.from({ length: 5 }, (_, i) => `${i}`.repeat(100_000))
    for (const end of ['\n', '\r\n']) {
      await writeFileAtomically(path, long.join(end))
      assert.equal(await read(), long)
      await writeFileAtomically(`${path}.gz`, Buffer.concat(long.map((line) => gzipSync(line + end))))
      assert.equal(await read(`${path}.gz`), long)
    }
    await writeFileAtomically(path, '\na\n\n')
    assert.equal(await read(), ['', 'a', ''])
    await writeFileAtomically(path, '')
    assert.equal(await read(), [])
    await fails('data', `${folder}/none: expected a file to read, but there is nothing`, () => read(`${folder}/none`))
    await fails('data', `${folder}/none.gz: expected a file to read, but there is nothing`, () =>
      read(`${folder}/none.gz`),
    )
  },
)

documents(
  'bytes: each token asks for the next; held-out parts ask for every byte but their first, once',
  async ({ folder }) => {
    const path = `${folder}/a.bin`
    const content = Uint8Array.from({ length: 1000 }, (_, i) => (i * 7) % 256)
    await writeFileAtomically(path, content)
    const task = await tasks.bytes({ path, segments: 2, segmentLength: 8 })
    assert.equal([task.vocabulary, task.classes], [257, 256])
    const follows = ({ tokens, labels, label }: Example) => {
      for (let i = 0; i < tokens.length; i++) assert.is(labels![i], (tokens[i] - 1 + 7) % 256)
      assert.is(label, labels![tokens.length - 1])
    }
    const starts = new Set<number>()
    for (const example of take(task.train(0), 300)) {
      follows(example)
      assert.is(example.tokens.length, 16)
      starts.add(example.tokens[0])
    }
    assert.ok(starts.size > 100)
    for (const [part, from, to] of [
      [task.validation, 900, 950],
      [task.test, 950, 1000],
    ] as const) {
      const all = [...part]
      assert.is(all.length, part.length)
      for (const example of all) follows(example)
      assert.equal(
        all.flatMap(({ labels }) => [...Array.from(labels!)]),
        [...content.subarray(from + 1, to)],
      )
      assert.equal(
        [...part.slice(1, 3)].map(({ label }) => label),
        all.slice(1, 3).map(({ label }) => label),
      )
    }
    assert.is(task.notes![0], '900 bytes to train on, 50 held out for validation, 50 to test with')
    // each of these bytes stands three times in training: log2 (900 + 256) / (3 + 1)
    assert.match(task.notes![1], /^bits per byte of all of these: 8 by chance, 8\.175 by /)
    batchOf([...task.test], { ...task, batch: 9 })
  },
)

documents('bytes: what a text of few letters takes is told, and a file too short is an error', async ({ folder }) => {
  const path = `${folder}/a.txt.gz`
  await writeFileAtomically(path, gzipSync('ab'.repeat(50_000)))
  const { notes, show } = await tasks.bytes({ path })
  // one bit, and a little for the letters that never come
  assert.match(notes![1], /8 by chance, 1\.00\d by how frequent bytes are in training$/)
  assert.is(show([98, 99]), 'ab')
  await writeFileAtomically(path, gzipSync('a'.repeat(1000)))
  await fails(
    'data',
    `${path}: expected at least 1139 bytes for sequences of 1024 and parts to hold out, found 1000`,
    () => tasks.bytes({ path }),
  )
  await fails('config', 'bytes: path is missing; it must name a file', () => tasks.bytes({} as { path: string }))
})

documents.run()
