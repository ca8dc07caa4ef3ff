import {
  compile,
  type Device,
  type Example,
  evaluate,
  loadWeights,
  models,
  openDevice,
  type Program,
  RmaatError,
  saveWeights,
  type Task,
  train,
  verify,
} from '../src/index.ts'
import type { ConfiguredModel } from '../src/nn/kind.ts'
import { concat } from '../src/ops/views.ts'
import { abouts } from '../src/tasks/index.ts'
import type { Answer, Reply, Request, State, Step } from './messages.ts'
import { backwardOf, type Settings } from './settings.ts'
import { makeTask, modelSettings, taskSettings } from './task.ts'

/** Milliseconds between two messages about steps, and between two looks into the model. */
const TELL = 200
const LOOK = 600
/** So many sequences are shown with the model's answers, and so many tested at the end. */
const SHOWN = 4
const TESTED = 500
/** Where a file's metadata stands. */
const LONGEST_HEAD = 2 ** 20

/** What is trained in this worker: one device, one task, one model. */
export class Session {
  device!: Device
  private task: Task | undefined
  private model: ConfiguredModel | undefined
  private readonly tell: (reply: Reply) => void
  /** For which settings each of them was made. */
  private readonly made = { device: '', task: '' }
  private content: Blob | undefined
  private settings: Settings | undefined
  /** Steps that the model was trained for. */
  private step = 0
  private controller = new AbortController()
  private running: Promise<void> = Promise.resolve()
  /** Holds a paused run. */
  private gate: Promise<void> | undefined
  private openGate = (): void => {}

  constructor(tell: (reply: Reply) => void) {
    this.tell = tell
  }

  private say(state: State, words: string): void {
    this.tell({ kind: 'state', state, words })
  }

  async start(settings: Settings, content: Blob | undefined): Promise<void> {
    const { gate } = this
    await this.end()
    this.say('preparing', 'preparing')
    try {
      await this.prepare(settings, content)
    } catch (error) {
      this.say('stopped', 'could not begin')
      throw error
    }
    if (gate) this.pause()
    this.controller = new AbortController()
    this.running = this.run(settings).catch((error) => {
      this.say('stopped', `stopped by an error after ${this.step} steps`)
      const { code = 'internal', message } = error as RmaatError
      this.tell({ kind: 'error', code, message })
    })
  }

  pause(): void {
    this.gate ??= new Promise((resolve) => {
      this.openGate = resolve
    })
    this.say('paused', `paused after ${this.step} steps`)
  }

  resume(): void {
    this.openGate()
    this.gate = undefined
    this.say('training', 'training')
  }

  /** Ends the run that is under way. */
  private async end(): Promise<void> {
    this.controller.abort()
    this.openGate()
    this.gate = undefined
    await this.running
  }

  async stop(): Promise<void> {
    await this.end()
    this.say('stopped', `stopped after ${this.step} steps`)
  }

  async reset(): Promise<void> {
    await this.end()
    this.forget()
    this.say('idle', 'the weights are as they were drawn')
  }

  private forget(): void {
    this.model?.close()
    this.model = undefined
    this.step = 0
  }

  /** Makes what is not there yet, or not as the settings have it. */
  private async prepare(settings: Settings, content: Blob | undefined): Promise<void> {
    this.settings = settings
    await this.open(settings)
    const ofTask = JSON.stringify([settings.task, taskSettings(settings)])
    if (ofTask !== this.made.task || content !== this.content) {
      const before = this.task?.name
      this.task = await makeTask(settings, content)
      if (before !== this.task.name) this.forget()
      this.made.task = ofTask
      this.content = content
      this.tellTask()
    }
    const { vocabulary, classes } = this.task!
    const wanted = { ...modelSettings(settings), vocabulary, classes }
    // one that was opened may differ in what the page does not set
    const { feedForward, ...asked } = wanted
    if (this.model && Object.entries(asked).every(([name, value]) => this.model!.config[name] === value)) return
    this.forget()
    this.model = models.rmaat.make(this.device, models.rmaat.configure(wanted))
    this.tell({ kind: 'fresh' })
  }

