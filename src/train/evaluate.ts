import { compile } from '../program/program.ts'
import { batchInputs, type Rmaat } from '../rmaat/model.ts'
import { batchOf, type Example, majority } from '../tasks/task.ts'
import { modelInputs } from './batch.ts'
import { countCorrect } from './step.ts'

export interface Evaluation {
  readonly accuracy: number
  readonly loss: number
  readonly examples: number
  /** What always answering the most frequent class would reach. */
  readonly majority: number
}

/** Accuracy and mean loss over examples; `segments` may differ from those that the model was trained on. */
export async function evaluate(
  model: Rmaat,
  examples: readonly Example[],
  { batch = 100, segments = model.config.segments }: { batch?: number; segments?: number } = {},
): Promise<Evaluation> {
  const sizes = { segments, segmentLength: model.config.segmentLength }
  const program = compile(model.device, batchInputs(batch, sizes), (inputs) => {
    const { loss, logits } = model.forward(inputs, { method: 'amrb' })
    return { loss, correct: countCorrect(logits, inputs) }
  })
  let correct = 0
  let loss = 0
  for (let from = 0; from < examples.length; from += batch) {
    const part = examples.slice(from, from + batch)
    const results = await program.run(modelInputs(batchOf(part, { ...sizes, batch }), sizes, model.config.retention))
    correct += results.correct
    loss += results.loss * part.length
  }
  program.close()
  const { length } = examples
  return {
    accuracy: correct / length,
    loss: loss / length,
    examples: length,
    majority: majority(examples, model.config.classes).share,
  }
}
