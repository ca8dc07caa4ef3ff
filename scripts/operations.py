"""Computes test/golden/operations.json in double precision, with PyTorch 1.13 (system package python3-torch):

    python3 scripts/operations.py && npx biome check --write test/golden/operations.json

Inputs are multiples of 1/64 or exact in float32 otherwise. New cases go to the end: the random ones before keep theirs.
"""

import json
import math
import os

import torch

torch.set_default_dtype(torch.float64)
nan, inf = math.nan, math.inf
cases = []


def encode(v):
    """What JSON has no number for is a text."""
    v = float(v)
    if math.isnan(v):
        return 'NaN'
    if math.isinf(v):
        return 'Infinity' if v > 0 else '-Infinity'
    if v == 0:
        return '-0' if math.copysign(1, v) < 0 else 0
    return int(v) if v == int(v) and abs(v) < 1e15 else v


def flat(t):
    return [encode(v) for v in t.detach().to(torch.float64).reshape(-1).tolist()]


def rounded(t):
    """Of results 14 digits are enough; inputs are written as they are."""
    return [encode(f'{v:.14g}') for v in t.detach().to(torch.float64).reshape(-1).tolist()]


def case(name, f, inputs, args=(), special=False, cot=True):
    """f of the inputs, and where all goes through floats the gradient; `special` where NaN or infinity takes part."""
    xs = [x.clone().requires_grad_(x.is_floating_point()) for x in inputs]
    ys = f(*xs)
    ys = list(ys) if isinstance(ys, (tuple, list)) else [ys]
    floats = [x for x in xs if x.is_floating_point()]
    totals = [torch.zeros_like(x) for x in floats]
    for y in ys:
        if not y.requires_grad:
            continue
        cotangent = torch.tensor([0.5 + ((3 * i) % 7) / 8 for i in range(y.numel())]).reshape(y.shape)
        for i, g in enumerate(torch.autograd.grad(y, floats, cotangent, retain_graph=True, allow_unused=True)):
            if g is not None:
                totals[i] = totals[i] + g
    record = {
        'name': name,
        'arguments': list(args),
        'inputs': [
            {'shape': list(x.shape), 'dtype': 'f32' if x.is_floating_point() else 'i32', 'values': flat(x)} for x in xs
        ],
        'outputs': [{'shape': list(y.shape), 'values': rounded(y)} for y in ys],
    }
    if cot and any(y.requires_grad for y in ys):
        record['gradients'] = [rounded(total) for total in totals]
    if special:
        record['special'] = True
    cases.append(record)


generator = torch.Generator().manual_seed(5)


def rand(*shape, lo=-2.0, hi=2.0):
    return torch.round((torch.rand(*shape, generator=generator) * (hi - lo) + lo) * 64) / 64


def T(*v):
    return torch.tensor(v, dtype=torch.float64)


def I(*v):
    return torch.tensor(v, dtype=torch.int64)


F = torch.nn.functional
wide = T(-90., -20., -3., -0.5, 0.25, 1., 4., 30., 88.)
edge = T(-inf, inf, nan, -0., 0.)
for name, f in [('logSigmoid', F.logsigmoid), ('silu', F.silu), ('leakyRelu', F.leaky_relu)]:
    case(name, f, [wide])
    case(name, f, [T(4., 9., 17.)])
    case(name, f, [T(30., 31.)])
case('leakyRelu', lambda x: F.leaky_relu(x, 0.2), [T(-0., 0., -1., 2.)], [0.2])
case('logSigmoid', F.logsigmoid, [edge], special=True)
case('leakyRelu', F.leaky_relu, [edge], special=True)
case('silu', F.silu, [T(inf, nan, 0., -0.)], special=True)
x = rand(3, 4, 2)
for ax in (0, 1, -1):
    case('softmax', lambda x: torch.softmax(x, ax), [x], [ax])
    case('logSoftmax', lambda x: torch.log_softmax(x, ax), [x], [ax])
    case('logSumExp', lambda x: torch.logsumexp(x, ax), [x], [ax])