  private tellTask(): void {
    const { name, description, classes, notes = [] } = this.task!
    const { chance } = abouts[name as Settings['task']]
    this.tell({ kind: 'task', chance: chance ?? 1 / classes, notes: [description, ...notes] })
  }

  /** The device that is open, or the one of the settings. */
  async anyDevice(settings: Settings): Promise<Device> {
    if (!this.made.device) await this.open(settings)
    return this.device
  }

  /** Opens the device of the settings. The weights move with it. */
  private async open({ device: name, threads }: Settings): Promise<void> {
    const key = `${name} ${threads}`
    if (key === this.made.device) return
    const kept = this.model && (await saveWeights(this.model))
    if (this.made.device) this.device.close()
    this.made.device = ''
    let note = ''
    const options = { threads: threads || undefined }
    this.device = await openDevice(name, options).catch((error) => {
      if (name === 'wasm' || !(error instanceof RmaatError)) throw error
      note = `${error.message}. The CPU computes instead.`
      return openDevice('wasm', options)
    })
    this.made.device = key
    if (kept) this.model = loadWeights(this.device, kept).model
    this.tell({ kind: 'device', name: this.device.name, description: this.device.backend.description, note })
  }

  private async run(settings: Settings): Promise<void> {
    const { device } = this
    const [task, model] = [this.task!, this.model!]
    const { method, batch, rate, steps, seed } = settings
    const { signal } = this.controller
    const before = this.step
    const pending: Step[] = []
    let [told, looked] = [0, 0]
    const looking = this.lookingProgram()
    const options = {
      ...backwardOf(settings),
      batch,
      rate,
      steps,
      schedule: 'constant',
      warmUp: Math.min(1, 20 / steps),
      floor: 0,
      seed: seed + before, // other examples than those that were seen
      trace: true,
      signal,
      compiling: (stage: string, done?: number, of?: number) =>
        this.gate ?? this.say('preparing', `compiling: ${done === undefined ? stage : `${done} of ${of} pipelines`}`),
    } as const
    try {
      for await (const event of train(model, task, options)) {
        if (event.kind === 'begin') {
          const { arena, inputs, variables, workspace } = event.memory
          const peak = arena + inputs + variables + workspace
          this.tell({ kind: 'begin', parameters: event.parameters, kernels: event.kernels, peak, method })
        }
        if (event.kind !== 'step') continue
        // a GPU compiles until then
        if (event.step === 1 && !this.gate) this.say('training', `training on ${device.name}`)
        this.step = before + event.step
        pending.push({ step: this.step, loss: event.loss, accuracy: event.accuracy ?? Number.NaN })
        const now = performance.now()
        if (now - told > TELL || event.step === steps) {
          const { tokensPerSecond, memoryGradients = [] } = event
          this.tell({ kind: 'steps', steps: pending.splice(0), tokensPerSecond, memoryGradients })
          told = now
        }
        if (now - looked > LOOK || event.step === steps) {
          await this.look(looking)
          looked = now
        }
        while (this.gate) await this.gate
      }
    } finally {
      looking.close()
    }
    if (signal.aborted) return
    this.say('testing', 'testing')
    await this.test()
    this.say('done', `trained for ${this.step} steps`)
  }

  private async test(): Promise<void> {
    const { test } = this.task!
    const examples = test.slice(0, Math.min(TESTED, test.length))
    const { accuracy, loss, majority } = await evaluate(this.model!, examples, { signal: this.controller.signal })
    this.tell({ kind: 'tested', accuracy, loss, majority, examples: examples.length })
  }

