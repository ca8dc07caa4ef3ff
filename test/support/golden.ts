/** The files of values that were computed elsewhere. */
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

/** The bytes of one of them: from disk, or in a page from the server that serves the repository. */
export async function golden(name: string): Promise<Uint8Array> {
  const beside = new URL(`../golden/${name}`, import.meta.url)
  if (beside.protocol === 'file:') return (await import('node:fs/promises')).readFile(beside)
  const response = await fetch(`/test/golden/${name}`)
  if (!response.ok) throw new Error(`${response.url}: ${response.status}`)
  return new Uint8Array(await response.arrayBuffer())
}
