"""Golden values of RMAAT's relatives, one sequence at a time and head by head, in double precision.

    python3 scripts/relatives.py test/golden        (PyTorch 1.13 or newer)

Each file holds weights, a batch, and what the model makes of it: logits, the mean loss, every gradient. Causal models answer at
every token, and have a label there or -1; RMAAT itself is here as such a one.
"""
import json, math, struct, sys
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
SIZES = dict(segments=3, segmentLength=5, width=8, heads=2, features=4, layers=2, feedForward=12, vocabulary=9, classes=3)
MODELS = {
    "rmt": dict(attention="softmax", norm="pre", memory=2),
    "rlt": dict(attention="linear", norm="post", memory=2),
    "at": dict(attention="astro", norm="post", alpha=0.25),
    "transformer": dict(attention="softmax", norm="pre"),
    "lru": dict(attention="lru"),
    "s4d": dict(attention="s4d"),
    "mingru": dict(attention="mingru"),
    "gla": dict(attention="gla"),
    "rmaat-causal": dict(attention="astro", norm="post", alpha=0.25, memory=2, causal=True),
    "rmt-causal": dict(attention="softmax", norm="pre", memory=2, causal=True),
    "transformer-causal": dict(attention="softmax", norm="post", causal=True),
    "gla-causal": dict(attention="gla", causal=True),
}
STATE_SPACE = ("lru", "s4d")
RECURRENT = (*STATE_SPACE, "mingru", "gla")
# of 15 tokens: all; the end; a few
LENGTHS = [15, 9, 3, 12]


def phi(x):
    return torch.where(x > 0, x + 1, torch.exp(x))


def rows_of_r(basis, scale, causal):
    """R [N, m] of one head: basis^T basis P basis^T, P_ij = exp(-|i - j| softplus(scale)), causal 0 for j > i."""
    n = basis.shape[1]
    i = torch.arange(n)
    p = torch.exp(-(i[:, None] - i[None, :]).abs() * F.softplus(scale))
    return (basis.T @ basis @ (p.tril() if causal else p) @ basis.T)


def mix(q, k, v, r, c):
    """Queries q [Q, m] of one head over keys and values [N, ...], and the rows of R [N, m]."""
    if c["attention"] == "softmax":
        scores = q @ k.T / math.sqrt(k.shape[1])
        return torch.exp(scores - torch.logsumexp(scores, 1, keepdim=True)) @ v
    hebbian = phi(k).T @ v
    state = phi(k).sum(0)
    if c["attention"] == "astro":
        hebbian = hebbian + phi(r).T @ v
        hebbian = hebbian / len(k) ** (1 - c["alpha"])
        state = state ** c["alpha"]
    return phi(q) @ hebbian / (phi(q) @ state)[:, None]


def attend(x, w, c, present):
    """x [N, d] of one sequence; `present` says which tokens are there."""
    heads, outputs = c["heads"], []
    q, k, v = (torch.chunk(x @ w[name], heads, dim=1) for name in ("wq", "wk", "wv"))
    there = present.nonzero()[:, 0]
    for h in range(heads):
        r = rows_of_r(w["basis"][h], w["scale"], c.get("causal")) if c["attention"] == "astro" else k[h]
        over = lambda q, among: mix(q, k[h][among], v[h][among], r[among], c)
        if c.get("causal"):
            # what comes before the first token is seen by nothing
            row = lambda n: over(q[h][n : n + 1], there[there <= n]) if n >= there[0] else 0 * v[h][:1]
            outputs.append(torch.cat([row(n) for n in range(len(x))]))
        else:
            outputs.append(over(q[h], there))
    return torch.cat(outputs, 1) @ w["wo"]


def layer_norm(x, w):
    centred = x - x.mean(-1, keepdim=True)
    return centred / torch.sqrt((centred ** 2).mean(-1, keepdim=True) + 1e-5) * w["gain"] + w["bias"]


def affine(x, w):
    return x @ w["w"] + w["b"]


def gelu(x):
    return x * (1 + torch.erf(x / math.sqrt(2))) / 2


