const UNITS = ['B', 'KiB', 'MiB', 'GiB']

/** `7.65 MiB` */
export function bytes(count: number): string {
  const unit = Math.min(UNITS.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, count)) / 10)))
  return `${Number((count / 1024 ** unit).toPrecision(3))} ${UNITS[unit]}`
}

export const percent = (share: number): string => (Number.isNaN(share) ? '–' : `${(100 * share).toFixed(1)} %`)

export const whole = (count: number): string => Math.round(count).toLocaleString('en-US')

export const duration = (milliseconds: number): string =>
  milliseconds < 1 ? `${Number((1000 * milliseconds).toPrecision(3))} µs` : `${Number(milliseconds.toPrecision(3))} ms`

/** An element with a text or with others in it. */
export function make<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  content: string | readonly Node[] = '',
  className = '',
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name)
  if (className) made.className = className
  made.append(...(typeof content === 'string' ? [content] : content))
  return made
}
