import { CompareSection } from './compare-page.ts'
import { element, onChange, readAddress, readForm, writeAddress, writeForm } from './form.ts'
import { FormulaList } from './formula-page.ts'
import { MemorySection } from './memory-page.ts'
import type { Reply, Request, State } from './messages.ts'
import { Results } from './results.ts'
import { changeable, type Settings } from './settings.ts'

const startWorker = (listener: (reply: Reply) => void): Worker => {
  const worker = new Worker(new URL('engine.js', import.meta.url), { type: 'module' })
  worker.onmessage = ({ data }: MessageEvent<Reply>) => listener(data)
  worker.onerror = ({ message }) =>
    listener({ kind: 'error', code: 'internal', message: message || 'the engine does not load' })
  return worker
}
const startEngine = (listener: (reply: Reply) => void): ((request: Request) => void) => {
  const worker = startWorker(listener)
  return (request) => worker.postMessage(request)
}

const [start, pause, stop, reset, save] = ['start', 'pause', 'stop', 'reset', 'save'].map((id) =>
  element<HTMLButtonElement>(id),
)
const content = element<HTMLTextAreaElement>('content')
const results = new Results()
let state: State = 'idle'
/** A text that was dropped; else what is pasted is the text. */
let dropped: Blob | undefined
let pasted: { text: string; blob: Blob } | undefined

const ask = startEngine(hear)
// plans are made beside the training, which would wait for them
const memory = new MemorySection(startEngine(hear), readForm)
new CompareSection(startWorker, readForm)
const formulas = new FormulaList(element('formula-list'), ask, readForm)

/** The same blob while the text stays the same: it is known by its identity. */
function ownText(): Blob | undefined {
  if (dropped) return dropped
  if (pasted?.text !== content.value) pasted = { text: content.value, blob: new Blob([content.value]) }
  return content.value ? pasted?.blob : undefined
}

function note(text: string, isBad = false): void {
  const place = element('note')
  place.hidden = text === ''
  place.textContent = text
  place.classList.toggle('bad', isBad)
}

function show(next: State, words: string): void {
  state = next
  element('status').textContent = `${words[0].toUpperCase()}${words.slice(1)}.`
  const goes = state === 'preparing' || state === 'training' || state === 'testing'
  start.disabled = goes || state === 'paused'
  start.textContent = state === 'stopped' || state === 'done' ? 'Go on' : 'Start'
  pause.disabled = !goes && state !== 'paused'
  pause.textContent = state === 'paused' ? 'Resume' : 'Pause'
  stop.disabled = !goes && state !== 'paused'
  reset.disabled = state === 'idle'
  save.disabled = state === 'idle'
}

function hear(reply: Reply): void {
  switch (reply.kind) {
    case 'state':
      show(reply.state, reply.words)
      return
    case 'device':
      element('device').textContent = `${reply.name}: ${reply.description}`
      note(reply.note)
      return
    case 'error':
      note(reply.message, true)
      return
    case 'saved':
      download(reply.bytes)
      return
    case 'loaded':
      writeForm(reply.settings)
      writeAddress(reply.settings)
      settingsChanged()
      return
    case 'verified': {
      const { name, tensors, worst, error } = reply
      note(
        `${name}: ${tensors} golden tensors computed again; the largest error is ${error.toExponential(1)} of the largest element, in ${worst}.`,
      )
      return
    }
    case 'simulated':
    case 'explained':
    case 'shader':
      formulas.hear(reply)
      return
    case 'planned':
      memory.show(reply)
      return
    default:
      results.hear(reply)
  }
}

function download(bytes: Uint8Array): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([bytes as Uint8Array<ArrayBuffer>], { type: 'application/octet-stream' }))
  link.download = `rmaat-${readForm()?.task ?? 'model'}.safetensors`
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}

function begin(settings: Settings | undefined): void {
  if (!settings) return
  note('')
  show('preparing', 'preparing')
  ask({ kind: 'start', settings, content: ownText() })
}

/** What is drawn of the settings alone. */
function settingsChanged(): void {
  const settings = readForm()
  if (!settings) return
  results.showRetention(settings)
  memory.update()
}

async function openFile(file: File): Promise<void> {
  const settings = readForm()
  if (!settings) return
  note('')
  if (file.name.endsWith('.safetensors')) {
    const bytes = new Uint8Array(await file.arrayBuffer())
    return ask({ kind: 'open', name: file.name, bytes, settings, content: ownText() })
  }
  dropped = file
  content.value = ''
  content.placeholder = `${file.name}, ${file.size} bytes`
  const own = settings.task === 'text' ? settings : { ...settings, task: 'bytes' as const }
  writeForm(own)
  writeAddress(own)
  settingsChanged()
}

start.onclick = () => begin(readForm())
pause.onclick = () => ask({ kind: state === 'paused' ? 'resume' : 'pause' })
stop.onclick = () => ask({ kind: 'stop' })
reset.onclick = () => {
  ask({ kind: 'reset' })
  results.clear()
}
save.onclick = () => ask({ kind: 'save' })
element('link').onclick = async () => {
  try {
    await navigator.clipboard.writeText(location.href)
    element('status').textContent = 'The link to these settings is on the clipboard.'
  } catch {
    note('The browser gives no access to the clipboard: the link is the address of this page.')
  }
}
document.querySelector<HTMLAnchorElement>('.skip')!.onclick = (event) => {
  event.preventDefault() // the address is that of the settings
  element('run').focus()
}
content.oninput = () => {
  dropped = undefined
  content.placeholder = ''
}
const file = element<HTMLInputElement>('file')
file.onchange = () => {
  if (file.files?.[0]) openFile(file.files[0])
  file.value = ''
}
addEventListener('dragover', (event) => {
  event.preventDefault()
  document.body.classList.add('over')
})
addEventListener('dragleave', ({ relatedTarget }) => {
  if (!relatedTarget) document.body.classList.remove('over')
})
addEventListener('drop', (event) => {
  event.preventDefault()
  document.body.classList.remove('over')
  const [given] = event.dataTransfer?.files ?? []
  if (given) openFile(given)
})

onChange((name) => {
  const settings = readForm()
  if (!settings) return
  writeAddress(settings)
  settingsChanged()
  const goes = state === 'training' || state === 'paused' || state === 'preparing'
  if (!goes) return
  if ((changeable as readonly string[]).includes(name)) return ask({ kind: 'start', settings, content: ownText() })
  note(`The change of ${name} makes another model: it takes effect when you stop and start again.`)
})
addEventListener('hashchange', readLink)

function readLink(): void {
  const refused = readAddress()
  settingsChanged()
  note(
    refused.length ? `The address asks for what is none, and the default stands there: ${refused.join(', ')}.` : '',
    true,
  )
}

if (!crossOriginIsolated)
  element('device').textContent = 'This page is not cross-origin isolated: WebAssembly will compute with one thread.'
readLink()
