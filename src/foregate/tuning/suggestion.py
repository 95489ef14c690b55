"""What is suggested, with all that it rests on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from foregate.data.dependence import LagEvidence
from foregate.data.later import pl
from foregate.data.seasons import SeasonEvidence
from foregate.forecaster import Forecaster
from foregate.tuning.lengths import Way
from foregate.tuning.lookbacks import LookbackScore
from foregate.tuning.rates import RateCurve
from foregate.tuning.sizes import Setting, differing

if TYPE_CHECKING:
    import polars

__all__ = ["Suggestion"]


@dataclass(frozen=True)
class Suggestion:
    """Settings for a panel, the reasons, and the numbers behind them."""

    horizon: int
    """Steps ahead that it is for."""
    lookback: int
    """Rows of the past that a network with a window, or with attention, should have."""
    model: str | None
    """Which network, as `foregate.Forecaster` takes it; None for the universal one, which carries its state over the
    whole history and needs no length."""
    reason: str
    """Why that length, and that network."""
    settings: tuple[Setting, ...]
    """Sizes, and the learning rate."""
    seasons: tuple[int, ...]
    """Lengths in steps, shortest first."""
    season_evidence: tuple[SeasonEvidence, ...]
    """What the data says of each."""
    lags: LagEvidence | None
    """Autocorrelation, partial autocorrelation and mutual information; None where the data is too short."""
    ways: tuple[Way, ...]
    """What each way of looking says of the length."""
    scores: tuple[LookbackScore, ...]
    """Lengths that were tried out, best first; none where nothing was to be trained."""
    rates: RateCurve | None
    """The range test of the learning rate, if one was made."""
    held_back: int
    """Rows at the end of each series that nothing of this has seen."""
    seed: int
    """Of permutations and networks."""
    notes: tuple[str, ...] = ()
    """What else to know."""

    @property
    def options(self) -> dict[str, float | int]:
        """What differs from what a fit decides by itself, as `Forecaster(options=…)` takes it."""
        return differing(self.settings)

    def forecaster(self) -> Forecaster:
        """A forecaster with everything that is suggested, to be fitted."""
        return Forecaster(
            self.horizon, model=self.model, season_length=self.seasons, seed=self.seed, options=self.options or None
        )

    def frames(self) -> dict[str, polars.DataFrame]:
        """The numbers as tables: one per way, one of the tried lengths, the range test and the settings."""
        curves = () if self.lags is None else self.lags.curves
        frames = {curve.name.replace(" ", "_"): curve.frame() for curve in curves}
        frames["seasonality"] = _table(self.season_evidence, SeasonEvidence)
        frames["lengths"] = _table(self.ways, Way)
        frames["lookbacks"] = _table(self.scores, LookbackScore)
        if self.rates is not None:
            frames["rates"] = self.rates.frame()
        frames["settings"] = _table(self.settings, Setting)
        return frames

    def to_dict(self) -> dict[str, Any]:
        """All of it in plain Python types, ready for JSON; what is infinite is None."""
        return {
            "horizon": self.horizon,
            "lookback": self.lookback,
            "model": self.model,
            "season_length": list(self.seasons),
            "options": self.options,
            "reason": self.reason,
            "held_back": self.held_back,
            "seed": self.seed,
            "rate": None if self.rates is None else {"at": self.rates.suggestion, "rises_at": self.rates.ceiling},
            "notes": list(self.notes),
            **{name: [_plain(row) for row in frame.to_dicts()] for name, frame in self.frames().items()},
        }


def _table(rows: tuple[Any, ...], kind: Any) -> polars.DataFrame:
    names = [each.name for each in fields(kind)]
    plain = [asdict(row) for row in rows]
    return pl.DataFrame({name: pl.Series(name, [row[name] for row in plain], strict=False) for name in names})


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in row.items()}
