import type { Device, HostArray } from '../program/device.ts'
import type { Setting } from '../settings.ts'
import type { Model } from './model.ts'
import type { ParameterTree } from './parameters.ts'

/** The settings of a model by name. */
export type Config = Readonly<Record<string, unknown>>

/** A model that is made of settings. */
// biome-ignore lint/suspicious/noExplicitAny: of whatever examples
export interface ConfiguredModel extends Model<any> {
  /** Under which it stands in `models`. */
  readonly name: string
  readonly config: Config
  /** Gives the parameters' memory back. */
  close(): void
}

/** A model over one sequence that comes bit by bit. */
export interface SequenceStream {
  /** How many tokens have come, how many segments these fill, and how many the segment under way still takes. */
  readonly tokens: number
  readonly segments: number
  readonly room: number
  push(tokens: ArrayLike<number>): Promise<void>
  /** The logits of a sequence that ends here. */
  predict(): Promise<HostArray>
  close(): void
}

/** How models of a kind are made. */
export interface ModelKind {
  readonly description: string
  /** Those that may be set. */
  readonly settings: Readonly<Record<string, Setting>>
  /** The settings given over the defaults. @throws RmaatError 'config' */
  configure(given: Config): Config
  /** The parameters, of which nothing is made. */
  parameters(config: Config): ParameterTree
  /** Of settings over the defaults, or of what `configure` has made of them. @throws RmaatError 'config' */
  make(device: Device, config: Config): ConfiguredModel
  /** Reads one sequence of so many tokens, where that is known; of models that can. @throws RmaatError 'config' */
  stream?(model: ConfiguredModel, options: { readonly length?: number | undefined }): SequenceStream
  /** Its sizes, for people. */
  inWords(config: Config): string
}

/** A kind whose functions share a configuration. */
export const kindOf = <C extends Config>(kind: {
  description: string
  settings: Readonly<Record<string, Setting>>
  configure: (given: Partial<C>) => C
  parameters: (config: C) => ParameterTree
  make: (device: Device, config: C) => ConfiguredModel
  stream?: ModelKind['stream']
  inWords: (config: C) => string
}): ModelKind => {
  const make: typeof kind.make = (device, config) => kind.make(device, kind.configure(config))
  return { ...kind, make } as unknown as ModelKind
}
