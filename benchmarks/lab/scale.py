"""How large the runs of the lab are."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["SCALES", "Scale"]


@dataclass(frozen=True)
class Scale:
    """Sizes that every claim's runs share."""

    seeds: int
    """Each draws first weights, batches, and which series or stretch of the data are used."""
    cheap_seeds: int
    """Of claims whose runs take a second."""
    steps: int
    """Of training the textbook network, for batches of 32."""
    own_steps: int
    """Of training Foregate's network at most."""
    hidden: int
    """H, units of a layer."""
    series: int
    """Of a panel at most."""
    rows: int
    """Of a series that are trained on at most."""
    origins: int
    """Forecasts of each series that are judged."""
    repeats: int
    """Of a timed step of each contender."""
    lengths: tuple[int, ...]
    """Steps of the sequences whose cost is measured."""
    trials: int
    """Of a search."""
    rivals: int
    """Series that methods are compared on which estimate each one anew."""


SCALES = {
    "tiny": Scale(2, 2, 3, 2, 4, 3, 260, 2, 2, (4, 8), 2, 2),
    "small": Scale(3, 4, 400, 150, 32, 20, 1_200, 16, 15, (100, 200, 500, 1_000, 2_000), 12, 6),
    "full": Scale(5, 10, 2_000, 1_000, 64, 100, 4_000, 40, 50, (100, 200, 500, 1_000, 2_000), 50, 30),
}
"""To see that everything runs, in seconds; what docs/lab.md shows, an hour of one core; and a day or two of it."""
