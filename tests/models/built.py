"""Small networks of every kind, for laws that hold whatever they are made of."""

from itertools import product

import torch

from foregate.models.architecture import ENCODERS, WINDOWED, Architecture
from foregate.models.cell_spec import CELLS
from foregate.models.decoders import Ahead
from foregate.models.network import NetworkSpec, make_network

B, T, F, S, P, H = 3, 11, 7, 6, 3, 8
LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
REACH = 5
CHUNKS = [(11,), (1,) * 11, (4, 7), (10, 1)]
CLOSE = {"rtol": 1e-5, "atol": 1e-6}


def built(encoder="residual", *, strategy="parallel", attention=None, **others):
    """An architecture with the numbers that its parts ask for."""
    given = {
        "dilations": (1, 3) if encoder == "dilated" else (1, 1),
        "rows_back": 6 if attention or encoder in WINDOWED else 0,
        "patch": 2 if encoder == "patched" else 1,
        "reach": REACH if strategy in ("direct", "each", "seq2seq") else None,
    }
    return Architecture(encoder=encoder, strategy=strategy, attention=attention, **(given | others))


READERS = {f"{cell} {encoder}": built(encoder, cell=cell) for cell, encoder in product(CELLS, ENCODERS)}
READERS |= {
    "far": built("dilated", dilations=(2, 5, 1)),
    "one layer": built(dilations=(1,)),
    "looks back": built(attention="dot"),
    "looks back, dilated": built("dilated", cell="gru", attention="multi-head", rows_back=4),
}
"""Encoders of every kind."""
KINDS = READERS | {
    "direct": built(strategy="direct"),
    "each": built("patched", strategy="each", head="student-t"),
    "each looks back": built(strategy="each", attention="additive", cell="gru"),
    "written": built(strategy="seq2seq", head="gaussian"),
    "written, looks back": built(strategy="seq2seq", attention="general", cell="gru"),
    "recursive counts": built("stacked", strategy="recursive", head="negative-binomial"),
    "mixture": built(head="mixture", components=2),
    "point": built(head="point", point_loss="huber"),
}
"""Networks of every kind."""


def make(architecture=None, *, seed=0, spread=1.0, **sizes):
    """A network with random weights, `spread` times as large as usual."""
    given = {"levels": LEVELS, "hidden": H, "decoder": 5} | sizes
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = make_network(NetworkSpec(F, S, P, **given, built=architecture or Architecture()))
    for parameter in network.parameters():
        parameter.data *= spread
    return network.eval()


def numbers(*shape, seed=0, size=1.0):
    """Numbers of a normal distribution."""
    return size * torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def every(x):
    """The columns (B, T) of all steps."""
    return torch.arange(x.shape[1]).expand(len(x), -1)


def ahead(k=REACH, *, n=B, seed=0, size=1.0, came=None):
    """Made-up steps 1 to k after n origins."""
    given = numbers(n, k, S, seed=seed, size=size), numbers(n, k, P, seed=seed + 1, size=size)
    return Ahead(torch.arange(1, k + 1), *given, came)


def in_pieces(read, x, chunks, carried=None):
    """What `read` gives at every step of x, piece after piece, and what is carried after the last one."""
    states = []
    for piece in x.split(chunks, 1):
        found, carried = read(piece, every(piece), carried)
        states.append(found)
    return torch.cat(states, 1), carried
