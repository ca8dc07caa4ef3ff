import * as engine from 'rmaat'

type Tensor = engine.Tensor
/** What is done to memory tokens [B, M, d]. */
type Handled = (memory: Tensor) => Tensor

/** Reads B sequences of T full segments as the model does, with its memory and its retention handled. */
export function reader(model: engine.Rmaat, examples: readonly engine.Example[]) {
  const { segments, segmentLength, memory: slots, width } = model.config
  const rows = examples.length
  const { tokens, labels } = engine.batchOf(examples, { segments, segmentLength, batch: rows })
  const numbers = slots * width // of a sequence's memory
  const valid = engine.zeros([rows, segmentLength], 'i32').add(1)
  const logitsOf = (tokens: Tensor, factors: Tensor, handled: Handled): Tensor => {
    let memory = handled(model.parameters.tensors.memory.broadcastTo([rows, slots, width]))
    for (let t = 0; t < segments - 1; t++) {
      const retention = factors.narrow(0, t, t + 1).broadcastTo([rows])
      memory = handled(model.advance(memory, { tokens: tokens.select(1, t), valid, retention }))
    }
    return model.classify(memory, { tokens: tokens.select(1, segments - 1), valid })
  }
  const shape = engine.i32(rows, segments, segmentLength)
  const whole = {
    cut: 0, // how many of a sequence's numbers become 0, the smallest ones
    slots: Array.from({ length: slots }, () => 1), // 0 for a token that is removed
    levels: 2 ** 20, // steps from 0 to the largest number
    retention: Array.from({ length: segments }, (_, t) => engine.retention(t + 1, segments, model.config.retention)),
  }
  const sizes = { cut: engine.i32(), slots: engine.f32(slots), levels: engine.f32(), retention: engine.f32(segments) }
  const inputs = { ...sizes, tokens: shape, labels: engine.i32(rows) }
  const program = engine.compile(model.device, inputs, (given) => {
    const handled: Handled = (m) => {
      const sizes = m.abs().reshape([rows, numbers])
      const place = engine.iota([numbers], 0).equal(given.cut).cast('f32')
      const least = sizes.sort().values.mul(place).sum(1).reshape([rows, 1, 1]) // what stays is as large
      const step = sizes.max(1).reshape([rows, 1, 1]).div(given.levels).maximum(1e-20)
      return engine.where(m.abs().less(least), 0, m).mul(given.slots.unsqueeze(1)).div(step).round().mul(step)
    }
    const logits = logitsOf(given.tokens, given.retention, handled)
    return { right: logits.argmax().equal(given.labels).cast('f32').mean() }
  })
  const right = async (handling: Partial<typeof whole> = {}): Promise<number> =>
    (await program.run({ tokens, labels, ...whole, ...handling })).right

  /** By the name of a matrix the norm of each of its inputs: what it is multiplied with is found in the graph of the formula. */
  const inputNorms = async (): Promise<ReadonlyMap<string, Float64Array>> => {
    const names = new Map(model.parameters.named.map(({ tensor, name }) => [tensor, name]))
    const [squares, seen] = [new Map<string, Tensor>(), new Set<Tensor>()]
    const visit = (x: Tensor): void => {
      if (seen.has(x)) return
      seen.add(x)
      const name = x.op === 'einsum' ? names.get(x.inputs[1]) : undefined
      const sum = () =>
        x.inputs[0]
          .square()
          .reshape([-1, x.inputs[0].shape.at(-1)!])
          .sum(0)
      if (name) squares.set(name, squares.get(name)?.add(sum()) ?? sum())
      x.inputs.forEach(visit)
    }
    visit(logitsOf(engine.tensor(tokens, shape.shape, 'i32'), engine.tensor(whole.retention), (m) => m))
    const values = await engine.read(model.device, ...squares.values())
    return new Map([...squares.keys()].map((name, i) => [name, Float64Array.from(values[i], Math.sqrt)]))
  }
  return { right, inputNorms, whole }
}
