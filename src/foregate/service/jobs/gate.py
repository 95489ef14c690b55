"""Whether a challenger becomes champion: it must have been better where neither had seen the answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["LEAST_ORIGINS", "Verdict", "judge"]

FloatArray = NDArray[np.float64]

LEAST_ORIGINS = 10
"""From fewer forecasts nothing can be said."""
DRAWS = 2000
CONFIDENCE = 0.99


@dataclass(frozen=True)
class Verdict:
    """What a comparison came to."""

    promote: bool
    reason: str
    """One sentence for people."""
    ratios: Mapping[str, float]
    """Opponent -> error of the challenger by its own."""
    bounds: Mapping[str, float]
    """Opponent -> what that ratio is below, with 99 % confidence."""


def judge(
    challenger: FloatArray, opponents: Mapping[str, FloatArray], *, margin: float, overlap: int = 1, seed: int = 0
) -> Verdict:
    """Compare errors of the same forecasts, one with another.

    The challenger must be better than each opponent by the margin, and not by chance: of blocks of origins that are
    drawn anew, in 99 % the ratio of the mean errors lies below 1 - margin. Errors of forecasts that share targets are
    alike, so that many of them together are one block.

    Args:
        challenger: (W,) error at each origin, in order of time; NaN where there is none.
        opponents: name -> (W,) errors at the same origins.
        margin: share of an opponent's error that must be saved.
        overlap: neighbouring origins whose forecasts share targets.
        seed: of the draws.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> there = rng.gamma(4, size=60)
        >>> judge(0.8 * there, {"champion": there}, margin=0.02).promote
        True
        >>> judge(there, {"champion": there}, margin=0.02).promote
        False
    """
    both = np.isfinite(np.stack([challenger, *opponents.values()])).all(0)
    own = challenger[both]
    if len(own) < LEAST_ORIGINS:
        reason = f"rejected: the comparison must rest on at least {LEAST_ORIGINS} forecasts, but got {len(own)}"
        return Verdict(False, reason, {}, {})
    ratios, bounds = {}, {}
    drawn = _blocks(len(own), max(1, min(2 * overlap, len(own) // 5)), seed)
    for name, errors in opponents.items():
        theirs = errors[both]
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios[name] = _share(own.mean(), theirs.mean())
            each = own[drawn].mean(1) / theirs[drawn].mean(1)
        bounds[name] = float(np.quantile(np.where(np.isnan(each), np.inf, each), CONFIDENCE, method="higher"))
    missed = [name for name in opponents if not bounds[name] < 1 - margin]
    told = "; ".join(f"{ratios[name]:.3f} of {name}'s error, below {bounds[name]:.3f}" for name in opponents)
    verb = "promoted" if not missed else "rejected"
    why = f"{verb}: {told} with {CONFIDENCE:.0%} confidence, {1 - margin:.3f} needed, on {len(own)} forecasts"
    return Verdict(not missed, why, ratios, bounds)


def _share(own: float, theirs: float) -> float:
    return float(own / theirs) if theirs > 0 else float("inf")


def _blocks(n: int, size: int, seed: int) -> NDArray[np.int64]:
    """(DRAWS, about n) places, in blocks of neighbours."""
    rng = np.random.default_rng(seed)
    begins = rng.integers(0, n - size + 1, (DRAWS, -(-n // size)))
    found: NDArray[np.int64] = (begins[..., None] + np.arange(size)).reshape(DRAWS, -1)
    return found