case('logSumExp', lambda x: torch.logsumexp(x, (0, 2), True), [x], [[0, 2], True])
case('softmax', lambda x: torch.softmax(x, 0), [torch.zeros(0, 3)], [0])
case('logSumExp', lambda x: torch.logsumexp(x, 0), [T(-inf, -inf)], [0], special=True, cot=False)
case('logSumExp', lambda x: torch.logsumexp(x, 0), [T(-inf, 1., -200.)], [0], special=True)
# products
def prod2(x, dims, keep=False):
    for d in sorted(dims, reverse=True):
        x = torch.prod(x, d, keep)
    return x
for n in (1, 2, 3, 5, 8, 13):
    case('prod', lambda x: torch.prod(x, 1), [rand(2, n)], [1])
case('prod', lambda x: torch.prod(x, 0), [T(2., 0., -3., 4.)], [0])
case('prod', lambda x: torch.prod(x, 0), [T(2., 0., -3., 0.)], [0])
case('prod', lambda x: prod2(x, (0, 2), True), [x], [[0, 2], True])
case('prod', lambda x: torch.prod(x, 1), [torch.zeros(3, 0)], [1])
case('prod', lambda x: torch.prod(x, 1), [I(3, -2, 7, 5, 1, 2).reshape(2, 3)], [1])
case('prod', lambda x: torch.prod(x, 1), [T(inf, 2., nan, 1., inf, -1.).reshape(3, 2)], [1], special=True, cot=False)
# variance
for corr, unb in ((1, True), (0, False)):
    case('var', lambda x: torch.var(x, (0, 2), unb, True), [x], [[0, 2], True, corr])
    case('std', lambda x: torch.std(x, 1, unb), [x], [1, False, corr])
case('var', lambda x: torch.var(x), [x])
case('std', lambda x: torch.std(x), [rand(7)])
case('std', lambda x: torch.std(x, 1), [torch.full((2, 3), 1.5)], [1])
case('var', lambda x: torch.var(x, 0), [T(4096.25, 4096.5, 4096.75)], [0])
case('var', lambda x: torch.var(x, 0), [T(3.)], [0], special=True, cot=False)
case('var', lambda x: torch.var(x, 1), [torch.zeros(2, 0)], [1], special=True, cot=False)
case('std', lambda x: torch.std(x, 1), [T(1., nan, 2., inf).reshape(2, 2)], [1], special=True, cot=False)
# any, all
b = T(0., 0., -0., 1., 2., 3., 0., 1., 0.).reshape(3, 3)
for name, f in (('any', torch.any), ('all', torch.all)):
    case(name, lambda x: f(x != 0, 1), [b], [1])
    case(name, lambda x: f(x != 0, 0, True), [b], [0, True])
    case(name, lambda x: f(x != 0), [b])
    case(name, lambda x: f(x != 0, 1), [torch.zeros(2, 0)], [1])
    case(name, lambda x: f(x != 0, 0), [I(0, 5, -1)], [0])
    case(name, lambda x: f(x.bool(), 1), [T(nan, 0., 1., nan).reshape(2, 2)], [1], special=True)
ties = T(3., 1., 2., 1., 3., 0., -0., 0.).reshape(2, 4)
case('argmin', lambda x: torch.argmin(x, 1), [ties], [1])
case('argmin', lambda x: torch.argmin(x, 0), [ties], [0])
case('argmin', lambda x: torch.argmin(x, 0), [I(5, -2147483648, 2147483647, -2147483648)], [0])
case('argmin', lambda x: torch.argmin(x, 1), [T(1., nan, -inf, nan, -inf, inf, inf, -inf, 4.).reshape(3, 3)], [1], special=True)
# masks
case('oneHot', lambda l: F.one_hot(l, 4).double(), [I(0, 3, 2, 1, 3, 3).reshape(2, 3)], [4])
case('oneHot', lambda l: F.one_hot(l, 2).double(), [torch.zeros(0, dtype=torch.int64)], [2])
for d in (0, 1, -1, 5, -5):
    m = rand(2, 3, 4)
    case('tril', lambda x: torch.tril(x, d), [m], [d])
    case('triu', lambda x: torch.triu(x, d), [m], [d])
