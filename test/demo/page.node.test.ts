import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { trainedBits } from '../../demo/bits.ts'
import { jsonLines, run, tiny } from '../cli/run.ts'
import { openDemo, type Page } from './browser.ts'

const demo = await openDemo()
const inPage = demo ? test : test.skip
test.after(() => demo?.close())

/** The number that an element shows. */
const figure = async (page: Page, id: string): Promise<number> =>
  Number((await page.textContent(`#${id}`)).replace(/[^\d.]/g, ''))
const shows = (page: Page, id: string, least: number, options?: { timeout: number }) =>
  page.waitForFunction(
    `Number(document.getElementById('${id}').textContent.replace(/[^0-9.]/g, '')) >= ${least}`,
    undefined,
    options,
  )
const says = (page: Page, id: string, words: string) =>
  page.waitForFunction(`document.getElementById('${id}').textContent.includes(${JSON.stringify(words)})`)
const tested = async (page: Page): Promise<number[]> => {
  await says(page, 'notes', 'Tested')
  const [, examples, accuracy, loss] = /on (\d+) .*: ([\d.]+) %.*loss ([\d.]+);/.exec(await page.textContent('#notes'))!
  return [examples, accuracy, loss].map(Number)
}

let page: Page
/** Learns beside all others: a GPU in software takes its time. */
let onGpu: Page
let learned: Promise<void>
const saved = demo?.folder.path('saved.safetensors') ?? ''

inPage('it learns recall on threads; it pauses, goes on, and changes its method on the way', async () => {
  onGpu = await demo!.page({
    hash: '#device=webgpu&segments=2&segmentLength=2&memory=2&width=16&layers=1&rate=0.01&batch=16',
  })
  await onGpu.click('#start')
  // awaited in the last test but one: until then all the others take its time
  learned = shows(onGpu, 'accuracy', 30, { timeout: 0 }).then(() => onGpu.click('#stop'))
  learned.catch(() => {}) // told where it is awaited
  page = await demo!.page({ hash: '#device=wasm&threads=2' })
  await page.click('#start')
  await says(page, 'device', 'wasm: WebAssembly, 2 threads')
  await shows(page, 'accuracy', 60)
  assert.is(await figure(page, 'chance'), 12.5)
  assert.is(await page.locator('#answers tbody tr').count(), 4)

  await page.click('#pause')
  await says(page, 'status', 'Paused')
  await page.waitForTimeout(200) // what was under way is told
  const before = await figure(page, 'steps')
  await page.waitForTimeout(300)
  assert.is(await figure(page, 'steps'), before)
  const planned = await figure(page, 'planned')
  await page.click('#pause')
  await shows(page, 'steps', before + 3)

  // the dial, by the keyboard alone
  await page.focus('#keep')
  await page.keyboard.press('ArrowRight')
  await says(page, 'dial-words', 'activations of 1 of 3')
  await page.waitForFunction(`Number.parseFloat(document.getElementById('planned').textContent) > ${planned}`)
  const [kept, then] = [await figure(page, 'planned'), await figure(page, 'steps')]
  await shows(page, 'steps', then + 3)
  await page.selectOption('select[name=method]', 'bptt')
  await page.waitForFunction(`Number.parseFloat(document.getElementById('planned').textContent) > ${kept}`)
  await shows(page, 'steps', then + 6)
  assert.ok((await figure(page, 'accuracy')) > 60, 'the weights stay')
  assert.match(page.url(), /keep=3&|method=bptt/)
  await page.click('#stop')
  await says(page, 'status', 'Stopped')
})

