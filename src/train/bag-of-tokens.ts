import { grad } from '../autograd/grad.ts'
import { feedForward } from '../nn/feed-forward.ts'
import { linearParameters } from '../nn/linear.ts'
import { Parameters } from '../nn/parameters.ts'
import { AdamW } from '../optim/adamw.ts'
import { learningRate } from '../optim/schedule.ts'
import type { Device } from '../program/device.ts'
import { compile, f32, i32 } from '../program/program.ts'
import { groups, take } from '../tasks/index.ts'
import type { Example, Task } from '../tasks/task.ts'
import type { Tensor } from '../tensor/tensor.ts'

const BATCH = 128
const HIDDEN = 64

/**
 * A control that knows no order: a network with one hidden layer sees how often each token occurs, and which stands
 * first (in ListOps, the operator at the root). Returns its accuracy on the task's test set.
 */
export async function bagOfTokens(device: Device, task: Task, steps: number): Promise<number> {
  const inputs = 2 * task.vocabulary
  const tree = {
    up: linearParameters(inputs, HIDDEN),
    down: linearParameters(HIDDEN, task.classes),
  }
  const specs = { x: f32(BATCH, inputs), labels: i32(BATCH) }
  const { parameters, optimizer, step, answer } = device.allOrNothing(() => {
    const parameters = new Parameters(device, tree, 0)
    const optimizer = new AdamW(parameters)
    const logitsOf = (x: Tensor): Tensor => feedForward(x, parameters.tensors)
    const step = compile(device, { ...specs, rate: f32() }, ({ x, labels, rate }) => {
      const loss = logitsOf(x).crossEntropy(labels).mean()
      return { loss, updates: optimizer.update(grad(loss, parameters.list), rate) }
    })
    const answer = compile(device, { x: specs.x }, ({ x }) => ({ label: logitsOf(x).argmax(-1) }))
    return { parameters, optimizer, step, answer }
  })
  try {
    const stream = task.train(0)
    for (let i = 1; i <= steps; i++) {
      const rate = learningRate(i, { schedule: 'cosine', rate: 3e-3, steps, warmUp: 0.1, floor: 0.05 })
      await step.run({ ...features(take(stream, BATCH), task.vocabulary), rate })
    }
    let correct = 0
    for (const part of groups(task.test, BATCH)) {
      const { label } = await answer.run({ x: features(part, task.vocabulary).x })
      correct += part.filter((example, i) => example.label === label[i]).length
    }
    return correct / task.test.length
  } finally {
    for (const program of [step, answer]) program.close()
    for (const variable of [parameters.variable, ...optimizer.state]) device.delete(variable)
  }
}

/** Counts of each token, and a one at the first; rows beyond the examples stay empty. */
function features(examples: readonly Example[], vocabulary: number): { x: Float32Array; labels: Int32Array } {
  const x = new Float32Array(BATCH * 2 * vocabulary)
  const labels = new Int32Array(BATCH)
  examples.forEach(({ tokens, label }, row) => {
    const at = row * 2 * vocabulary
    for (let i = 0; i < tokens.length; i++) x[at + tokens[i]]++
    x[at + vocabulary + tokens[0]] = 1
    labels[row] = label
  })
  return { x, labels }
}
