"""Single operations in eager PyTorch on one thread: what bench/suites/operations.ts times beside ours.

    python3 pytorch_operations.py FILE

FILE holds the operand, float32 numbers of [512, 512]. The first line printed says what computes. Then each line of the input
is JSON: the name of an operation, whether its gradient is wanted (of the sum of the cubes of what it yields), and how many
calls. The seconds that they took are printed; of no calls the result goes into FILE.result instead.
"""

import json
import sys
import time

import numpy
import torch
import torch.nn.functional as F

torch.set_num_threads(1)
x = torch.from_numpy(numpy.fromfile(sys.argv[1], numpy.float32)).reshape(512, 512)
ids = (torch.arange(4096) * 37) % 512
labels = ids[:512]
index = ((torch.arange(512 * 512) * 37) % 512).reshape(512, 512)

operations = {
    "sum of columns": lambda x: x.sum(0),
    "maximum of rows": lambda x: x.max(1).values,
    "product of rows": lambda x: (x / 8 + 1).prod(1),
    "deviation of rows": lambda x: x.std(1),
    "softmax of rows": lambda x: x.softmax(1),
    "softmax of columns": lambda x: x.softmax(0),
    "logsumexp of columns": lambda x: x.logsumexp(0),
    "layer norm, bare": lambda x: F.layer_norm(x, (512,)),
    "cross entropy": lambda x: F.cross_entropy(x, labels, reduction="none"),
    "running sum": lambda x: x.cumsum(1),
    "running product": lambda x: (x / 8 + 1).cumprod(1),
    "running logsumexp": lambda x: x.logcumsumexp(1),
    "sort of rows": lambda x: x.sort(1).values,
    "two largest of a row": lambda x: x.topk(2).values,
    "eight largest of a row": lambda x: x.topk(8).values,
    "rows of a table": lambda x: x[ids],
    "along rows by index": lambda x: x.gather(1, index),
    "along columns by index": lambda x: x.gather(0, index),
    "transposed": lambda x: x.t().contiguous(),
    "reversed": lambda x: x.flip(0),
    "padded": lambda x: F.pad(x, (1, 1, 1, 1)),
    "joined": lambda x: torch.cat([x, x], 1),
    "lower triangle": lambda x: x.tril(),
    "real Fourier transform": lambda x: torch.view_as_real(torch.fft.rfft(x)),
    "exp": lambda x: x.exp(),
    "sin": lambda x: x.sin(),
    "gelu": lambda x: F.gelu(x),
    "sigmoid": lambda x: x.sigmoid(),
    "product of matrices": lambda x: x @ x,
    "scalar product": lambda x: (x * x).sum(),
}


def call(name, gradient):
    if not gradient:
        return operations[name](x)
    own = x.detach().requires_grad_()
    y = operations[name](own)
    (found,) = torch.autograd.grad((y.square() * y).sum(), own)
    return found


print(json.dumps({"torch": torch.__version__}), flush=True)
for line in sys.stdin:
    wanted = json.loads(line)
    name, gradient, calls = wanted["name"], wanted["gradient"], wanted["calls"]
    if calls == 0:
        call(name, gradient).detach().contiguous().numpy().astype(numpy.float32).tofile(sys.argv[1] + ".result")
    begin = time.perf_counter()
    for _ in range(calls):
        call(name, gradient)
    print(json.dumps({"seconds": time.perf_counter() - begin}), flush=True)
