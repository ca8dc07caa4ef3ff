"""RMAAT's training step in eager PyTorch on the CPU: what bench/suites/steps.ts times beside ours.

    python3 pytorch_step.py FILE

FILE is a safetensors file of float32 parameters, int32 `tokens` [B, T, S] and `labels` [B], and in its metadata `config`
and `retention` (the factor of each segment) as JSON. The first line printed says what computes. Then each line of the
input, `bptt` or `amrb`, is one training step by that method, with parameters and an optimiser of its own, and its loss and
seconds are printed; `stream` is the forward pass alone, and the memory behind the last segment is printed. With ` shortened`
behind it the last block computes the outputs that are read alone, as our model does: the memory's where a segment has no
loss.

Axes: B batch, T segments, S tokens and M memory tokens of a segment, N = M + S, D width, H heads, F features of a head.
"""

import json
import struct
import sys
import time

import numpy
import torch
import torch.nn.functional as F


def read(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    metadata = header.pop("__metadata__")
    kinds = {"F32": numpy.float32, "I32": numpy.int32}
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        values = numpy.frombuffer(data[begin:end], kinds[entry["dtype"]]).reshape(entry["shape"])
        tensors[name] = torch.from_numpy(values.copy())
    return tensors, {name: json.loads(text) for name, text in metadata.items()}


def phi(x):
    return F.elu(x) + 1


class Trainer:
    """A model, its optimiser, and the batch that it is trained on again and again."""

    def __init__(self, tensors, config, retention, shortened):
        self.config, self.retention, self.shortened = config, retention, shortened
        self.tokens = tensors["tokens"].long()
        self.labels = tensors["labels"].long()
        weights = {name: x.clone() for name, x in tensors.items() if name not in ("tokens", "labels")}
        # one product for the three projections
        for layer in range(config["layers"]):
            parts = [weights.pop(f"blocks.{layer}.{name}") for name in ("wq", "wk", "wv")]
            weights[f"blocks.{layer}.wqkv"] = torch.cat(parts, 1)
        self.weights = {name: x.requires_grad_() for name, x in weights.items()}
        decayed = [x for name, x in self.weights.items() if name.split(".")[-1] in ("wqkv", "wo", "w")]
        others = [x for name, x in self.weights.items() if name.split(".")[-1] not in ("wqkv", "wo", "w")]
        groups = [{"params": decayed, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.98))
        index = torch.arange(config["memory"] + config["segmentLength"], dtype=torch.float32)
        self.distance = (index[:, None] - index[None, :]).abs()
        self.prepared = None

    def astrocyte(self, layer):
        """phi(R) transposed, [H, F, N]: the same for all segments of a step."""
        basis = self.weights[f"blocks.{layer}.basis"]
        kernel = torch.exp(-self.distance * F.softplus(self.weights[f"blocks.{layer}.scale"]))
        mixed = (basis.flatten(0, 1) @ kernel).view_as(basis)
        edges = basis @ mixed.transpose(1, 2)
        return phi(edges @ basis)

    def attend(self, x, layer, astrocyte, wanted):
        rows, tokens, width = x.shape
        heads, features = self.config["heads"], self.config["features"]
        size = heads * features
        weights = self.weights[f"blocks.{layer}.wqkv"]
        if wanted == tokens:
            projected = x @ weights
            mapped = phi(projected[..., : 2 * size])
            query, key = mapped[..., :size], mapped[..., size:]
        else:
            query = phi(x[:, :wanted] @ weights[:, :size])
            projected = x @ weights[:, size:]
            key = phi(projected[..., :size])
        query = query.view(rows, wanted, heads, features).transpose(1, 2)  # [B, H, wanted, F]
        key = key.view(rows, tokens, heads, features).permute(0, 2, 3, 1)  # [B, H, F, N]
        value = projected[..., -width:].view(rows, tokens, heads, width // heads).transpose(1, 2)
        # (phi(K) + phi(R))^T V is one product instead of two
        hebbian = ((key + astrocyte) @ value) * tokens ** (self.config["alpha"] - 1)
        presynaptic = key.sum(-1).clamp(min=1e-6) ** self.config["alpha"]
        calcium = (query @ presynaptic[..., None]).clamp(min=1e-6)
        read = (query @ hebbian) / calcium
        return read.transpose(1, 2).reshape(rows, wanted, width) @ self.weights[f"blocks.{layer}.wo"]

    def norm(self, x, name):
        return F.layer_norm(x, x.shape[-1:], self.weights[f"{name}.gain"], self.weights[f"{name}.bias"])

    def affine(self, x, name):
        return F.linear(x, self.weights[f"{name}.w"].t(), self.weights[f"{name}.b"])

    def segment(self, memory, tokens, astrocytes, wanted=None):
        """memory [B, M, D], tokens [B, S] -> [B, N, D], or as many of the N as are wanted"""
        embedded = F.embedding(tokens, self.weights["embed"]) + self.weights["position"]
        x = torch.cat([memory, embedded], 1)
        for layer, astrocyte in enumerate(astrocytes):
            at = f"blocks.{layer}"
            count = wanted if wanted and layer == len(astrocytes) - 1 else x.shape[1]
            y = self.norm(self.attend(x, layer, astrocyte, count) + x[:, :count], f"{at}.norm1")
            inner = F.gelu(self.affine(y, f"{at}.up"))
            x = self.norm(self.affine(inner, f"{at}.down") + y, f"{at}.norm2")
        return x

    def loss(self, x):
        logits = self.affine(F.gelu(self.affine(x.mean(1), "head1")), "head2")
        return F.cross_entropy(logits, self.labels)

    def next_memory(self, memory, t, astrocytes):
        slots = self.config["memory"]
        fresh = self.segment(memory, self.tokens[:, t], astrocytes, slots if self.shortened else None)
        return fresh[:, :slots] * self.retention[t]

    def first_memory(self):
        return self.weights["memory"].expand(len(self.tokens), -1, -1)

    def bptt(self):
        astrocytes = [self.astrocyte(layer) for layer in range(self.config["layers"])]
        memory = self.first_memory()
        last = self.config["segments"] - 1
        for t in range(last):
            memory = self.next_memory(memory, t, astrocytes)
        loss = self.loss(self.segment(memory, self.tokens[:, last], astrocytes))
        loss.backward()
        return loss

    def amrb(self):
        """Keeps the memory of every segment alone, and computes each segment again on the way back."""
        kept = [self.astrocyte(layer) for layer in range(self.config["layers"])]
        astrocytes = [x.detach().requires_grad_() for x in kept]  # their gradients add up here
        last = self.config["segments"] - 1
        with torch.no_grad():
            memories = [self.first_memory()]
            for t in range(last):
                memories.append(self.next_memory(memories[t], t, astrocytes))
        memory = memories.pop().requires_grad_()
        loss = self.loss(self.segment(memory, self.tokens[:, last], astrocytes))
        loss.backward()
        for t in reversed(range(last)):
            gradient = memory.grad
            memory = memories.pop().detach().requires_grad_()
            self.next_memory(memory, t, astrocytes).backward(gradient)
        self.first_memory().backward(memory.grad)
        torch.autograd.backward(kept, [x.grad for x in astrocytes])
        return loss

    def stream(self):
        with torch.no_grad():
            if self.prepared is None:
                self.prepared = [self.astrocyte(layer) for layer in range(self.config["layers"])]
            memory = self.first_memory()
            for t in range(self.config["segments"]):
                memory = self.next_memory(memory, t, self.prepared)
        return memory

    def step(self, method):
        self.optimizer.zero_grad(set_to_none=True)
        loss = getattr(self, method)()
        torch.nn.utils.clip_grad_norm_(list(self.weights.values()), 1.0)
        self.optimizer.step()
        return loss.item()


def blas():
    """The library behind the matrix products, None for a reference one: Debian's python3-torch alone brings that."""
    torch.ones(256, 256) @ torch.ones(256, 256)
    with open("/proc/self/maps") as maps:
        loaded = sorted({line.split()[-1] for line in maps if ".so" in line})
    known = ("openblas", "mkl", "blis", "atlas")
    # Debian's libblas.so.3 is whichever library was chosen to stand behind that name: its folder tells
    chosen = [path for path in loaded if "/libblas.so" in path]
    if chosen:
        names = [next((name for name in known if name in path), None) for path in chosen]
        return None if None in names else names[0]
    if torch.backends.mkl.is_available():
        return "mkl"
    return next((name for name in known for path in loaded if name in path), None)


def speed():
    """GFLOP/s of a matrix product."""
    x = torch.ones(1024, 1024)
    seconds = []
    for _ in range(5):
        begin = time.perf_counter()
        x @ x
        seconds.append(time.perf_counter() - begin)
    return 2 * 1024**3 / min(seconds) / 1e9


def main():
    torch.set_num_threads(2)
    tensors, settings = read(sys.argv[1])
    print(json.dumps({"torch": torch.__version__, "blas": blas(), "gigaflops": speed()}), flush=True)
    trainers = {}
    for line in sys.stdin:
        way = line.strip()
        method, *shortened = way.split()
        if way not in trainers:
            trainers[way] = Trainer(tensors, settings["config"], settings["retention"], bool(shortened))
        begin = time.perf_counter()
        if method == "stream":
            found = {"memory": trainers[way].stream().flatten().tolist()}
        else:
            found = {"loss": trainers[way].step(method)}
        print(json.dumps({**found, "seconds": time.perf_counter() - begin}), flush=True)


main()
