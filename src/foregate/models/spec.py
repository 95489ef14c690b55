"""Sizes of the network, for those who make it and those who only run it. No torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from foregate.core import Manner, UsageError, at_least
from foregate.models.architecture import Architecture

__all__ = ["NetworkSpec"]


@dataclass(frozen=True)
class NetworkSpec:
    """Sizes of a network, and what it is made of."""

    n_features: int
    """F, width of the encoder's input."""
    n_steps: int
    """S, width of what the decoder sees of one horizon step."""
    n_profiles: int
    """P, candidate paths that the decoder opens gates to."""
    levels: tuple[float, ...]
    """Q probabilities of what it says of a step, ascending, the median in the middle."""
    hidden: int = 96
    """H, units of each recurrent layer."""
    decoder: int = 64
    """D, width of the decoder."""
    built: Architecture = field(default_factory=Architecture)
    """What it is made of."""

    def __post_init__(self) -> None:
        for name in ("n_features", "n_steps", "n_profiles", "hidden", "decoder"):
            at_least(1, **{name: getattr(self, name)})
        rising = all(0 < low < high < 1 for low, high in pairwise((*self.levels, 1 - 1e-12)))
        if not rising or len(self.levels) % 2 == 0 or self.levels[len(self.levels) // 2] != 0.5:
            raise UsageError(
                f"levels must rise from 0 to 1 with the median in the middle, but got {self.levels}. Give as many "
                "below it as above."
            )

    @property
    def manner(self) -> Manner:
        """How it forecasts, for whoever asks it."""
        built = self.built
        return Manner(self.levels, built.head, built.strategy, built.reach, built.draws)

    @property
    def keeps_memory(self) -> bool:
        """Whether a state holds past states for a decoder that looks at them at every step."""
        return self.built.strategy == "seq2seq" and self.built.attention is not None

    @property
    def carries(self) -> int:
        """C, numbers of a series that are carried on."""
        built, H = self.built, self.hidden
        if built.windowed:
            one = built.rows_back * (self.n_features + 1)
        else:
            one = (2 if built.cell == "lstm" else 1) * sum(built.dilations) * H + built.rows_back * (H + 1)
        return one * self._networks

    @property
    def width(self) -> int:
        """W, numbers of a state: H, and the past states where a decoder looks at them."""
        H, L = self.hidden, self.built.rows_back
        return (H + L * (H + 1) if self.keeps_memory else H) * self._networks

    @property
    def _networks(self) -> int:
        """How many networks stand side by side."""
        return (self.built.reach or 1) if self.built.strategy == "each" else 1