case('tril', lambda x: torch.tril(x), [T(1., nan, inf, 2.).reshape(2, 2)], special=True)
case('triu', lambda x: torch.triu(x), [torch.zeros(0, 3)])
mask = I(1, 0, 0).reshape(3, 1)
case('maskedFill', lambda x, m: x.masked_fill(m.bool(), -7.), [rand(3, 2), mask], [-7])
case('maskedFill', lambda x, m: x.masked_fill(m.bool(), -inf), [T(nan, inf, 1.), I(1, 1, 0)], ['-Infinity'], special=True)
# taking along
s = rand(3, 5, 2)
ix = torch.randint(0, 5, (3, 4, 2), generator=generator)
case('takeAlong', lambda x, i: torch.take_along_dim(x, i, 1), [s, ix], [1])
case('takeAlong', lambda x, i: torch.take_along_dim(x, i, 0), [rand(4, 3), I(0, 0, 3, 3, 1, 0).reshape(2, 3)], [0])
case('takeAlong', lambda x, i: torch.take_along_dim(x, i, -1), [rand(2, 3), torch.zeros(2, 0, dtype=torch.int64)], [-1])
case('takeAlong', lambda x, i: torch.take_along_dim(x, i, 0), [T(inf, nan, -0., -inf), I(2, 0, 1, 3, 2)], [0], special=True)
# slices: start, size, steps as Python's slices
case('slice', lambda x: x[1:6:2, 0:4:3], [rand(6, 4)], [[1, 0], [3, 2], [2, 3]])
case('slice', lambda x: torch.flip(x, (0,))[0:5:2, 1:3], [rand(5, 4)], [[4, 1], [3, 2], [-2, 1]])
case('slice', lambda x: torch.flip(x, (1,))[:, 1:6:3], [rand(2, 7)], [[0, 5], [2, 2], [1, -3]])
case('slice', lambda x: x[2:2], [rand(4, 2)], [[2, 0], [0, 2]])
case('narrow', lambda x: x[:, 1:-1:2], [rand(2, 8)], [1, 1, -1, 2])
for ax in ([0], [1], [0, 1]):
    case('flip', lambda x: torch.flip(x, ax), [rand(3, 4)], [ax])
case('flip', lambda x: torch.flip(x, (0,)), [torch.zeros(0, 2)], [0])
case('flip', lambda x: torch.flip(x, (0,)), [T(nan, -0., inf)], [0], special=True)
case('split', lambda x: torch.split(x, 3, 1), [rand(2, 7)], [3, 1])
case('split', lambda x: torch.split(x, [1, 0, 4], 0), [rand(5, 2)], [[1, 0, 4]])
case('split', lambda x: torch.split(x, 2, 0), [torch.zeros(0, 2)], [2])
for r in ([2], [2, 1], [2, 3, 2], [0, 2]):
    case('tile', lambda x: torch.tile(x, r), [rand(2, 3)], [r])
case('squeeze', lambda x: torch.squeeze(x), [rand(1, 3, 1)])
case('squeeze', lambda x: torch.squeeze(x, 2), [rand(1, 3, 1)], [2])
for a in (0, 1, -1, -3):
    case('unsqueeze', lambda x: torch.unsqueeze(x, a), [rand(2, 3)], [a])
# running sums and products
for n in (1, 2, 31, 32, 33, 70):
    case('cumsum', lambda x: torch.cumsum(x, 0), [rand(n)], [0])
    case('cumprod', lambda x: torch.cumprod(x, 0), [rand(n, lo=0.5, hi=1.5)], [0])
    case('logCumSumExp', lambda x: torch.logcumsumexp(x, 0), [rand(n)], [0])
y = rand(3, 5, 2)
for ax in (0, 1, -1):
    case('cumsum', lambda x: torch.cumsum(x, ax), [y], [ax])
    case('cumprod', lambda x: torch.cumprod(x, ax), [y], [ax])
    case('logCumSumExp', lambda x: torch.logcumsumexp(x, ax), [y], [ax])