def blocks(x, w, c, present):
    for own in w["blocks"]:
        feed = lambda z: affine(gelu(affine(z, own["up"])), own["down"])
        if c["norm"] == "post":
            x = layer_norm(attend(x, own, c, present) + x, own["norm1"])
            x = layer_norm(feed(x) + x, own["norm2"])
        else:
            x = x + attend(layer_norm(x, own["norm1"]), own, c, present)
            x = x + feed(layer_norm(x, own["norm2"]))
    return layer_norm(x, w["final"]) if c["norm"] == "pre" else x


def unit(x, w):
    """Linear recurrent unit, x [N, d]: one step after another, in complex numbers."""
    d = x.shape[1]
    nu, theta, gamma = w["modes"]
    decay = torch.exp(torch.complex(-torch.exp(nu), torch.exp(theta)))
    into = torch.complex(w["into"][:, :d], w["into"][:, d:])
    out = torch.complex(w["out"][:d], -w["out"][d:])
    state, outputs = torch.zeros(d, dtype=torch.complex128), []
    for row in x:
        state = decay * state + torch.exp(gamma) * (row.to(into.dtype) @ into)
        outputs.append((state @ out).real + w["skip"] * row)
    return torch.stack(outputs)


def system(x, w):
    """S4D, x [N, d], channel by channel: a convolution with its kernel, in complex numbers."""
    n = torch.arange(len(x))
    a = torch.complex(-torch.exp(w["modes"][0]), w["modes"][1])
    outputs = []
    for channel in range(x.shape[1]):
        step, own = torch.exp(w["delta"][channel]), a[channel]
        c = torch.complex(w["out"][0, channel], w["out"][1, channel]) * (torch.exp(step * own) - 1) / own
        kernel = 2 * (c[:, None] * torch.exp(step * own[:, None] * n)).real.sum(0)
        mixed = torch.stack([(kernel[: t + 1].flip(0) * x[: t + 1, channel]).sum() for t in n])
        outputs.append(mixed + w["skip"][channel] * x[:, channel])
    return torch.stack(outputs, 1)


def gated_states(x, w):
    """Minimal GRU, x [N, d], as its log-space form: the state is positive."""
    gate, candidate = torch.chunk(affine(x, w), 2, dim=1)
    log_c = torch.where(candidate >= 0, torch.log(candidate.clamp(min=0) + 0.5), F.logsigmoid(candidate))
    faded = torch.cumsum(F.logsigmoid(-gate), 0)
    return torch.exp(faded + torch.logcumsumexp(F.logsigmoid(gate) + log_c - faded, 0))


def fading(x, w, c):
    """Gated linear attention, x [N, d], head by head and token by token."""
    parts = lambda y: torch.chunk(y, c["heads"], dim=1)
    gates = torch.sigmoid(affine(x @ w["fade"]["in"], w["fade"]["out"])) ** (1 / 16)
    outputs = []
    for q, k, v, g in zip(parts(x @ w["wq"]), parts(x @ w["wk"]), parts(x @ w["wv"]), parts(gates)):
        state, rows = torch.zeros(k.shape[1], v.shape[1]), []
        for t in range(len(x)):
            state = g[t][:, None] * state + k[t][:, None] * v[t][None, :]
            rows.append(q[t] @ state / math.sqrt(k.shape[1]))
        own = torch.stack(rows)
        outputs.append(own / torch.sqrt((own ** 2).mean(1, keepdim=True) + 1e-5) * w["each"]["gain"])
    z = affine(x, w["gate"])
    return (torch.cat(outputs, 1) * z * torch.sigmoid(z)) @ w["wo"]


def recurrent(x, w, c):
    """Layers over the tokens that are there alone."""
    for own in w["blocks"]:
        if c["attention"] in STATE_SPACE:
            mixed = (unit if c["attention"] == "lru" else system)(layer_norm(x, own["norm"]), own)
            value, gate = torch.chunk(affine(gelu(mixed), own["gate"]), 2, dim=1)
            x = x + value * torch.sigmoid(gate)
        else:
            z = layer_norm(x, own["norm1"])
            x = x + (fading(z, own, c) if c["attention"] == "gla" else affine(gated_states(z, own["gates"]), own["out"]))
            x = x + affine(gelu(affine(layer_norm(x, own["norm2"]), own["up"])), own["down"])
    return layer_norm(x, w["final"])