inPage('a formula opens down to the kernels of its gradient, their times and sources', async () => {
  const attention = 'details[data-formula=attention]'
  await page.click(`${attention} > summary`)
  await page.waitForFunction(`document.querySelectorAll('${attention} .kernel').length > 10`)
  assert.match(await page.textContent(attention), /The formula and its gradient/)
  assert.is(await page.locator(`${attention} canvas`).count(), 2)
  await page.click(`${attention} .graph >> nth=1 >> text=nodes of the graph`)
  const nodes = await page.textContent(`${attention} .graph >> nth=1`)
  assert.match(nodes, /: einsum of \d+, \d+ -> f32 \[/)
  assert.match(nodes, /: input -> f32 \[/)
  await page.click(`${attention} .kernel >> nth=0`)
  for (const source of ['WGSL', 'AssemblyScript']) await page.click(`${attention} .kernel >> nth=0 >> text=${source}`)
  const text = `document.querySelector('${attention} .kernel').textContent`
  await page.waitForFunction(`${text}.includes('@compute') && ${text}.includes('export function')`)
  assert.match(await page.textContent(`${attention} .kernel`), /operand 0: f32 query@0 .*(ms|µs)/s)
})

inPage('what a browser fetches is at most 200 KB, compressed, with the code of both devices', () => {
  const code = [...demo!.fetched].filter((name) => /\.(?:html|css|js)$/.test(name))
  assert.is(code.filter((name) => name.includes('.wasm')).length, 1, 'one build of WebAssembly')
  const sizes = code.map((name) => gzipSync(readFileSync(demo!.folder.path(name))).length)
  const total = sizes.reduce((sum, bytes) => sum + bytes, 0)
  assert.ok(total > 50_000 && total <= 200_000, `${total} bytes`)
})

inPage('axe finds nothing serious, in the light and in the dark', async () => {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    assert.equal(await demo!.unreachable(page), [], colorScheme)
  }
  await page.emulateMedia({ colorScheme: 'light' })
})

inPage('it fits a narrow screen', async () => {
  await page.setViewportSize({ width: 360, height: 800 })
  await page.waitForFunction('innerWidth === 360 && document.documentElement.scrollWidth <= 360') // charts follow
  await page.setViewportSize({ width: 1360, height: 900 })
})

inPage('long-term plasticity opens to its simulated curve', async () => {
  await page.click('details[data-formula=plasticity] > summary')
  await page.waitForFunction(`document.querySelector('details[data-formula=plasticity] canvas') !== null`)
})

inPage('memory is planned for any number of segments, without training', async () => {
  await page.evaluate(`document.getElementById('memory').scrollIntoView()`)
  await page.waitForFunction(`document.querySelectorAll('#plans tbody tr').length === 5`)
  await says(page, 'plans', 'all 7: BPTT')
  const peaks = await page.evaluate<string[]>(
    `[...document.querySelectorAll('#plans td:nth-child(2)')].map(({ textContent }) => textContent)`,
  )
  const numbers = peaks.map((text) => Number.parseFloat(text) * (text.includes('KiB') ? 1 : 1024))
  assert.ok(
    numbers.every((peak, i) => i === 0 || peak > numbers[i - 1]),
    peaks.join(' '),
  )
  await demo!.pictures(page, 'page')
})

inPage('what it saves the command tests with the same result, and what the command trains it opens', async () => {
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('#save')])
  await download.saveAs(saved)
  await page.reload()
  assert.is(await page.inputValue('select[name=method]'), 'bptt', 'the settings stand in the address')
  await page.setInputFiles('#file', saved)
  await says(page, 'status', 'Opened saved.safetensors')
  const [examples, accuracy, loss] = await tested(page)

  const { code, out, err } = await run(
    'evaluate',
    saved,
    '--json',
    '--test-examples',
    `${examples}`,
    '--device',
    'wasm',
  )
  assert.is(code, 0, err)
  const [summary] = jsonLines(out)
  assert.is((100 * summary.accuracy).toFixed(1), accuracy.toFixed(1))
  assert.ok(Math.abs(summary.loss - loss) < 1e-3, `${summary.loss}, ${loss}`)

  const folder = demo!.folder.path('run')
  const trained = await run(
    'train',
    '--task',
    'cue',
    ...tiny,
    '--steps',
    '20',
    '--out',
    folder,
    '--json',
    '--device',
    'wasm',
  )
  assert.is(trained.code, 0, trained.err)
  const weights = join(folder, 'weights.safetensors')
  const again = jsonLines(
    (await run('evaluate', weights, '--json', '--test-examples', '500', '--device', 'wasm')).out,
  )[0]
  await page.setInputFiles('#file', weights)
  await says(page, 'status', 'Opened weights.safetensors')
  assert.is(await page.inputValue('input[name=width]'), '8')
  const [, theirs, lossThere] = await tested(page)
  assert.is(theirs.toFixed(1), (100 * again.accuracy).toFixed(1))
  assert.ok(Math.abs(again.loss - lossThere) < 1e-3, `${again.loss}, ${lossThere}`)
})