case('cumprod', lambda x: torch.cumprod(x, 0), [T(2., 0., 3., 4.)], [0])
case('cumprod', lambda x: torch.cumprod(x, 0), [T(0., 5., 0., 2.)], [0])
case('cumsum', lambda x: torch.cumsum(x, 1), [torch.arange(-40, 40).reshape(2, 40)], [1])
case('cumsum', lambda x: torch.cumsum(x, 1), [torch.zeros(2, 0)], [1])
case('cumprod', lambda x: torch.cumprod(x, 0), [torch.zeros(0, 2)], [0])
case('cumsum', lambda x: torch.cumsum(x, 0), [T(1., 2., inf, 3., -inf, 4.)], [0], special=True)
case('cumsum', lambda x: torch.cumsum(x, 0), [torch.cat([torch.ones(40), T(nan), torch.ones(3)])], [0], special=True)
case('cumprod', lambda x: torch.cumprod(x, 0), [T(2., inf, -1., 3., nan)], [0], special=True, cot=False)
case('logCumSumExp', lambda x: torch.logcumsumexp(x, 0), [T(-500., 0., 300., 299., -20.)], [0])
# orders
def srt(d):
    return lambda x: torch.sort(x, dim=-1, descending=d, stable=True)
for d in (False, True):
    case('sort', srt(d), [rand(2, 9)], [-1, d])
    case('sort', srt(d), [ties], [-1, d])
    case('sort', srt(d), [I(3, -1, 3, 0, -1)], [-1, d])
    case('sort', srt(d), [T(nan, 1., -inf, inf, nan, -0., 0.)], [-1, d], special=True)
case('sort', lambda x: torch.sort(x, dim=1, stable=True), [rand(2, 5, 3)], [1])
case('sort', lambda x: torch.sort(x, 0), [torch.zeros(0, 2)], [0])
case('sort', lambda x: torch.sort(x, 0), [T(4.)], [0])
case('topK', lambda x: torch.topk(x, 3, 0), [torch.randperm(11, generator=generator).double()], [3, 0])
case('topK', lambda x: torch.topk(x, 2, 1), [torch.randperm(24, generator=generator).double().reshape(3, 4, 2)], [2, 1])
case('topK', lambda x: torch.topk(x, 0, 0), [rand(4)], [0, 0])
case('topK', lambda x: torch.topk(x, 3, 0), [T(1., nan, inf, -inf)], [3, 0], special=True)
# updates of rows
def upd(x, i, u):
    return x.index_copy(0, i.reshape(-1), u.reshape(-1, *x.shape[1:]))
case('scatterUpdate', upd, [rand(5, 2), I(3, 0), rand(2, 2)])
case('scatterUpdate', upd, [rand(4), I(2, 1, 3).reshape(3, 1), rand(3, 1)])
case('scatterUpdate', upd, [rand(3, 2), torch.zeros(0, dtype=torch.int64), torch.zeros(0, 2)])
case('scatterUpdate', upd, [I(1, 2, 3, 4), I(2, 0), I(-9, 2147483647)])
case('scatterUpdate', upd, [T(1., nan, inf), I(0, 2), T(-0., nan)], special=True)
# Einstein's notation
def ein(n, *xs):
    case('einsum', lambda *t: torch.einsum(n, *t), list(xs), [n])
ein('ij->ji', rand(2, 3))
ein('ijk->j', rand(2, 3, 4))
ein('ii->', rand(3, 3))
ein('ii->i', rand(3, 3))
ein('iij->ji', rand(3, 3, 2))
ein('ij->ij', rand(2, 2))
ein('...i->...', rand(2, 3, 4))
ein('...ij->...ji', rand(2, 3, 4))
ein('i...->...i', rand(2, 3))
ein('iii->i', rand(2, 2, 2))
ein('ij,jk->ik', rand(2, 3), rand(3, 4))
ein('...ij,jk->...ik', rand(2, 2, 3), rand(3, 2))
ein('b...i,...i->b...', rand(2, 3, 4), rand(3, 4))
ein('...i,...i->...', rand(2, 1, 3), rand(4, 3))
ein('...,...->...', rand(3, 1), rand(2))
ein('ii,i->i', rand(3, 3), rand(3))
ein('ii,jj->ij', rand(2, 2), rand(3, 3))
ein('...i,...j->...ij', rand(1, 2), rand(3, 2))
ein('ij,kl->', rand(2, 2), rand(2, 3))
ein('...ij,...jk->...ik', rand(3, 1, 2, 2), rand(4, 2, 1))
ein('ij,jk->ik', torch.zeros(2, 0), torch.zeros(0, 3))

