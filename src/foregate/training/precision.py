"""Which arithmetic a network is trained in, where nobody has said."""

from __future__ import annotations

import torch

from foregate.models.network import Network
from foregate.training.options import Arithmetic, Precision

__all__ = ["arithmetic"]

LEAST_HIDDEN = 32
"""Narrower layers gain little or nothing from half precision."""


def arithmetic(asked: Precision, network: Network) -> Arithmetic:
    """What the options ask for; where they leave it open, whichever is the quicker one here.

    That is bfloat16 for LSTMs from 32 units on, where the processor multiplies matrices of it in tiles (AMX): 1.4 times
    quicker with 32 units, twice with 96, three times with 256. Instructions for vectors of it alone (AVX-512) make
    training slower, not quicker, and other cells have no kernel of their own.

    Args:
        asked: of the options.
        network: where it is to be trained.

    Examples:
        >>> from foregate.models.network import NetworkSpec, make_network
        >>> arithmetic("auto", make_network(NetworkSpec(5, 6, 2, (0.5,), hidden=8)))
        'float32'
    """
    if asked != "auto":
        return asked
    spec = network.spec
    able = network.device.type == "cpu" and spec.built.cell == "lstm" and spec.hidden >= LEAST_HIDDEN
    return "bfloat16" if able and _has_tiles() else "float32"


def _has_tiles() -> bool:
    """Whether the processor multiplies matrices of bfloat16; no, where torch is too old to say."""
    known: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(known.get("amx_bf16", False))
