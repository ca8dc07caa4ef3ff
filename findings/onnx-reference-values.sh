#!/usr/bin/env bash
# onnx 1.23.1: the reference evaluator makes -Infinity of a log-probability of -200, and normalises one channel of five.
#
# Expected: what ONNX's own description of each operator says; the script computes it from these formulas. "In the case of such a
# mismatch, the official spec overrides this implementation", says the class; nothing is said at run time.
# Seen: LogSoftmax is the logarithm of Softmax, which is 0 in float32 from about -104 on: of [200, 0] it is [0, -Infinity], and
# SoftmaxCrossEntropyLoss of the wrong class is Infinity, not 200. ReduceLogSumExp of two -Infinity is NaN. LRN takes the number of
# examples for the number of channels: of a batch of one only the first channel is divided by its neighbours (reported, onnx issue
# 7805). LpNormalization with p = 1 takes no absolute value: [-3, 4] stays [-3, 4], and [-4, 3] changes its signs. MaxPool with
# SAME_LOWER and a stride of 2 puts the odd padding at the end, as SAME_UPPER does, and of 7 numbers it gives 3 results and not 4.
# Its Indices are those of other pixels, or negative, where there are pads; and with pads before alone, [1, 1, 0, 0], windows of
# 2 x 2 in 3 x 3 give 4 x 2 results and not 3 x 3. onnxruntime 1.30.0 gives what is expected of all of them. Softmax,
# LpNormalization with p = 2, MaxPool with SAME_UPPER or without pads and LRN of as many examples as channels are right.
# Why it matters: whoever writes kernels takes their expected values from here. A right log-softmax or loss fails its test where a
# logit is large, which is what such functions are made for; one without the usual care for large numbers passes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv # NumPy 2.4 needs Python 3.11
venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps onnx==1.23.1 numpy==2.4.6 ml_dtypes==0.6.0 \
  protobuf==7.36.2 typing_extensions==4.16.0
cat >check.py <<'PY'
import sys
import warnings

import numpy as np
import onnx
from onnx import helper
from onnx.reference import ReferenceEvaluator

warnings.simplefilter("ignore")  # NumPy's, of log(0)
print(f"onnx {onnx.__version__}, NumPy {np.__version__}, Python {sys.version.split()[0]}")


def run(operator, *inputs, indices=False, **attributes):
    names = [f"x{i}" for i in range(len(inputs))]
    node = helper.make_node(operator, names, ["y", "indices"] if indices else ["y"], **attributes)
    described = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
        for name, x in zip(names, inputs)
    ]
    result = helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)
    places = helper.make_tensor_value_info("indices", onnx.TensorProto.INT64, None)
    graph = helper.make_graph([node], "graph", described, [result, places] if indices else [result])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)])
    onnx.checker.check_model(onnx.shape_inference.infer_shapes(model), full_check=True)
    return ReferenceEvaluator(model).run(None, dict(zip(names, inputs)))[-1]


def f32(*values):
    return np.array(values, np.float32)


def log_sum_exp(x):
    largest = x.max()
    return largest + np.log(np.exp(x - largest).sum()) if np.isfinite(largest) else largest


