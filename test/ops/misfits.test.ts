import { test } from 'uvu'
import { loop } from '../../src/autograd/loop.ts'
import type { ErrorCode } from '../../src/errors.ts'
import { einsum } from '../../src/ops/contraction.ts'
import { where } from '../../src/ops/elementwise.ts'
import { tensor, zeros } from '../../src/ops/entry.ts'
import { parameter } from '../../src/ops/loop.ts'
import { concat } from '../../src/ops/views.ts'
import '../../src/ops/methods.ts'
import type { Tensor } from '../../src/tensor/tensor.ts'
import { fails } from '../support/fails.ts'

const t = (...shape: number[]): Tensor => parameter(shape, 'f32', undefined)
const n = (...shape: number[]): Tensor => zeros(shape, 'i32').add(1)

test('operands that do not fit are errors that name the operation and the shapes', async () => {
  const cases: [ErrorCode, RegExp, () => unknown][] = [
    ['shape', /add.*\[3, 4\].*\[3\].*4 and 3/, () => t(3, 4).add(t(3))],
    ['shape', /where.*\[2\].*\[3\]/, () => where(n(2), t(3), t(3))],
    ['shape', /matmul.*\[2, 3\] times \[2, 3\].*3 and 2/, () => t(2, 3).matmul(t(2, 3))],
    ['shape', /matmul.*\[2\].*\[3\].*do not broadcast/, () => t(2, 1, 1).matmul(t(3, 1, 1))],
    ['shape', /matmul.*scalar/, () => t().matmul(t(1))],
    ['shape', /einsum 'ij,jk->ik'.*\[2, 3\].*\[4, 5\].*axis j.*3.*4/, () => einsum('ij,jk->ik', t(2, 3), t(4, 5))],
    ['shape', /einsum 'ii,ij->j'.*axis i has sizes 2 and 3/, () => einsum('ii,ij->j', t(2, 3), t(2, 2))],
    ['shape', /einsum 'i,j->k'.*k/, () => einsum('i,j->k', t(2), t(3))],
    ['shape', /einsum 'i'.*form/, () => einsum('i', t(2), t(3))],
    ['shape', /einsum 'ij,j->i'.*every axis/, () => einsum('ij,j->i', t(2), t(3))],
    ['shape', /reshape.*\[2, 3\].*6.*\[4\]/, () => t(2, 3).reshape([4])],
    ['shape', /reshape.*\[6\].*\[4, -1\]/, () => t(6).reshape([4, -1])],
    ['shape', /transpose.*0, 0.*\[2, 3\]/, () => t(2, 3).transpose([0, 0])],
    ['shape', /transpose.*\[2\]/, () => t(2).transpose()],
    ['shape', /broadcastTo.*\[3\].*\[4\]/, () => t(3).broadcastTo([4])],
    ['shape', /broadcastTo.*\[3\].*\[1\]/, () => t(3).broadcastTo([1])],
    ['shape', /slice.*\[2, 2\].*\[0, 2\].*\[2, 3\]/, () => t(2, 3).slice([0, 2], [2, 2])],
    ['shape', /slice.*\[1, 2\]/, () => t(2, 3).slice([0.5, 0], [1, 2])],
    ['shape', /narrow.*2 to 1/, () => t(3).narrow(0, 2, 1)],
    ['shape', /no axis 2.*rank 2.*-2 to 1/, () => t(2, 3).sum(2)],
    ['shape', /sum.*twice/, () => t(2, 3).sum([0, -2])],
    ['shape', /max.*no axis 1/, () => t(2).max(1)],
    ['shape', /select.*no axis/, () => t().select(0, 0)],
    ['shape', /concat.*\[2, 3\].*\[2, 4\].*axis 0/, () => concat([t(2, 3), t(2, 4)], 0)],
    ['shape', /concat: nothing/, () => concat([])],
    ['shape', /pad.*1 pairs.*2 axes.*\[2, 3\]/, () => t(2, 3).pad([[0, 1]])],
    ['shape', /pad.*-1/, () => t(3).pad([[-1, 0]])],
    ['shape', /scatterAdd.*\[3, 2\].*\[2\]/, () => t(3, 2).scatterAdd(n(2), 4)],
    ['shape', /gather.*scalar/, () => t().gather(n(2))],
    ['shape', /crossEntropy.*\[2\].*\[3, 4\]/, () => t(3, 4).crossEntropy(n(2))],
    ['shape', /softmax: no axis -1 .* none in a scalar/, () => t().softmax()],
    ['shape', /tensor: 3 values.*\[2\]/, () => tensor([1, 2, 3], [2])],
    [
      'shape',
      /loop: count is 0; expected a whole number of at least 1/,
      () => loop({ count: 0, carry: [t(2)] }, (carry) => ({ carry })),
    ],
    [
      'shape',
      /loop.*\[3, 2\].*count, 4/,
      () => loop({ count: 4, carry: [], inputs: [t(3, 2)] }, () => ({ carry: [] })),
    ],
    [
      'argument',
      /^loop: what the body returns is a value of Tensor; expected \{ carry: \[\.\.\.\] \}$/,
      () => loop({ count: 2, carry: [t(2)] }, (([h]: Tensor[]) => h) as never),
    ],
    ['shape', /loop.*0 carries, expected 1/, () => loop({ count: 2, carry: [t(2)] }, () => ({ carry: [] }))],
    ['shape', /carry 0 begins as \[2\].*\[3\]/, () => loop({ count: 2, carry: [t(2)] }, () => ({ carry: [t(3)] }))],
    ['dtype', /loop: expected f32, found i32\[2\]/, () => loop({ count: 2, carry: [t(2)] }, () => ({ carry: [n(2)] }))],
    ['dtype', /add: of f32\[2\] and i32\[2\]; cast one to the type of the other/, () => t(2).add(n(2))],
    ['dtype', /where: of i32\[2\] and f32\[2\]; cast one/, () => where(n(2), n(2), t(2))],
    ['dtype', /0\.5.*integer/, () => n(2).add(0.5)],
    ['dtype', /exp.*i32/, () => n(2).exp()],
    ['dtype', /div.*i32/, () => n(2).div(2)],
    ['argument', /add: other is "1"; expected a tensor or a number/, () => t(2).add('1' as never)],
    ['dtype', /where.*expected i32, found f32/, () => where(t(2), t(2), 0)],
    ['dtype', /gather.*expected i32/, () => t(2).gather(t(2))],
    ['dtype', /scatterAdd.*expected f32, found i32/, () => n(2).scatterAdd(n(2), 3)],
    ['dtype', /matmul: expected f32, found i32\[2, 2\]/, () => n(2, 2).matmul(n(2, 2))],
    ['dtype', /^dropout: step: expected i32, found f32/, () => t(2).dropout(0.5, { seed: 1, site: 0, step: t() })],
    ['dtype', /mean.*expected f32/, () => n(2).mean()],
    ['dtype', /softmax.*expected f32/, () => n(2).softmax()],
    ['dtype', /concat.*expected f32/, () => concat([t(2), n(2)])],
    ['dtype', /crossEntropy.*expected i32/, () => t(2, 3).crossEntropy(t(2))],
    ['config', /seed.*-1/, () => t(2).dropout(0.5, { seed: -1, site: 0 })],
    ['config', /dropout rate.*1/, () => t(2).dropout(1, { seed: 1, site: 0 })],
  ]
  for (const [code, pattern, action] of cases) await fails(code, pattern, action)
})

test.run()
