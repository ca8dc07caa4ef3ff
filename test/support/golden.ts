/** The files of values that were computed elsewhere, of RMAAT and of operations. */
export const goldenFiles: readonly string[] = [
  'astro-no-retention.safetensors',
  'astro-one-segment.safetensors',
  'astro-wide.safetensors',
  'astro.safetensors',
  'linear.safetensors',
  'loss-all.safetensors',
  'macro.safetensors',
  'mix-infinite.safetensors',
  'operations.json',
  'pre-additive-16.safetensors',
  'pre-running.safetensors',
  'pre-split-stretched.safetensors',
  'softmax.safetensors',
]

/** Those of RMAAT's relatives. */
export const relatives = [
  ...['at', 'gla', 'gla-causal', 'lru', 'mingru', 'rlt', 'rmaat-causal', 'rmt', 'rmt-causal', 's4d', 'transformer'],
  'transformer-causal',
] as const
export const relativeFiles: readonly string[] = relatives.map((name) => `${name}.safetensors`)

/** The bytes of one of them: from disk, or in a page from the server that serves the repository. */
export async function golden(name: string): Promise<Uint8Array> {
  const beside = new URL(`../golden/${name}`, import.meta.url)
  if (beside.protocol === 'file:') return (await import('node:fs/promises')).readFile(beside)
  const response = await fetch(`/test/golden/${name}`)
  if (!response.ok) throw new Error(`${response.url}: ${response.status}`)
  return new Uint8Array(await response.arrayBuffer())
}
