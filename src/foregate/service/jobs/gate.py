"""Whether a challenger becomes champion: it must have been better where neither had seen the answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["LEAST", "Verdict", "judge"]

FloatArray = NDArray[np.float64]

LEAST = 10
"""From errors at fewer times nothing can be said."""
CONFIDENCE = 0.99
WAVES = 0.25
"""So many slow waves are looked at for each time to the power of 2/3."""


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


def judge(challenger: FloatArray, opponents: Mapping[str, FloatArray], *, margin: float) -> Verdict:
    """Compare errors of forecasts of the same times, one with another.

    The challenger must be better than each opponent by the margin, and not by chance: with a confidence of 99 % the
    ratio of the mean errors lies below 1 - margin. Errors of neighbouring times are alike, so that many of them say
    little more than a few: see `_compared`.

    Args:
        challenger: (T,) mean error of all forecasts of a time, in order of time; NaN where nothing came, infinite where
            a forecast was no number.
        opponents: name -> (T,) errors at the same times.
        margin: share of an opponent's error that must be saved.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> there = rng.gamma(4, size=60)
        >>> judge(0.8 * there, {"champion": there}, margin=0.02).promote
        True
        >>> judge(there, {"champion": there}, margin=0.02).promote
        False
    """
    both = ~np.isnan(np.stack([challenger, *opponents.values()])).any(0)
    own = challenger[both]
    if len(own) < LEAST:
        reason = f"rejected: the comparison must rest on at least {LEAST} rows, but got {len(own)}"
        return Verdict(False, reason, {}, {})
    ratios, bounds = {}, {}
    for name, errors in opponents.items():
        ratios[name], bounds[name] = _compared(own, errors[both])
    missed = [name for name in opponents if not bounds[name] < 1 - margin]
    told = "; ".join(f"{ratios[name]:.3f} of {name}'s error, below {bounds[name]:.3f}" for name in opponents)
    verb = "promoted" if not missed else "rejected"
    why = f"{verb}: {told} with {CONFIDENCE:.0%} confidence, {1 - margin:.3f} needed, on {len(own)} rows"
    return Verdict(not missed, why, ratios, bounds)


def _compared(own: FloatArray, theirs: FloatArray) -> tuple[float, float]:
    """The ratio of the mean errors, and what it is below.

    How far the mean of values that resemble their neighbours may be off by chance is what their slowest waves say: the
    fewer of these are looked at, the more alike neighbours may be, and the wider is the bound, which is Student's with
    as many degrees of freedom as there are waves. Blocks that are drawn anew, the usual way, need many of them: of a
    few dozen rows they promoted a third of challengers that were as good as the champion.

    Source: Lazarus, Lewis, Stock and Watson, "HAR inference: recommendations for practice" (2018).
    """
    from scipy.stats import t  # only who trains judges

    if not np.isfinite(own).all() or not theirs.mean() > 0:
        return float("inf"), float("inf")
    if not np.isfinite(theirs).all():
        return 0.0, 0.0
    n = len(own)
    ratio = own.mean() / theirs.mean()
    waves = np.arange(1, max(2, round(WAVES * n ** (2 / 3))) + 1)
    slow = np.sqrt(2 / n) * np.cos(np.pi * np.outer(waves, np.arange(n) + 0.5) / n) @ (own - ratio * theirs)
    off = np.sqrt((slow**2).mean() / n) / theirs.mean()
    bound = float(ratio + t.ppf(CONFIDENCE, len(waves)) * off)
    return float(ratio), bound if np.isfinite(bound) else float("inf")