# single numbers
line = T(-7.5, -2.5, -1.5, -1.0, -0.5, -0.25, -0.0, 0.0, 0.25, 0.5, 1.0, 1.5, 2.5, 7.5)
far = T(100.0, -1000.0, 16777216.0, -2.0**30, 2.0**60, 2.0**100, 22.0, 355.0, 52174.0)
for name, f in (('sin', torch.sin), ('cos', torch.cos), ('floor', torch.floor), ('ceil', torch.ceil), ('round', torch.round)):
    case(name, f, [line])
    case(name, f, [far])
    case(name, f, [rand(3, 5, lo=-20, hi=20)])
    case(name, f, [torch.zeros(0, 2)])
    case(name, f, [T(inf, -inf, nan, 1.0)], special=True)
a = T(7.0, -7.0, 7.0, -7.0, 0.0, -0.0, 6.0, -6.0, 5.5, -5.5, 0.25, -0.25, 1e6, 16777215.0)
b = T(3.0, 3.0, -3.0, -3.0, 3.0, 3.0, 3.0, 3.0, 0.5, 0.75, 8.0, 8.0, 0.375, -3.0)
ia = I(7, -7, 7, -7, 0, 6, -6, 2147483647, -2147483648, -2147483648, 2147483647, -2147483648)
ib = I(3, 3, -3, -3, 5, 3, 3, 10, 10, 2147483647, -2147483648, 1)


def quotient(x, y):
    return torch.div(x, y, rounding_mode='floor')


for name, f in (('mod', torch.remainder), ('floorDivide', quotient)):
    case(name, f, [a, b])
    case(name, f, [rand(4, 3, lo=-9, hi=9), rand(3, lo=0.5, hi=3)])
    case(name, f, [rand(4, 1, lo=-9, hi=9), rand(3, lo=-3, hi=-0.5)])
    case(name, f, [torch.zeros(0, 3), T(1.0)])
    case(name, f, [ia, ib])
    case(name, f, [I(5, -5).reshape(2, 1), I(2, -3, 7)])
    case(name, f, [T(1.0, -1.0, inf, nan, 1.0, 2.0, 0.0), T(inf, inf, 2.0, 2.0, nan, 0.0, 0.0)], special=True, cot=False)
case('pow', torch.pow, [T(-2.0, -2.0, -1.5, 2.0, 3.0, 0.5, 1.0, 9.0), T(3.0, -2.0, 4.0, 0.5, -1.5, 2.25, 7.0, 0.0)], cot=False)
case('pow', torch.pow, [rand(4, 3, lo=0.25, hi=3), rand(3, lo=-3, hi=3)])
case('pow', torch.pow, [rand(4, 1, lo=0.25, hi=3), T(-1.0, 0.0, 0.5, 2.0)])
case('pow', torch.pow, [T(0.0, 0.0, 0.0, 4.0, 1.0), T(0.0, 1.0, 2.5, 0.0, 0.0)])
case('pow', torch.pow, [torch.zeros(0, 3), T(1.5)])
case('pow', torch.pow, [T(-2.0, -2.0, 0.0, -0.0, -0.0, 0.0), T(0.5, 3.0, -1.0, -1.0, 3.0, -2.0)], special=True)
case('pow', torch.pow, [T(nan, 1.0, -1.0, 2.0, 0.5, inf, -inf, 1.0), T(0.0, nan, inf, inf, inf, -1.0, 3.0, -inf)], special=True, cot=False)

