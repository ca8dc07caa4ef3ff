import { defaults, fromHash, type Settings, toHash } from './settings.ts'

type Control = HTMLInputElement | HTMLSelectElement

export const element = <E extends HTMLElement>(id: string): E => document.getElementById(id) as E

const form = element<HTMLFormElement>('settings')
const names = Object.keys(defaults) as (keyof Settings)[]
const control = (name: string): Control => form.elements.namedItem(name) as Control

/** Whether a control takes a text as it is. */
function fits(name: keyof Settings, text: string): boolean {
  const own = control(name)
  if (own instanceof HTMLSelectElement) return [...own.options].some(({ value }) => value === text)
  if (own.type === 'range') return /^\d+$/.test(text) // its end follows the number of segments
  if (text === '' || !Number.isFinite(Number(text))) return false
  const before = own.value
  own.value = text
  const right = own.value === text && own.checkValidity()
  own.value = before
  return right
}

/** What the form says; undefined where something in it is none, which the form then shows. */
export function readForm(): Settings | undefined {
  if (!form.reportValidity()) return undefined
  return Object.fromEntries(
    names.map((name) => [name, typeof defaults[name] === 'number' ? Number(control(name).value) : control(name).value]),
  ) as unknown as Settings
}

export function writeForm(settings: Settings): void {
  delete control('keep').dataset.before
  control('method').value = settings.method
  // the dial reaches as far as there are segments
  control('segments').value = `${settings.segments}`
  arrange()
  for (const name of names) control(name).value = `${settings[name]}`
  arrange()
}

/** Shows what goes with the method and the task, and says where the dial stands. */
export function arrange(): void {
  const method = control('method').value
  const most = Math.max(0, Number(control('segments').value) - 1)
  const keep = control('keep') as HTMLInputElement
  keep.max = `${most}`
  element('dial').hidden = method === 'truncated'
  element('reach').hidden = method !== 'truncated'
  keep.disabled = method === 'bptt'
  if (method === 'bptt') {
    keep.dataset.before ??= keep.value // comes back with the method
    keep.value = `${most}`
  } else if (keep.dataset.before !== undefined) {
    keep.value = keep.dataset.before
    delete keep.dataset.before
  }
  const kept = Number(keep.value)
  const words =
    kept >= most
      ? 'all activations are kept, as by BPTT'
      : kept === 0
        ? 'replay: memory tokens alone are kept'
        : `activations of ${kept} of ${most} segments are kept`
  element('dial-words').textContent = words
  keep.setAttribute('aria-valuetext', words)
  element('own').hidden = !['bytes', 'text'].includes(control('task').value)
}

/** The settings that the address has; what it has that is none is said. */
export function readAddress(): string[] {
  const { settings, refused } = fromHash(location.hash, fits)
  writeForm(settings)
  return refused
}

export function writeAddress(settings: Settings): void {
  const hash = toHash(settings)
  history.replaceState(null, '', hash ? `#${hash}` : location.pathname + location.search)
}

/** Calls back when something is changed, with its name. */
export function onChange(changed: (name: keyof Settings) => void): void {
  form.addEventListener('input', arrange)
  form.addEventListener('change', ({ target }) => {
    const { name } = target as Control
    if (names.includes(name as keyof Settings)) changed(name as keyof Settings)
  })
  form.addEventListener('submit', (event) => event.preventDefault())
}
