"""What is chosen of the textbook network and its training. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Settings"]


@dataclass(frozen=True)
class Settings:
    """A network that reads a window of the last values, as tutorials have it."""

    cell: str = "lstm"
    """One of `foregate.models.cell_spec.CELLS`."""
    layers: int = 1
    bidirectional: bool = False
    attention: str | None = None
    """How the last state looks at those of the whole window; None for not at all."""
    forget: str = "1"
    """How the forget gate begins: a bias, ``torch`` for torch's own, ``chrono``, or the name of a preset."""
    strategy: Literal["direct", "recursive", "seq2seq"] = "direct"
    """All steps ahead at once, one step fed back, or a decoder that writes them one after the other."""
    lookback: int | None = None
    """L, values of a window; None: what suits the data."""
    scaling: Literal["causal", "standard", "minmax"] = "causal"
    """By the window's own mean and deviation; by those of the series' training part; by its range to 0 … 1."""
    hidden: int | None = None
    """H; None: that of the scale."""
    batch: int = 32
    """Windows of a step."""
    rate: float = 1e-2
    """Of AdamW at first; it falls in a straight line to nothing."""
    length: float = 1.0
    """Of training, as a multiple of what is usual."""
    dropout: float = 0.0
    """Of what the layers hand on, and of the last state."""
    recurrent_dropout: float = 0.0
    decay: float = 0.0
    """Of weights."""
    jitter: float = 0.0
    """Standard deviation of noise added to scaled windows, and of the logarithm of a factor for each."""
    early: bool = False
    """Whether the last sixth of the training part is held out to stop by, and the best weights are kept."""
    truncate: int | None = None
    """Steps that gradients go back; None for all."""
    share: float = 1.0
    """Of the training rows that are used, the newest."""

    def steps(self, usual: int) -> int:
        """Of training: as many windows are read, whatever the batch."""
        return max(1, round(usual * self.length * 32 / self.batch))
