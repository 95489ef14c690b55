"""Sizes of the network, for those who make it and those who only run it. No torch."""

from __future__ import annotations

from dataclasses import dataclass

from foregate.core import UsageError, at_least

__all__ = ["NetworkSpec"]


@dataclass(frozen=True)
class NetworkSpec:
    """Shape of the network."""

    n_features: int
    """F, width of the encoder's input."""
    n_steps: int
    """S, width of what the decoder sees of one horizon step."""
    n_profiles: int
    """P, candidate paths that the decoder gates."""
    n_quantiles: int
    """Q, odd: the median is the middle one."""
    hidden: int = 96
    """H, units of each LSTM layer."""
    layers: int = 2
    """LSTM layers, each added to what it reads."""
    decoder: int = 64
    """D, width of the decoder."""

    def __post_init__(self) -> None:
        at_least(0, n_features=self.n_features, n_steps=self.n_steps, n_profiles=self.n_profiles)
        at_least(1, n_quantiles=self.n_quantiles, hidden=self.hidden, layers=self.layers, decoder=self.decoder)
        if self.n_quantiles % 2 == 0:
            raise UsageError(
                f"n_quantiles must be odd, but got {self.n_quantiles}. Give as many levels below the median as above."
            )

    def weights(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of every parameter."""
        H, D, read = self.hidden, self.decoder, self.hidden + self.n_features
        shapes: dict[str, tuple[int, ...]] = {"inputs.weight": (H, self.n_features), "inputs.bias": (H,)}
        for i in range(self.layers):
            shapes |= {f"lstms.{i}.weight_{kind}_l0": (4 * H, H) for kind in ("ih", "hh")}
            shapes |= {f"lstms.{i}.bias_{kind}_l0": (4 * H,) for kind in ("ih", "hh")}
        out = self.n_profiles + self.n_quantiles
        for name, rows, columns in (
            ("state", D, read),
            ("step", D, self.n_steps),
            ("mid", D, D),
            ("again", D, read),
            ("out", out, D),
        ):
            shapes[f"{name}.weight"] = (rows, columns)
            if name != "again":
                shapes[f"{name}.bias"] = (rows,)
        return shapes