inPage('golden values are computed again', async () => {
  await page.setInputFiles('#file', join(demo!.root, 'test/golden/astro.safetensors'))
  await says(page, 'note', 'golden tensors computed again')
  const [, error] = /largest error is (\S+) of/.exec(await page.textContent('#note'))!
  assert.ok(Number(error) < 5e-6, error)
})

inPage('a link brings its settings; what of it is none is said', async () => {
  await page.evaluate(`location.hash = 'task=order&segments=5&retention=stretched&batch=none'`)
  await says(page, 'note', 'batch=none')
  assert.is(await page.inputValue('select[name=task]'), 'order')
  assert.is(await page.inputValue('input[name=segments]'), '5')
  assert.is(await page.inputValue('select[name=retention]'), 'stretched')
  assert.is(await page.inputValue('input[name=batch]'), '32')
})

inPage('a text that is pasted is learned, byte by byte', async () => {
  await page.evaluate(`location.hash = 'task=bytes&segments=2&segmentLength=4&steps=3&width=16&layers=1&device=wasm'`)
  await page.click('#start')
  await says(page, 'note', 'paste one')
  await page.fill('#content', 'to be or not to be, that is the question. '.repeat(20))
  await page.click('#start')
  await says(page, 'status', 'Trained for 3 steps')
  await tested(page)
})

inPage('without cross-origin isolation it takes one thread, and says so', async () => {
  const alone = await demo!.page({ isolated: false, hash: '#device=wasm&steps=2&width=16&layers=1' })
  await says(alone, 'device', 'one thread')
  await alone.click('#start')
  await says(alone, 'status', 'Trained for 2 steps')
  assert.match(await alone.textContent('#device'), /one thread.*cross-origin isolated/)
})

inPage('a service worker isolates it on a host that sends no headers', async () => {
  const alone = await demo!.page({
    isolated: false,
    isolates: true,
    hash: '#device=wasm&threads=2&steps=1&width=16',
  })
  await alone.waitForFunction('crossOriginIsolated')
  await alone.click('#start')
  await says(alone, 'device', '2 threads')
})

inPage('devices are compared: the same steps, and each kernel against its error budget', async () => {
  await page.evaluate(`location.hash = 'device=wasm&threads=1&width=16&layers=1'`)
  await page.click('#compare-start')
  const { hash } = await trainedBits(2)
  await says(page, 'compare-words', hash)
  await page.waitForFunction(`document.querySelectorAll('#compare-kernels tbody tr').length >= 5`)
  assert.match(await page.textContent('#compare-kernels'), /matmul\d+ %/)
  assert.is(await page.locator('#compare-words .wrong').count(), 0)
  await page.click('#compare-start')
  await says(page, 'compare-status', 'Stopped')
})

inPage('it learns on a GPU, or says that there is none and goes on with the CPU', async () => {
  const hasGpu = await onGpu.evaluate<boolean>(
    'navigator.gpu?.requestAdapter().then((found) => found !== null) ?? false',
  )
  await learned
  assert.match(await onGpu.textContent('#device'), hasGpu ? /^webgpu: / : /^wasm: /)
  if (!hasGpu) assert.match(await onGpu.textContent('#note'), /The CPU computes instead/)
})

inPage('the console has nothing to complain of', () => {
  assert.equal(demo!.faults, [])
})

test.run()
