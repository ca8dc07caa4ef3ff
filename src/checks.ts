/** What was found, for a message: short, whatever it is. */
export function shown(value: unknown, depth = 2): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value !== 'object' || value === null) return String(value)
  if (Array.isArray(value)) {
    const some = depth ? value.slice(0, 8).map((one) => shown(one, depth - 1)) : []
    return `[${[...some, ...(value.length > some.length ? ['…'] : [])].join(', ')}]`
  }
  const name: unknown = value.constructor?.name
  return typeof name !== 'string' || name === '' || name === 'Object' ? 'an object' : `a value of ${name}`
}
