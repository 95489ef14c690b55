"""A version of a model, loaded: ready to forecast."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from foregate.core import Frequency, Panel
from foregate.core.errors import UsageError
from foregate.data.columns import ColumnSpec
from foregate.data.inputs import InputSpec
from foregate.forecasting.fitted import Fitted
from foregate.persistence import load_model
from foregate.persistence.shipped import is_start, read_start
from foregate.pipeline.calibration import no_calibration
from foregate.pipeline.instant import untold
from foregate.pipeline.plan import plan_window
from foregate.pipeline.prepare import USUAL_CHANGE, season_pair
from foregate.pipeline.recipe import Recipe

if TYPE_CHECKING:
    from foregate.service.registry.registry import Version

__all__ = ["Ready", "Seasons", "open_ready"]

Seasons = tuple[int, ...]
"""None, one or two season lengths in rows, the shorter one first."""
HORIZON = 24
"""Of the universal network where nobody says one."""
KEPT = 64
"""Forecasters of a universal network that are kept, by frequency and seasons."""
WARM_ROWS = 32


class Ready:
    """A version that is loaded.

    Args:
        version: what it is called.
        fitted: the model; of a universal one the network is taken, and nothing else.
        freq: of the series that it was trained on; None for a universal model.
    """

    def __init__(self, version: Version, fitted: Fitted, freq: Frequency | None) -> None:
        self.version, self.freq = version, freq
        self._fitted = fitted
        self._made: OrderedDict[tuple[str | int, Seasons | None], Fitted] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def universal(self) -> bool:
        """Whether it forecasts series of any frequency and season."""
        return self.freq is None

    @property
    def columns(self) -> tuple[ColumnSpec, ...]:
        """The covariates that it must be given."""
        return self._fitted.spec.columns

    def fitted(self, freq: Frequency | str | int, season_length: int | Sequence[int] | None = None) -> Fitted:
        """The forecaster of series of a frequency and seasons.

        Args:
            freq: step between rows.
            season_length: in rows, one or a short and a long one; None: those that usually go with the frequency. A
                trained model knows its own.

        Raises:
            UsageError: the model was trained on another frequency, or the seasons are none.
        """
        freq = Frequency.parse(freq)
        if self.freq is not None:
            if freq != self.freq:
                raise UsageError(
                    f"freq must be {self.freq.alias!r}, that of the series that {self.version.model!r} was trained on, "
                    f"but got {freq.alias!r}. Ask a model that was trained on such series, or a pretrained one."
                )
            return self._fitted
        seasons = None if season_length is None else tuple(np.atleast_1d(season_length).tolist())
        key = freq.alias, seasons
        with self._lock:
            made = self._made.pop(key, None)
            made = self._make(freq, seasons) if made is None else made
            self._made[key] = made
            if len(self._made) > KEPT:
                self._made.popitem(last=False)
        return made

    def _make(self, freq: Frequency, seasons: Seasons | None) -> Fitted:
        pair = season_pair(freq.seasons() if seasons is None else seasons)
        spec = InputSpec(pair, self._fitted.spec.recent, plan_window(pair))
        return replace(self._fitted, spec=spec)


def open_ready(version: Version, folder: Path) -> Ready:
    """Load a version with ONNX Runtime, and let it forecast once, so that the first request does not wait for that.

    Args:
        version: what it is called.
        folder: of a model, or of a pretrained network as the package has them.

    Raises:
        ArtifactError: the files are damaged, or of another version of the program.
    """
    if is_start(folder):
        start = read_start(folder, runtime="onnx")
        fitted, freq = untold(Recipe(HORIZON, (), "instant", recent=start.recent), Frequency.parse(1), start), None
    else:
        artifact = load_model(folder, runtime="onnx")
        fitted, freq = artifact.fitted, artifact.history.freq
        if artifact.recipe.effort == "instant":  # what was read of its history says nothing of other series
            fitted, freq = replace(fitted, calibration=no_calibration(), typical_scale=USUAL_CHANGE), None
    ready = Ready(version, fitted, freq)
    _warm(ready)
    return ready


def _warm(ready: Ready) -> None:
    if ready.columns:
        return
    freq = ready.freq or Frequency.parse(1)
    ready.fitted(freq).forecast(Panel.from_arrays([np.arange(1.0, WARM_ROWS)], freq=freq), 1, (0.5,))
