import { type ModelConfig, RmaatError, type Task, tasks } from '../src/index.ts'
import type { Settings } from './settings.ts'

/** Longer expressions are rare among those that are drawn. */
const LONGEST_EXPRESSION = 96

/** What the page sets of a task, by the names of the command. */
export function taskSettings({ task, segments, segmentLength, seed }: Settings): Readonly<Record<string, number>> {
  const sizes = { segments, segmentLength }
  if (task === 'bytes' || task === 'text') return sizes
  if (task !== 'listops') return { ...sizes, seed }
  const maxLength = Math.min(segments * segmentLength, LONGEST_EXPRESSION)
  return { ...sizes, seed, maxLength, minLength: Math.max(1, Math.floor(maxLength / 3)) }
}

/** The task; of those that read a file, `content` is the file. */
export async function makeTask(settings: Settings, content: Blob | undefined): Promise<Task> {
  const { task } = settings
  const make = tasks[task] as (settings: object) => Task | Promise<Task>
  if (task !== 'bytes' && task !== 'text') return make(taskSettings(settings))
  if (!content?.size) throw new RmaatError('data', 'the task reads a text: paste one, or drop a file on the page')
  const path = URL.createObjectURL(content)
  try {
    return await make({ ...taskSettings(settings), path })
  } catch (cause) {
    // whoever pasted a text does not know its address
    const { message, code } = cause as RmaatError
    throw new RmaatError(code ?? 'data', message.replaceAll(path, 'your text'), { cause })
  } finally {
    URL.revokeObjectURL(path)
  }
}

const known = new Map<Settings['task'], Pick<Task, 'vocabulary' | 'classes'>>([
  ['bytes', { vocabulary: 257, classes: 256 }],
  ['text', { vocabulary: 257, classes: 2 }],
])

/** How many token ids and classes a task has, at whatever sizes; of a text that nobody has read yet, two classes. */
export async function sizesOf({ task }: Settings): Promise<Pick<Task, 'vocabulary' | 'classes'>> {
  const found = known.get(task) ?? (await (tasks[task] as () => Task | Promise<Task>)())
  const sizes = { vocabulary: found.vocabulary, classes: found.classes }
  known.set(task, sizes)
  return sizes
}

/** What the page sets of the model. */
export const modelSettings = (settings: Settings): Partial<ModelConfig> => {
  const { task, segments, segmentLength, memory, width, layers, update, retention, seed } = settings
  // the next byte is asked for at every token
  const causal = task === 'bytes'
  const own = { segments, segmentLength, memory, width, layers, update, retention, seed, causal }
  return { ...own, feedForward: 2 * width } as Partial<ModelConfig>
}
