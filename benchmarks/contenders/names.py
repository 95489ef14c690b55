"""Everyone who can be compared, by name."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any, Literal

__all__ = ["CONTENDERS", "Contender", "contender"]

Kind = Literal["own", "statistical", "recurrent", "other"]


@dataclass(frozen=True)
class Contender:
    """A forecaster, and where it comes from."""

    library: str
    """Its package."""
    module: str
    """Of this folder, with `answer(job, settings, seed)`."""
    kind: Kind
    """Foregate's own, or of which peers it is."""
    settings: dict[str, Any] = field(default_factory=dict)
    """What that is told."""

    @property
    def peer(self) -> bool:
        """Whether it runs in the environment of the peers, not in the project's own."""
        return self.kind != "own"


def _own(**settings: Any) -> Contender:
    return Contender("foregate", "own", "own", settings)


def _classical(*models: str) -> Contender:
    return Contender("statsforecast", "classical", "statistical", {"models": models})


def _neural(model: str, kind: Kind = "other", **settings: Any) -> Contender:
    return Contender("neuralforecast", "neural", kind, {"model": model, **settings})


CONTENDERS = {
    "instant": _own(effort="instant"),
    "fast": _own(effort="fast"),
    "standard": _own(effort="standard"),
    "best": _own(effort="best"),
    "SeasonalNaive": _classical("SeasonalNaive"),
    "AutoETS": _classical("AutoETS"),
    "AutoTheta": _classical("AutoTheta"),
    "AutoCES": _classical("AutoCES"),
    "statistical median": _classical("AutoETS", "AutoTheta", "AutoCES"),
    "neuralforecast LSTM": _neural("LSTM", "recurrent"),
    "neuralforecast GRU": _neural("GRU", "recurrent"),
    "neuralforecast NHITS": _neural("NHITS"),
    "neuralforecast PatchTST": _neural("PatchTST"),
    # https://nixtlaverse.nixtla.io/neuralforecast/docs/tutorials/longhorizon_nhits.html, for ETTm2: the first choice of
    # each of the lists that it searches, which are of one entry but for two.
    "neuralforecast NHITS as documented": _neural(
        "NHITS",
        inputs=5,
        batch_size=7,
        windows_batch_size=256,
        n_pool_kernel_size=[2, 2, 2],
        n_freq_downsample=[168, 24, 1],
    ),
    # https://nixtlaverse.nixtla.io/neuralforecast/docs/tutorials/longhorizon_transformers.html, for ETTm2.
    "neuralforecast PatchTST as documented": _neural("PatchTST", inputs=1, early_stop_patience_steps=3),
    "darts LSTM": Contender("darts", "darts_rnn", "recurrent", {"model": "LSTM"}),
    "darts GRU": Contender("darts", "darts_rnn", "recurrent", {"model": "GRU"}),
    "gluonts DeepAR": Contender("gluonts", "deepar", "recurrent"),
    "Prophet": Contender("prophet", "prophet_alone", "statistical"),
}


def contender(name: str) -> Contender:
    """One of the list, or one of Foregate's efforts with options: ``standard, start=scratch, model=student-t``.

    With ``history=96``, forecasts are made from the last 96 rows before each origin alone; the fit is the same. With
    ``refit=true``, it is fitted anew at every origin.
    """
    first, *options = (part.strip() for part in name.split(","))
    if first not in CONTENDERS:
        raise ValueError(f"a contender must be one of {', '.join(CONTENDERS)}, but got {first!r}")
    known = CONTENDERS[first]
    if not options:
        return known
    if known.peer:
        raise ValueError(f"{first} must be without options, but got {', '.join(options)}")
    given = {key: _value(text) for key, text in (option.split("=", 1) for option in options)}
    beside = {name: given.pop(name) for name in ("model", "history", "refit") if name in given}
    return replace(known, settings={**known.settings, **beside, "options": given})


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
