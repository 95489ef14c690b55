"""The textbook network: a window is read by recurrent layers, and the last state says what comes.

Letters: B windows, L steps of each, H hidden, D directions, K horizon, C classes.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmarks.lab.settings import Settings
from foregate.models.attention import make_attention
from foregate.models.cell_spec import RETAINED, ForgetGate
from foregate.models.cells import fused
from foregate.models.dropout import drop, read, recurrent_masks
from foregate.models.forget import set_forget_bias

__all__ = ["Textbook", "gate_of"]

State = tuple[Tensor, Tensor] | Tensor


def gate_of(forget: str, lookback: int) -> ForgetGate | None:
    """How a forget gate begins, by its word in `Settings`; None for torch's own."""
    if forget == "torch":
        return None
    if forget == "chrono":
        return ForgetGate(chrono=lookback)
    return next((ForgetGate(preset=name) for name in RETAINED if name == forget), None) or ForgetGate(
        value=float(forget)
    )


class Textbook(nn.Module):
    """Recurrent layers upon one another, and linear weights from the last state to K outputs.

    Args:
        settings: what it is made of.
        hidden: H.
        lookback: L.
        outputs: K steps, or C classes.
    """

    def __init__(self, settings: Settings, hidden: int, lookback: int, outputs: int) -> None:
        super().__init__()
        self.settings, self.outputs = settings, outputs
        wide = hidden * (2 if settings.bidirectional else 1)
        self.layers = nn.ModuleList(
            fused(settings.cell, wide if i else 1, hidden, bidirectional=settings.bidirectional)
            for i in range(settings.layers)
        )
        self.attention, self.decoder = None, None
        if settings.attention is not None:
            self.attention = make_attention(settings.attention, wide, 1, lookback)
        if settings.strategy == "seq2seq":
            self.decoder = fused(settings.cell, 1, hidden)
        gate = gate_of(settings.forget, lookback)
        if gate is not None and settings.cell in ("lstm", "gru"):
            set_forget_bias(self, gate)
        said = outputs if settings.strategy == "direct" else 1
        self.out = nn.Linear(wide * (2 if self.attention is not None else 1), said)

    def forward(self, x: Tensor, target: Tensor | None = None) -> Tensor:
        """Windows (B, L) to what is said (B, K); a decoder is fed the `target` (B, K) where it is given.

        A network that is fed back says its next step alone where the target is given, (B, 1).
        """
        z, states = self._read(x.unsqueeze(-1))
        if self.settings.strategy == "direct":
            return self.out(self._seen(z))
        if self.decoder is not None:
            return self._written(x[:, -1:], states[-1], target)
        first = self.out(self._seen(z))
        return first if target is not None else self._fed_back(first, states)

    def _read(self, z: Tensor, before: list[State] | None = None) -> tuple[Tensor, list[State]]:
        """The last layer's outputs (B, L, D·H), and every layer's state; gradients go back `truncate` steps."""
        cut = self.settings.truncate
        if before is None and cut is not None and cut < z.shape[1]:
            with torch.no_grad():
                early, before = self._read(z[:, :-cut])
            late, states = self._read(z[:, -cut:], before)
            return torch.cat([early, late], 1), states
        after = []
        for i, layer in enumerate(self.layers):
            x = drop(z, self.settings.dropout, training=self.training) if i else z
            masks = recurrent_masks(layer, self.settings.recurrent_dropout)
            z, state = read(layer, x, None if before is None else before[i], masks)
            after.append(state)
        return z, after

    def _seen(self, z: Tensor) -> Tensor:
        """The last state (B, D·H), forwards at the end and backwards at the beginning; and what it looks at."""
        last = z[:, -1]
        if self.settings.bidirectional:
            forwards, backwards = last.shape[-1] // 2, z[:, 0]
            last = torch.cat([last[:, :forwards], backwards[:, forwards:]], -1)
        last = drop(last, self.settings.dropout, training=self.training)
        if self.attention is None:
            return last
        there = torch.ones(z.shape[:2], dtype=torch.bool)
        return torch.cat([last, self.attention.attend(last, z, there).context], -1)

    def _fed_back(self, first: Tensor, states: list[State]) -> Tensor:
        said = [first]
        while len(said) < self.outputs:
            z, states = self._read(said[-1].unsqueeze(-1), states)
            said.append(self.out(z[:, -1]))
        return torch.cat(said, 1)

    def _written(self, last: Tensor, state: State, target: Tensor | None) -> Tensor:
        assert self.decoder is not None
        if target is not None:
            z, _ = self.decoder(torch.cat([last, target[:, :-1]], 1).unsqueeze(-1), state)
            return self.out(z).squeeze(-1)
        said = []
        for _ in range(self.outputs):
            z, state = self.decoder(last.unsqueeze(-1), state)
            last = self.out(z[:, -1])
            said.append(last)
        return torch.cat(said, 1)