def head(x, w, c):
    """The mean over the tokens that are there, or each of them -> logits."""
    return affine(gelu(affine(x if c.get("causal") else x.mean(0), w["head1"])), w["head2"])


def logits_of(tokens, present, w, c):
    """tokens [T S] of one sequence, padding first; of a causal model the logits of those that are there."""
    if c["attention"] in RECURRENT:
        return head(recurrent(w["embed"][tokens[present]], w, c), w, c)
    slots, length = c.get("memory"), c["segmentLength"]
    if not slots:
        return head(blocks(w["embed"][tokens] + w["position"], w, c, present)[present], w, c)
    memory, answers = w["memory"], []
    live, passed = math.ceil(present.sum().item() / length), 0
    for t in range(c["segments"]):
        ids, here = (x[t * length:(t + 1) * length] for x in (tokens, present))
        if not here.any():
            continue
        seen = torch.cat([torch.ones(slots, dtype=torch.bool), here])
        embedded = torch.cat([memory, w["embed"][ids] + w["position"]])
        if not c.get("causal"):
            x = blocks(embedded, w, c, seen)
            memory = x[:slots]
            continue
        x = blocks(torch.cat([embedded, memory]), w, c, torch.cat([seen, seen[:slots]]))
        answers.append(head(x[slots : slots + length][here], w, c))
        # the retention factor of RMAAT, one cycle of plasticity a segment; the relatives have none
        rho, passed = math.exp(-0.5), passed + 1
        factor = (1 - rho) * rho ** (passed - 1) / (1 - rho ** live) if c["attention"] == "astro" else 1
        memory = factor * x[-slots:]
    return torch.cat(answers) if c.get("causal") else head(x[seen], w, c)


