// A new model, trained and tested as RMAAT is: a recurrent cell reads a sequence token by token and says its class.
import * as rmaat from 'rmaat'

const [LENGTH, WIDTH] = [8, 24]
const task = rmaat.tasks.cue({ segments: 2, segmentLength: 4 })

/** What `train` and `evaluate` know of a model: its parameters, how examples become inputs, and what its loss is. */
function recurrent(device: rmaat.Device): rmaat.Model<rmaat.Example> {
  const tree = {
    embed: rmaat.embeddingParameters(task.vocabulary, WIDTH),
    cell: rmaat.gruParameters(WIDTH, WIDTH),
    head: rmaat.linearParameters(WIDTH, task.classes),
  }
  const parameters = new rmaat.Parameters(device, tree, 1)
  const { embed, cell, head } = parameters.tensors
  return {
    device,
    parameters,
    layout: (rows) => ({
      inputs: { tokens: rmaat.i32(rows, LENGTH), labels: rmaat.i32(rows), weights: rmaat.f32(rows) },
      values(examples) {
        const sizes = { segments: 1, segmentLength: LENGTH, vocabulary: task.vocabulary, classes: task.classes }
        const { tokens, labels, weights } = rmaat.batchOf(examples, { ...sizes, batch: rows })
        return { tokens, labels, weights }
      },
    }),
    forward({ tokens, labels, weights }, { method }) {
      const states = rmaat.gru(rmaat.embedding(tokens, embed), cell, { unroll: method === 'bptt' }) // [B, LENGTH, WIDTH]
      return rmaat.classLoss(rmaat.linear(states.select(1, LENGTH - 1), head), labels, weights)
    },
  }
}

for (const method of ['amrb', 'bptt'] as const) {
  const device = await rmaat.openDevice('wasm', { threads: 1 })
  const model = recurrent(device)
  for await (const event of rmaat.train(model, task, { method, steps: 120, rate: 0.01 }))
    if (event.kind === 'begin') console.log(`${method}: ${event.memory.arena} bytes for the results of a step`)
  const { accuracy, loss, majority } = await rmaat.evaluate(model, task.test.slice(0, 500))
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`
  console.log(`${percent(accuracy)} are right (always the same: ${percent(majority)}), loss ${loss.toFixed(6)}`)
  device.close()
}
