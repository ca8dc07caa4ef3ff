// Whether PyTorch loads exported weights into the same numbers, by the lines of docs/export.md.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openDevice, Rmaat, saveWeights } from '../../src/index.ts'
import { APT, python } from '../peers/pytorch.ts'
import type { Suite } from '../report.ts'
import { spreadOf } from '../spread.ts'
import { listops } from '../training.ts'

const root = new URL('../../', import.meta.url)

/** What it loads: PyTorch's version, the settings, and of each tensor its shape and its bytes. */
interface Loaded {
  readonly torch: string
  readonly config: Readonly<Record<string, unknown>>
  readonly tensors: Readonly<Record<string, readonly [shape: number[], hex: string]>>
}

const PRINT = `
import sys
config, tensors = load(sys.argv[1])
told = {name: [list(x.shape), x.numpy().tobytes().hex()] for name, x in tensors.items()}
print(json.dumps({"torch": torch.__version__, "config": config, "tensors": told}))
`

function loadInPython(folder: string): Loaded {
  const text = readFileSync(new URL('docs/export.md', root), 'utf8')
  const lines = /```python\n([\s\S]*?)```/.exec(text)![1]
  try {
    const output = execFileSync(python, ['-c', lines + PRINT, folder], { stdio: 'pipe', maxBuffer: 2 ** 30 })
    return JSON.parse(output.toString())
  } catch (error) {
    const complaint = `${(error as { stderr?: Buffer }).stderr ?? error}`.trim().split('\n').at(-1)
    throw new Error(`PyTorch does not load the weights (${complaint}); ${APT}`)
  }
}

export const exported: Suite = {
  name: 'export',
  title: 'weights in PyTorch',
  async *run() {
    const folder = mkdtempSync(join(tmpdir(), 'rmaat-export-'))
    const device = await openDevice('wasm')
    try {
      const model = new Rmaat(device, listops.config)
      const weights = join(folder, 'weights.safetensors')
      writeFileSync(weights, await saveWeights(model))
      const command = ['--import', 'tsx', fileURLToPath(new URL('src/cli/main.ts', root))]
      execFileSync(process.execPath, [...command, 'export', weights, join(folder, 'out')], { stdio: 'pipe' })
      const { torch, config, tensors } = loadInPython(join(folder, 'out'))

      const { named, variable } = model.parameters
      const values = Float32Array.from(await device.readVariable(variable))
      const same = named.filter(({ name, offset, spec: { shape } }) => {
        const numbers = values.subarray(offset, offset + shape.reduce((a, b) => a * b, 1))
        const hex = Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength).toString('hex')
        return JSON.stringify(tensors[name]) === JSON.stringify([shape, hex])
      })
      const names = new Set([...named.map(({ name }) => name), ...Object.keys(tensors)])
      const settings = Object.entries(model.config)
      const right = settings.filter(([name, value]) => config[name] === value)
      const share = (of: number, all: number) => spreadOf([of / all])
      const [unit, target] = ['percent', { atLeast: 1 }] as const
      const note = `PyTorch ${torch}`
      const found = { kind: 'ratio', unit, target, note } as const
      yield { ...found, name: `${names.size} tensors, bit for bit`, value: share(same.length, names.size) }
      yield { ...found, name: `${settings.length} settings`, value: share(right.length, settings.length) }
    } finally {
      device.close()
      rmSync(folder, { recursive: true })
    }
  },
}