# axes counted from the back, places without numbers
case('softmax', lambda x: torch.softmax(x, -1), [T(-inf, 0.0, 1.0)], [-1], special=True)
case('logSoftmax', lambda x: torch.log_softmax(x, -1), [T(-inf, 0.0, 1.0)], [-1], special=True)
case('logSoftmax', lambda x: torch.log_softmax(x, 0), [torch.zeros(0, 3)], [0])
case('narrow', lambda x: x[-3:-1], [rand(5, 2)], [0, -3, -1])
case('narrow', lambda x: x[:, 2:2], [rand(2, 4)], [1, 2, 2])
case('narrow', lambda x: x[1:], [T(nan, inf, -0.0)], [0, 1], special=True)
case('flip', lambda x: torch.flip(x, (-1,)), [rand(2, 3)], [[-1]])
case('split', lambda x: torch.split(x, [2, 1], -1), [rand(2, 3)], [[2, 1], -1])
case('squeeze', lambda x: torch.squeeze(x, -1), [rand(2, 1)], [-1])
case('squeeze', lambda x: torch.squeeze(x), [torch.zeros(0, 1)])
case('tile', lambda x: torch.tile(x, (2,)), [T(nan, -0.0, inf)], [[2]], special=True)
case('split', lambda x: torch.split(x, 1), [T(inf, -0.0)], [1], special=True)
case('argmin', lambda x: torch.argmin(x, -1), [ties], [-1])
case('oneHot', lambda l: F.one_hot(l, 3).double(), [I(2)], [3])
case('triu', lambda x: torch.triu(x, -1), [T(1.0, nan, inf, -0.0).reshape(2, 2)], [-1], special=True)
case('scatterUpdate', upd, [rand(3, 2), I(1).reshape(1), rand(1, 2)])


# linear recurrences
def recurrence(axis, reverse=False, pair=None):
    def run(a, b):
        if pair is not None:
            a, b = (torch.complex(*torch.split(x, 1, pair)) for x in torch.broadcast_tensors(a, b))
        a, b = torch.broadcast_tensors(a, b)
        state, states, order = 0, [None] * a.shape[axis], range(a.shape[axis])
        for t in reversed(order) if reverse else order:
            state = a.select(axis, t) * state + b.select(axis, t)
            states[t] = state
        h = torch.stack(states, axis)
        return h if pair is None else torch.cat((h.real, h.imag), pair)
    return run
for n in (1, 2, 9):
    case('scan', recurrence(1), [rand(2, n, 3, lo=-1, hi=1), rand(2, n, 3)], [{'axis': 1}])
case('scan', recurrence(0), [rand(5, lo=-1, hi=1), rand(7, 5)], [{'axis': 0}])
case('scan', recurrence(1, True), [rand(3, 1, lo=-1, hi=1), rand(3, 40)], [{'axis': -1, 'reverse': True}])
case('scan', recurrence(0, False, 1), [rand(6, 2, 5, lo=-1, hi=1), rand(6, 2, 5)], [{'axis': 0, 'complex': 1}])
case('scan', recurrence(1, True, 2), [rand(2, 1, lo=-0.75, hi=0.75), rand(2, 20, 2, 3)], [{'axis': 1, 'complex': 2, 'reverse': True}])

# Fourier transforms
def rfft(axis):
    return lambda x: pair(torch.fft.rfft(x, dim=axis), axis)
def irfft(n, axis):
    return lambda z: torch.fft.irfft(torch.complex(*z.unbind(axis % (z.dim() - 1) + 1)), n, axis)
def pair(z, axis):
    # a zero is written as 0, whichever its sign
    return torch.stack((z.real, z.imag), axis % z.dim() + 1) + 0.0
for n in (1, 2, 5, 12, 96, 105):
    case('rfft', rfft(-1), [rand(2, n)], [-1])
    case('irfft', irfft(n, -1), [rand(n // 2 + 1, 2)], [n, -1])
case('rfft', rfft(0), [rand(10, 3)], [0])
case('irfft', irfft(70, 1), [rand(2, 36, 2, 2)], [70, 1])

with open(os.path.join(os.path.dirname(__file__), '../test/golden/operations.json'), 'w') as file:
    json.dump(cases, file)
