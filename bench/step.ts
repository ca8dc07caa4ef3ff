// A gradient by replay and by backpropagation through time, and a matrix product of the same model, side by side in one
// run: read the ratios, not the times. `npm run bench`
import benny from 'benny'
import { compile, f32, openDevice, Rmaat, tasks } from '../src/index.ts'
import { batchOf, take } from '../src/tasks/index.ts'
import { modelInputs } from '../src/train/batch.ts'
import { optimizerOf, stepInputs, trainingStep } from '../src/train/step.ts'

const batch = 32
const device = await openDevice('wasm')
const task = tasks.order({ segments: 4, segmentLength: 16 })
const model = new Rmaat(device, { segments: 4, segmentLength: 16, vocabulary: task.vocabulary, classes: task.classes })
const optimizer = optimizerOf(device, model, 0.01)
const inputs = {
  ...modelInputs(batchOf(take(task.train(0), batch), { ...model.config, batch }), model.config, model.config.retention),
  step: 1,
  hyper: optimizer.hyper(1, 1e-3),
}
const stepBy = (method: 'amrb' | 'bptt') =>
  compile(device, stepInputs(batch, model.config), trainingStep(model, optimizer, { method, batch, clip: 1 }))
const [amrb, bptt] = [stepBy('amrb'), stepBy('bptt')]
const product = compile(device, { x: f32(768, 64), w: f32(64, 64) }, ({ x, w }) => ({ y: x.matmul(w) }))
const matrices = { x: new Float32Array(768 * 64).fill(1), w: new Float32Array(64 * 64).fill(1) }

await benny.suite(
  'RMAAT, 4 segments of 16 tokens, batch 32',
  benny.add('training step by AMRB', async () => void (await amrb.run(inputs))),
  benny.add('training step by BPTT', async () => void (await bptt.run(inputs))),
  benny.add('one projection of a segment (768 x 64 x 64)', async () => void (await product.run(matrices))),
  benny.cycle(),
  benny.complete(),
)
device.close()
