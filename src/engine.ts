export { type Gradients, grad, stopGradient, vjp } from './autograd/grad.ts'
export { type LoopBody, type LoopOptions, type LoopValues, loop } from './autograd/loop.ts'
export { type DeviceName, deviceNames, openDevice } from './backends/open.ts'
export { type ErrorCode, RmaatError } from './errors.ts'
export {
  type AttentionOptions,
  type AttentionWeights,
  attention,
  attentionParameters,
  linearAttention,
  type Mix,
  type MixOptions,
  softmaxAttention,
} from './nn/attention.ts'
export { type DropoutOptions, dropout } from './nn/dropout.ts'
export { embedding, embeddingParameters } from './nn/embedding.ts'
export { type FeedForwardWeights, feedForward, feedForwardParameters } from './nn/feed-forward.ts'
export { type GruOptions, type GruWeights, gru, gruCell, gruParameters } from './nn/gru.ts'
export { type Initializer, init } from './nn/init.ts'
export { type LinearWeights, linear, linearParameters } from './nn/linear.ts'
export { classLoss, numberLoss, positionLoss } from './nn/losses.ts'
export type { Backward, Forward, ForwardOptions, Layout, Method, Model, Sequence } from './nn/model.ts'
export { type LayerNormWeights, layerNorm, layerNormParameters, rmsNorm, rmsNormParameters } from './nn/norm.ts'
export { type ParameterSpec, Parameters, type ParameterTree, parameter } from './nn/parameters.ts'
export { readSafetensors, type StoredTensor, writeSafetensors } from './nn/safetensors.ts'
export { variable } from './nn/variable.ts'
export { type Loaded, type LoadOptions, loadParameters, saveParameters } from './nn/weights.ts'
export { einsum } from './ops/contraction.ts'
export { where } from './ops/elementwise.ts'

import './ops/methods.ts'

export { iota, tensor, zeros } from './ops/entry.ts'
export { irfft, rfft } from './ops/fourier.ts'
export type { Scalar } from './ops/methods.ts'
export { type RandomSource, randomBits, randomNormal, randomUniform } from './ops/random.ts'
export { type ScanOptions, scan } from './ops/scan.ts'
export { concat, stack } from './ops/views.ts'
export { AdamW, type AdamWOptions } from './optim/adamw.ts'
export type { Names, Trained } from './optim/chosen.ts'
export { clipByNorm } from './optim/clip.ts'
export type { Optimizer, OptimizerOptions } from './optim/optimizer.ts'
export { learningRate, type RateOptions } from './optim/schedule.ts'
export { SGD, type SGDOptions } from './optim/sgd.ts'
export type { Device, HostArray } from './program/device.ts'
export type { Plan } from './program/plan.ts'
export {
  compile,
  f32,
  type HostArrays,
  type HostResults,
  type HostValue,
  i32,
  type Program,
  plan,
  read,
  type Update,
} from './program/program.ts'
export type { DType, Shape } from './tensor/dtype.ts'
export { Tensor, type TensorLike } from './tensor/tensor.ts'
export { Variable } from './tensor/variable.ts'