def make(name, c):
    random = torch.Generator().manual_seed(sum(map(ord, name)))
    tensors = {}

    def leaf(path, *shape, around=0.0, spread=0.4):
        tensors[path] = (around + spread * torch.randn(shape, generator=random)).requires_grad_()
        return tensors[path]

    d, m, n = c["width"], c["heads"] * c["features"], c["segments"] * c["segmentLength"]
    linear = lambda path, i, o: dict(w=leaf(f"{path}.w", i, o), b=leaf(f"{path}.b", o))
    norm = lambda path: dict(gain=leaf(f"{path}.gain", d, around=1.0, spread=0.2), bias=leaf(f"{path}.bias", d))
    recurrent = c["attention"] in RECURRENT
    w = dict(embed=leaf("embed", c["vocabulary"], d))
    if not recurrent:
        w.update(position=leaf("position", c["segmentLength"] if "memory" in c else n, d))
    if "memory" in c:
        w["memory"] = leaf("memory", c["memory"], d)
    w["blocks"] = []
    for layer in range(c["layers"]):
        path = f"blocks.{layer}"
        if c["attention"] == "lru":
            own = dict(norm=norm(f"{path}.norm"), modes=leaf(f"{path}.modes", 3, d, around=-1.0), into=leaf(f"{path}.into", d, 2 * d))
            own.update(out=leaf(f"{path}.out", 2 * d, d), skip=leaf(f"{path}.skip", d), gate=linear(f"{path}.gate", d, 2 * d))
            w["blocks"].append(own)
            continue
        if c["attention"] == "s4d":
            modes = lambda name, around: leaf(f"{path}.{name}", 2, d, c["features"], around=around)
            own = dict(norm=norm(f"{path}.norm"), delta=leaf(f"{path}.delta", d, around=-2.0), modes=modes("modes", 1.0), out=modes("out", 0.0))
            own.update(skip=leaf(f"{path}.skip", d), gate=linear(f"{path}.gate", d, 2 * d))
            w["blocks"].append(own)
            continue
        if c["attention"] == "gla":
            own = dict(norm1=norm(f"{path}.norm1"), wq=leaf(f"{path}.wq", d, m), wk=leaf(f"{path}.wk", d, m), wv=leaf(f"{path}.wv", d, d))
            own["wo"] = leaf(f"{path}.wo", d, d)
            fade = leaf(f"{path}.fade.in", d, 16)
            own.update(fade={"in": fade, "out": linear(f"{path}.fade.out", 16, m)})
            own.update(each=dict(gain=leaf(f"{path}.each.gain", d // c["heads"])), gate=linear(f"{path}.gate", d, d))
            own.update(norm2=norm(f"{path}.norm2"), up=linear(f"{path}.up", d, c["feedForward"]), down=linear(f"{path}.down", c["feedForward"], d))
            w["blocks"].append(own)
            continue
        if c["attention"] == "mingru":
            own = dict(norm1=norm(f"{path}.norm1"), gates=linear(f"{path}.gates", d, 2 * d), out=linear(f"{path}.out", d, d))
            own.update(norm2=norm(f"{path}.norm2"), up=linear(f"{path}.up", d, c["feedForward"]), down=linear(f"{path}.down", c["feedForward"], d))
            w["blocks"].append(own)
            continue
        own = dict(wq=leaf(f"{path}.wq", d, m), wk=leaf(f"{path}.wk", d, m), wv=leaf(f"{path}.wv", d, d), wo=leaf(f"{path}.wo", d, d))
        own.update(norm1=norm(f"{path}.norm1"), norm2=norm(f"{path}.norm2"))
        own.update(up=linear(f"{path}.up", d, c["feedForward"]), down=linear(f"{path}.down", c["feedForward"], d))
        if c["attention"] == "astro":
            among = 2 * c["memory"] + c["segmentLength"] if "memory" in c else n
            own.update(basis=leaf(f"{path}.basis", c["heads"], c["features"], among), scale=leaf(f"{path}.scale", around=-2.0))
        w["blocks"].append(own)
    if recurrent or c["norm"] == "pre":
        w["final"] = norm("final")
    w["head1"], w["head2"] = linear("head1", d, d), linear("head2", d, c["classes"])

    rows = len(LENGTHS)
    tokens = torch.randint(1, c["vocabulary"], (rows, n), generator=random)
    valid = torch.stack([torch.arange(n) >= n - length for length in LENGTHS])
    labels = torch.randint(0, c["classes"], (rows,), generator=random)
    answers = [logits_of(tokens[row], valid[row], w, c) for row in range(rows)]
    if c.get("causal"):
        labels = torch.randint(-1, c["classes"], (rows, n), generator=random)
        labels[:, -1] = labels[:, -1].clamp(min=0)
        labels[~valid] = -1
        asked, classes = torch.cat(answers)[labels[valid] >= 0], labels[labels >= 0]
        logits = torch.zeros(rows, n, c["classes"])
        logits[valid] = torch.cat(answers).detach()
    else:
        asked, classes, logits = torch.stack(answers), labels, torch.stack(answers)
    loss = (torch.logsumexp(asked, 1) - asked[torch.arange(len(asked)), classes]).mean()
    loss.backward()
    found = {f"weight.{path}": x for path, x in tensors.items()}
    found.update({f"grad.{path}": x.grad for path, x in tensors.items()})
    lengths = torch.tensor(LENGTHS)
    return found | dict(tokens=tokens, lengths=lengths, labels=labels, logits=logits, loss=loss)


def write(path, tensors, config):
    header, data = {"__metadata__": {"config": json.dumps(config)}}, b""
    for name, x in tensors.items():
        raw = x.detach().contiguous().numpy().tobytes()
        kind = {torch.float64: "F64", torch.int64: "I64"}[x.dtype]
        header[name] = dict(dtype=kind, shape=list(x.shape), data_offsets=[len(data), len(data) + len(raw)])
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


for name, own in MODELS.items():
    config = SIZES | own
    if config["attention"] != "astro":
        config.pop("alpha", None)
    made = make(name, config)
    useless = {"lru": ["heads", "features", "feedForward"], "s4d": ["heads", "feedForward"], "mingru": ["heads", "features"]}.get(name, [])
    kept = {k: v for k, v in config.items() if k not in ["attention", *useless]}
    write(f"{sys.argv[1]}/{name}.safetensors", made, kept)