  /** What the model answers to some sequences, and the memory tokens of the first one. */
  private lookingProgram(): Program {
    const { device } = this
    const model = this.model!
    return compile(device, model.layout(SHOWN).inputs, (inputs) => {
      const { predicted: all, carries = [] } = model.forward(inputs, { method: 'amrb' })
      // of answers at every token the last one
      const predicted = all.rank === 4 ? all.select(1, -1).select(1, -1) : all
      // a record of several segments [count, B, M, d], or one [B, M, d]
      const ofFirst = carries.map((x) => (x.rank === 4 ? x.select(1, 0) : x.narrow(0, 0, 1)))
      return { shares: predicted.softmax(), memory: concat(ofFirst) }
    }) as unknown as Program
  }

  private async look(program: Program): Promise<void> {
    const [task, model] = [this.task!, this.model!]
    const examples = [...(task.test.slice(0, SHOWN) as Iterable<Example>)]
    const results = (await program.arrays(model.layout(SHOWN).values(examples))) as Record<string, Float32Array>
    const { classes, classNames, segments } = task
    const nameOf = (label: number): string =>
      classNames?.[label] ?? (task.name === 'bytes' ? JSON.stringify(String.fromCharCode(label)) : `${label}`)
    const answers = examples.map(({ tokens, label }, row): Answer => {
      const shares = results.shares.subarray(row * classes, (row + 1) * classes)
      const best = shares.reduce((best, share, at) => (share > shares[best] ? at : best), 0)
      return { text: task.show(tokens), label: nameOf(label), found: nameOf(best), share: shares[best] }
    })
    const { memory, width } = model.config as Readonly<Record<string, number>>
    this.tell({ kind: 'seen', answers, memory: Float32Array.from(results.memory), sizes: [segments, memory, width] })
  }

  async save(): Promise<void> {
    const { settings } = this
    if (!settings || !this.model) throw new RmaatError('config', 'there is no model yet: start one first')
    const { task, method, batch, rate, steps } = settings
    const { segments, segmentLength, seed, ...ofTask } = taskSettings(settings)
    const labels = task === 'text' ? { labels: this.task?.classNames?.join(',') } : {}
    const own = { task, method, batch, rate, steps, ...ofTask, ...labels }
    const beside = Object.fromEntries(
      Object.entries(own).map(([name, value]) => [
        name,
        { value, source: 'choice', meaning: 'set on the page' } as const,
      ]),
    )
    this.tell({ kind: 'saved', bytes: await saveWeights(this.model, beside) })
  }

  /** Weights become the model, and are tested; golden values are computed again. */
  async openFile({ name, bytes, settings, content }: Extract<Request, { kind: 'open' }>): Promise<void> {
    const isGolden = !new TextDecoder().decode(bytes.subarray(0, LONGEST_HEAD)).includes('"configuration"')
    if (isGolden) {
      const checks = await verify(await this.anyDevice(settings), bytes)
      const { tensor, error } = checks.reduce((worst, check) => (check.error > worst.error ? check : worst))
      this.tell({ kind: 'verified', name, worst: tensor, error, tensors: checks.length })
      return
    }
    await this.stop()
    await this.open(settings)
    const { model, configuration } = loadWeights(this.device, bytes, name)
    if (model.name !== 'rmaat') {
      model.close()
      throw new RmaatError('data', `${name} holds the model ${model.name}: the page trains rmaat`)
    }
    const of = (from: object): object =>
      Object.fromEntries(
        Object.entries(settings).map(([key, value]) => [key, (from as typeof settings)[key as never] ?? value]),
      )
    const values = Object.fromEntries(Object.entries(configuration).map(([key, { value }]) => [key, value]))
    const loaded = {
      ...of({ ...values, ...model.config }),
      device: settings.device,
      threads: settings.threads,
    } as Settings
    this.forget()
    this.model = model
    this.settings = loaded
    this.task = await makeTask(loaded, content)
    this.content = content
    this.made.task = JSON.stringify([loaded.task, taskSettings(loaded)])
    this.tell({ kind: 'fresh' })
    this.tell({ kind: 'loaded', settings: loaded })
    this.tellTask()
    const looking = this.lookingProgram()
    await this.look(looking).finally(() => looking.close())
    this.controller = new AbortController()
    await this.test()
    this.say('stopped', `opened ${name}`)
  }
}
