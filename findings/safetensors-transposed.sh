#!/usr/bin/env bash
# safetensors 0.8.0 (Python): the transpose of a NumPy array is saved with its new shape and the old order of its numbers.
#
# Expected: the array that was given, or an error. The file has no strides: numbers stand row by row ("C" order, says the format's
# description). "Tensors need to be contiguous and dense", says save_file, and a transpose is: NumPy calls it Fortran-contiguous.
# Seen: [[0, 1, 2], [3, 4, 5]].T comes back as [[0, 1], [2, 3], [4, 5]], and should be [[0, 3], [1, 4], [2, 5]]; np.asfortranarray of
# the first comes back as [[0, 3, 1], [4, 2, 5]]. So it is with save and with save_file, for every dtype, and for the layout of a
# kernel that went from [height, width, in, out] to [out, in, height, width]. The bytes of the buffer are written as they lie;
# np.ascontiguousarray(x) before saving helps. Reported (safetensors issue 825), where 0.7.0 is said to have saved them rightly.
# Why it matters: a transpose is what is done to weights on their way from Keras or JAX to PyTorch, or to a reader in JavaScript, and
# scikit-learn and LAPACK hand out such arrays. The file has the right names, shapes, sizes and even the right mean and spread, so
# that no check of these finds it; a square matrix is simply used the wrong way round, and a model gives nonsense.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv # NumPy 2.4 needs Python 3.11
venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps numpy==2.4.6 safetensors==0.8.0
cat >check.py <<'PY'
import sys
from importlib.metadata import version

import numpy as np
import safetensors
from safetensors.numpy import load, load_file, save, save_file

print(f"safetensors {safetensors.__version__}, NumPy {version('numpy')}, Python {sys.version.split()[0]}")
rows = np.arange(6, dtype=np.float32).reshape(2, 3)
kernel = np.arange(24, dtype=np.float32).reshape(2, 1, 3, 4)
cases = {
    "rows": rows,
    "rows.T": rows.T,
    "Fortran": np.asfortranarray(rows),
    "float16": rows.astype(np.float16).T,
    "int64": rows.astype(np.int64).T,
    "square": np.arange(9, dtype=np.float32).reshape(3, 3).T,
    "kernel": kernel.transpose(3, 2, 0, 1),
    "copied": np.ascontiguousarray(rows.T),
}
save_file(cases, "a.safetensors")
same = True
for name, array in cases.items():
    assert array.flags.forc  # contiguous and dense, one way or the other
    if name == "kernel":
        assert not array.flags.c_contiguous
    found = load(save({name: array}))[name]
    same &= np.array_equal(load_file("a.safetensors")[name], found) and found.shape == array.shape
    right = np.array_equal(found, array)
    as_it_lies = array.ravel(order="K").reshape(array.shape)
    if array.size < 10:
        print(f"{name:8} {found.tolist()} {'(right)' if right else f'(expected {array.tolist()})'}")
    else:
        print(f"{name:8} {list(array.shape)} {'(right)' if right else f'({np.sum(found != array)} of {array.size} elsewhere)'}")
    same &= right == array.flags.c_contiguous and np.array_equal(found, as_it_lies)
print("As described" if same else "The behaviour has changed")
sys.exit(0 if same else 1)
PY
venv/bin/python check.py
