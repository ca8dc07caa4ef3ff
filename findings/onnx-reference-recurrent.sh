#!/usr/bin/env bash
# onnx 1.23.1: LSTM, GRU and RNN of the reference evaluator read no sequence_lens, no activations and no clip: padding is read on.
#
# Expected: ONNX's description of the three: sequence_lens has the "lengths of the sequences in a batch", so that Y_h, "the last
# output value", is that of a sequence's last step; clip bounds "the input of activations"; activations replaces sigmoid and
# tanh; input_forget couples two gates of LSTM. The script computes all of it by the equations given there.
# Seen: these inputs and attributes make no difference, and there is no error. A sequence of 2 steps in a batch of 4 is read to the
# end of the padding. (RNN refuses Relu by an error, which is fair.) Without them all three are right, in both directions, with
# initial states and with linear_before_reset. onnxruntime 1.30.0 gives what is expected in all cases.
# Why it matters: a recurrent network is exported with the lengths of its batch, and what is compared with this evaluator is its
# last state. An engine that stops where the sequence ends fails the test; one that reads the padding passes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv # NumPy 2.4 needs Python 3.11
venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps onnx==1.23.1 numpy==2.4.6 ml_dtypes==0.6.0 \
  protobuf==7.36.2 typing_extensions==4.16.0
cat >check.py <<'PY'
import sys

import numpy as np
import onnx
from onnx import helper
from onnx.reference import ReferenceEvaluator

print(f"onnx {onnx.__version__}, NumPy {np.__version__}, Python {sys.version.split()[0]}")
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
STEPS, BATCH, INPUTS, UNITS = 4, 2, 2, 3
random = np.random.default_rng(1)
FUNCTIONS = {
    "Sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "Tanh": np.tanh,
    "Relu": lambda x: np.maximum(x, 0),
    "HardSigmoid": lambda x: np.clip(0.2 * x + 0.5, 0, 1),
}
USUAL = {"RNN": ["Tanh"], "GRU": ["Sigmoid", "Tanh"], "LSTM": ["Sigmoid", "Tanh", "Tanh"]}


def numbers(*shape):
    return random.normal(size=shape).astype(np.float32)


def by_hand(op, x, w, r, b, lengths=None, activations=None, clip=np.inf, input_forget=0):
    """Y and Y_h by the equations of the operator, forward."""
    f, *others = [
        lambda z, name=name: FUNCTIONS[name](np.clip(z, -clip, clip)) for name in activations or USUAL[op]
    ]
    wb, rb = np.split(b, 2)
    y = np.zeros((STEPS, BATCH, UNITS))
    last = np.zeros((BATCH, UNITS))
    for n in range(BATCH):
        h, c = np.zeros(UNITS), np.zeros(UNITS)
        for t in range(STEPS if lengths is None else lengths[n]):
            u, v = w @ x[t, n] + wb, r @ h + rb
            if op == "RNN":
                h = f(u + v)
            elif op == "GRU":
                (uz, ur, uh), (vz, vr, _) = np.split(u, 3), np.split(v, 3)
                z, reset = f(uz + vz), f(ur + vr)
                rh, rbh = np.split(r, 3)[2], np.split(rb, 3)[2]
                h = (1 - z) * others[0](uh + rh @ (reset * h) + rbh) + z * h
            else:
                i, o, forget, cell = np.split(u + v, 4)
                i = f(i)
                c = (1 - i if input_forget else f(forget)) * c + i * others[0](cell)
                h = f(o) * others[1](c)
            y[t, n] = h
        last[n] = h
    return y, last


def run(op, x, w, r, b, lengths=None, **attributes):
    inputs = {"X": x, "W": w[None], "R": r[None], "B": b[None]}
    if lengths is not None:
        inputs["lengths"] = np.array(lengths, np.int32)
    node = helper.make_node(op, list(inputs), ["Y", "Y_h"], hidden_size=UNITS, **attributes)
    graph = helper.make_graph(
        [node],
        "graph",
        [helper.make_tensor_value_info(k, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape) for k, v in inputs.items()],
        [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in ["Y", "Y_h"]],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)])
    onnx.checker.check_model(onnx.shape_inference.infer_shapes(model), full_check=True)
    y, last = ReferenceEvaluator(model).run(None, inputs)
    return y[:, 0], last[0]


same = True
for op, gates in GATES.items():
    x, w, r = numbers(STEPS, BATCH, INPUTS), numbers(gates * UNITS, INPUTS), numbers(gates * UNITS, UNITS)
    b = numbers(2 * gates * UNITS)
    cases = [("no option", {}), ("lengths of 4, 4", {"lengths": [4, 4]}), ("lengths of 4, 2", {"lengths": [4, 2]})]
    cases += [("clip of .5", {"clip": 0.5})]
    if op != "RNN":
        other = ["HardSigmoid", "Relu", "Relu"][: len(USUAL[op])]
        cases += [(" ".join(other), {"activations": other})]
    if op == "LSTM":
        cases += [("input_forget", {"input_forget": 1})]
    plain = by_hand(op, x, w, r, b)
    for name, options in cases:
        found, expected = run(op, x, w, r, b, **options), by_hand(op, x, w, r, b, **options)
        errors = [np.abs(a - e).max() for a, e in zip(found, expected)]
        ignored = all(np.allclose(a, p, atol=1e-5) for a, p in zip(found, plain))
        right = max(errors) < 1e-5
        y, wanted = found[1][-1], expected[1][-1]
        shown = " ".join(f"{v:.3f}" for v in y)
        print(f"{op:4} {name:22} Y_h {shown} {'(right)' if right else '(expected ' + ' '.join(f'{v:.3f}' for v in wanted) + ')'}")
        same &= ignored and right == (name in ("no option", "lengths of 4, 4"))
print("As described: results are those without the option" if same else "The behaviour has changed")
sys.exit(0 if same else 1)
PY
venv/bin/python check.py