def lrn(x, size, alpha, beta, bias):
    """Channels from c - floor((size - 1) / 2) to c + ceil((size - 1) / 2), as far as there are any."""
    channels = x.shape[1]
    y = np.empty(x.shape)
    for c in range(channels):
        around = x[:, max(0, c - (size - 1) // 2) : min(channels, c + size // 2 + 1)].astype(np.float64)
        y[:, c] = x[:, c] / (bias + alpha / size * (around**2).sum(axis=1)) ** beta
    return y


def max_pool(x, kernel, stride, lower):
    """ceil(length / stride) windows; the padding is what they need, and its odd one is at the beginning for SAME_LOWER."""
    length = len(x)
    count = -(-length // stride)
    pad = max(0, (count - 1) * stride + kernel - length)
    begin = pad - pad // 2 if lower else pad // 2
    starts = [i * stride - begin for i in range(count)]
    return [max(x[max(0, s) : s + kernel]) for s in starts]


same = True


def report(name, found, expected, seen=None):
    found, expected = np.asarray(found).ravel(), np.asarray(expected).ravel()

    def near(a, b):
        return a.shape == b.shape and np.allclose(a.astype(float), b, rtol=1e-5, atol=1e-6, equal_nan=True)

    def short(values):
        return " ".join(f"{x:.4g}" for x in values)

    right = near(found, expected)
    print(f"{name:38} {short(found)} {'(right)' if right else f'(expected {short(expected)})'}")
    global same
    same &= right if seen is None else not right and near(found, np.asarray(seen).ravel())


inf, nan = np.inf, np.nan
logits = f32(200, 0)
report("Softmax of 200, 0", run("Softmax", logits), [1, 0])
report("LogSoftmax of 2, 0", run("LogSoftmax", f32(2, 0)), f32(2, 0) - log_sum_exp(f32(2, 0)))
report("LogSoftmax of 200, 0", run("LogSoftmax", logits), logits - log_sum_exp(logits), [0, -inf])
target = np.array([1], np.int64)
report("SoftmaxCrossEntropyLoss of 200, 0", run("SoftmaxCrossEntropyLoss", logits[None], target), [200], [inf])
report("ReduceLogSumExp of 200, 0", run("ReduceLogSumExp", logits, keepdims=0), log_sum_exp(logits))
nothing = f32(-inf, -inf)
report("ReduceLogSumExp of -inf, -inf", run("ReduceLogSumExp", nothing, keepdims=0), log_sum_exp(nothing), [nan])
options = {"size": 3, "alpha": 3.0, "beta": 1.0, "bias": 1.0}
one = np.ones((1, 5, 1, 1), np.float32)
report("LRN, 1 example of 5 channels", run("LRN", one, **options), lrn(one, **options), [1 / 3, 1, 1, 1, 1])
five = np.ones((5, 5, 1, 1), np.float32)
report("LRN, 5 examples, the last", run("LRN", five, **options)[4], lrn(five, **options)[4])
for p, row, seen in [(2, f32(-3, 4), None), (1, f32(-3, 4), [-3, 4]), (1, f32(-4, 3), [4, -3])]:
    norm = (np.abs(row.astype(np.float64)) ** p).sum() ** (1 / p)
    report(f"LpNormalization, p = {p}, of {row[0]:g}, {row[1]:g}", run("LpNormalization", row, p=p), row / norm, seen)
for length, seen in [(8, [2, 4, 6, 7]), (7, [2, 4, 6])]:
    x = np.arange(length, dtype=np.float32)
    for pad in ["SAME_UPPER", "SAME_LOWER"]:
        found = run("MaxPool", x[None, None], kernel_shape=[3 if length == 8 else 2], strides=[2], auto_pad=pad)
        expected = max_pool(x, 3 if length == 8 else 2, 2, pad == "SAME_LOWER")
        report(f"MaxPool, {pad}, of 0 to {length - 1}", found, expected, seen if pad == "SAME_LOWER" else None)
square = np.arange(9, 0, -1, dtype=np.float32).reshape(3, 3)


def windows(pads):
    """The place of the largest number of each window of 2 x 2, counted in the square without its pads."""
    top, left, bottom, right = pads
    corners = [(i, j) for i in range(-top, 2 + bottom) for j in range(-left, 2 + right)]
    every = [(r, c) for r in range(3) for c in range(3)]
    return [max((p for p in every if p[0] - i in (0, 1) and p[1] - j in (0, 1)), key=lambda p: square[p]) for i, j in corners]


for pads, values, indices in [
    ([1, 1, 1, 1], None, [-4, -1, 0, -1, 0, 0, 1, 2, 3, 3, 4, 5, 5, 6, 7, 8]),
    ([0, 0, 0, 0], None, None),
    ([1, 1, 0, 0], [9, 8, 9, 8, 6, 5, 3, 2], [-1, 0, -1, 0, 2, 3, 5, 6]),
]:
    places = windows(pads)
    options = {"kernel_shape": [2, 2], "pads": pads}
    report(f"MaxPool, pads {pads}", run("MaxPool", square[None, None], **options), [square[p] for p in places], values)
    found = run("MaxPool", square[None, None], indices=True, **options)
    report("  Indices", found, [3 * r + c for r, c in places], indices)
print("As described" if same else "The behaviour has changed")
sys.exit(0 if same else 1)
PY
venv/bin/python check.py
