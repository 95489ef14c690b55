"""What came of a search."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foregate.core import UsageError
from foregate.core.files import write_atomically
from foregate.data.later import pl
from foregate.forecaster import Forecaster
from foregate.forecaster.given import arguments_of
from foregate.pipeline.recipe import Recipe
from foregate.tuning.dimensions import label
from foregate.tuning.pictures import (
    courses_picture,
    history_picture,
    importance_picture,
    interaction_picture,
    pair_picture,
    slice_picture,
)
from foregate.tuning.space import Point
from foregate.tuning.trial import APART

if TYPE_CHECKING:
    import polars
    from matplotlib.figure import Figure

__all__ = ["FILES", "Gain", "TrialRecord", "Tuning"]

FILES = ("tuning.html", "leaderboard.csv", "importances.csv", "interactions.csv", "tuning.json", "pictures", "model")
"""What a search leaves in its folder."""


@dataclass(frozen=True)
class Gain:
    """What the search brought on the part that was held back, and what it cost.

    Examples:
        >>> print(Gain("mase", 1.0, 0.9, windows=8, trials=20, search_seconds=65, final_seconds=8, chance=0.01))
        On 8 held-back origins per series the winner has mase 0.9 and the default 1: 10.0 % lower (p = 0.01), and takes
        its place.
        20 trials took 65 s, the two at the end and the last fit 8 s.
    """

    measure: str
    """What was to be small."""
    default: float
    """Of the forecaster that the search began with."""
    winner: float
    """Of the best one, by the origins before."""
    windows: int
    """Origins per series that were held back."""
    trials: int
    """That were run, whatever became of them."""
    search_seconds: float
    """All trials together took, in whichever process."""
    final_seconds: float
    """The two scored at the end took, and the last fit."""
    chance: float | None = None
    """How often a winner that is no better than the default would be ahead so clearly on that part, with allowance for
    the winners that were scored there before; None where it cannot be told, or nothing beat the default."""
    taken: bool = True
    """Whether the winner takes the place of the default."""

    @property
    def ratio(self) -> float:
        """Score of the winner by that of the default: below 1 it was better."""
        return self.winner / self.default if self.default else float("nan")

    def __str__(self) -> str:
        """Two sentences."""
        where = f"{self.windows} held-back origin{'s' * (self.windows > 1)} per series"
        if self.winner == self.default:
            said = f"On {where} the default, which nothing beat in the search, has {self.measure} {self.default:.4g}."
        else:
            change = f"{abs(1 - self.ratio):.1%}".replace("%", " %")
            said = (
                f"On {where} the winner has {self.measure} {self.winner:.4g} and the default {self.default:.4g}: "
                f"{change} {'lower' if self.ratio < 1 else 'higher'}{self._verdict()}."
            )
        cost = f"{self.trials} trials took {self.search_seconds:.0f} s, the two at the end and the last fit"
        return f"{said}\n{cost} {self.final_seconds:.0f} s."

    def _verdict(self) -> str:
        """What follows from it."""
        sure = "" if self.chance is None else f" (p = {self.chance:.2g})"
        if self.taken:
            return f"{sure}, and takes its place"
        luck = ", which may be luck" if self.ratio < 1 else ""
        little = " where there is so little to tell by" if luck and self.chance is None else ""
        return f"{sure}{luck}{little}: the default is kept"


@dataclass(frozen=True)
class TrialRecord:
    """One trial of a study.

    Examples:
        >>> TrialRecord(0, "complete", {}, score=0.9, default=True).score
        0.9
    """

    number: int
    """In order of their begin, from 0 on."""
    state: str
    """``complete``, ``pruned``, ``failed`` or ``interrupted``."""
    point: Point
    """Settings that were tried; none for the default."""
    score: float | None = None
    """Where it is complete."""
    default: bool = False
    """Whether it is the forecaster that the search began with."""
    seconds: float | None = None
    """Time that it took, where it came to an end."""
    reason: str = ""
    """Why it is not complete."""
    validation: Mapping[int, float] | None = None
    """Check -> validation score, by which trials are stopped."""


@dataclass(frozen=True)
class Tuning:
    """What came of a search: the best settings, how every trial did, and a model of them."""

    recipe: Recipe
    """The winner, or the default where the winner did not take its place: see `gain`."""
    trials: tuple[TrialRecord, ...]
    """In order of their begin."""
    gain: Gain
    """On the part that was held back: default and winner, and the cost."""
    importance: Mapping[str, float]
    """Setting -> its share of what mattered; empty where trials were too few to tell."""
    interaction: Mapping[tuple[str, str], float]
    """Two settings -> what they explain together beyond one by one."""
    model: Forecaster
    """The recipe, fitted on everything."""
    study: str
    """Where the study is; the same call goes on with it."""
    notes: tuple[str, ...] = ()
    """What the reader should know."""

    @property
    def best(self) -> dict[str, Any]:
        """The recipe's settings as `Forecaster` takes them: ``Forecaster(**tuning.best)``."""
        return arguments_of(self.recipe)

    @property
    def winner(self) -> TrialRecord:
        """The trial with the lowest score; whether it took the place of the default, `gain` tells."""
        complete = [trial for trial in self.trials if trial.score is not None]
        return min(complete, key=lambda trial: (trial.score, trial.number))

    @property
    def leaderboard(self) -> polars.DataFrame:
        """A row per trial, the best first: rank, trial, state, score, seconds, reason, and a column per setting."""
        order = sorted(self.trials, key=lambda t: (t.score is None, t.score if t.score is not None else 0, t.number))
        names = list(dict.fromkeys(name for trial in self.trials for name in trial.point))
        columns: dict[str, Any] = {
            "rank": [i + 1 if trial.score is not None else None for i, trial in enumerate(order)],
            "trial": [trial.number for trial in order],
            "state": ["default" if trial.default and trial.score is not None else trial.state for trial in order],
            "score": [trial.score for trial in order],
            "seconds": [trial.seconds for trial in order],
            "reason": [trial.reason for trial in order],
        }
        schema = {"rank": pl.Int64, "trial": pl.Int64, "score": pl.Float64, "seconds": pl.Float64}
        columns |= {name: _column([trial.point.get(name) for trial in order]) for name in names}
        return pl.DataFrame(columns, schema_overrides=schema)

    @property
    def importances(self) -> polars.DataFrame:
        """A row per setting: its share of what mattered."""
        return pl.DataFrame(
            {"setting": list(self.importance), "importance": list(self.importance.values())},
            schema={"setting": pl.String, "importance": pl.Float64},
        )

    @property
    def interactions(self) -> polars.DataFrame:
        """A row per two settings: what they explain together beyond one by one."""
        rows = [(*pair, value) for pair, value in self.interaction.items()]
        schema = {"first": pl.String, "second": pl.String, "interaction": pl.Float64}
        return pl.DataFrame(rows, schema=schema, orient="row")

    def pictures(self, size: tuple[int, int] | None = None) -> dict[str, Figure]:
        """Name -> figure of matplotlib, of everything that there is something to show of.

        Args:
            size: width and height in pixels at 72 dpi; as suits each if not given.

        Raises:
            MissingExtraError: matplotlib is not installed.
        """
        trials = [trial for trial in self.trials if trial.state != "interrupted"]
        scores = np.array([np.nan if trial.score is None else trial.score for trial in trials])
        default = next((trial.score for trial in trials if trial.default and trial.score is not None), np.nan)
        measure, courses = self.gain.measure, [_course(trial.validation or {}) for trial in trials]
        given: dict[str, Any] = {} if size is None else {"size": size}
        drawn = {"history": history_picture(scores, default, measure, **given)}
        if any(map(len, courses)):
            ended = [trial.state != "pruned" for trial in trials]
            drawn["courses"] = courses_picture(courses, ended, trials.index(self.winner), **given)
        if self.importance:
            drawn["importances"] = importance_picture(self.importance, **given)
        if self.interaction:
            drawn["interactions"] = interaction_picture(self.interaction, **given)
            pair = next(iter(self.interaction))
            points, own = self._complete(*pair)
            values = [point[pair[0]] for point in points], [point[pair[1]] for point in points]
            drawn["pair"] = pair_picture(pair, values, own, measure, **given)
        for name in dict.fromkeys(name for trial in trials for name in trial.point):
            points, own = self._complete(name)
            if len({label(point[name]) for point in points}) > 1:
                drawn[f"setting-{name}"] = slice_picture(name, [point[name] for point in points], own, measure)
        return drawn

    def _complete(self, *names: str) -> tuple[list[Point], NDArray[np.float64]]:
        """Points and scores of the complete trials that have some settings."""
        own = [t for t in self.trials if t.score is not None and all(name in t.point for name in names)]
        return [trial.point for trial in own], np.array([trial.score for trial in own], np.float64)

    def to_dict(self) -> dict[str, Any]:
        """The winner, the gain and the notes, ready for JSON."""
        said = {name: value for name, value in self.best.items() if name not in ("model", "options")}
        return {
            "best": said | {"model": self.recipe.model.label, "options": _plain(self.best["options"] or {})},
            "tried": _plain(self.winner.point),
            "score": self.winner.score,
            "gain": {
                "measure": self.gain.measure,
                "default": self.gain.default,
                "winner": self.gain.winner,
                "ratio": self.gain.ratio,
                "chance": self.gain.chance,
                "taken": self.gain.taken,
                "windows": self.gain.windows,
                "trials": self.gain.trials,
                "search_seconds": round(self.gain.search_seconds, 2),
                "final_seconds": round(self.gain.final_seconds, 2),
            },
            "importances": dict(self.importance),
            "study": self.study,
            "notes": list(self.notes),
        }

    def save(self, folder: str | Path) -> None:
        """Put all into a folder: model, tables as CSV, ``tuning.json``, pictures as SVG, and one page of everything.

        Raises:
            UsageError: the folder has results already.
        """
        from foregate.reporting.canvas import own_settings
        from foregate.tuning.page import described, in_words, page_of

        folder = Path(folder)
        there = [name for name in FILES if (folder / name).exists()]
        if there:
            raise UsageError(f"folder must not hold results already, but {folder / there[0]} is there. Name another.")
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("leaderboard", "importances", "interactions"):
            write_atomically(folder / f"{name}.csv", getattr(self, name).write_csv().encode())
        document = json.dumps(_finite(self.to_dict()), indent=2, ensure_ascii=False, allow_nan=False)
        write_atomically(folder / "tuning.json", f"{document}\n".encode())
        (folder / "pictures").mkdir(exist_ok=True)
        with own_settings():
            write_atomically(folder / "tuning.html", page_of(self).encode())
            for name, figure in self.pictures().items():
                write_atomically(folder / "pictures" / f"{name}.svg", described(figure, in_words(self, name)).encode())
        self.model.save(folder / "model")


def _course(validation: Mapping[int, float]) -> NDArray[np.float64]:
    """Validation scores in order, NaN between those of one network and the next."""
    course: list[float] = []
    before = None
    for check, score in validation.items():
        if before not in (None, check // APART):
            course.append(np.nan)
        course.append(score)
        before = check // APART
    return np.array(course, np.float64)


def _column(values: list[Any]) -> list[Any]:
    """Values of one kind as they are, others as text."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {int, float}:
        return [None if value is None else float(value) for value in values]
    if len(kinds) == 1 and kinds <= {int, float, str, bool}:
        return values
    return [None if value is None else str(value) for value in values]


def _plain(value: Any) -> Any:
    """The same in types that JSON knows."""
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if hasattr(value, "__dataclass_fields__"):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    return value


def _finite(value: Any) -> Any:
    """The same, where what is no number is None."""
    if isinstance(value, Mapping):
        return {name: _finite(each) for name, each in value.items()}
    return None if isinstance(value, float) and not abs(value) < float("inf") else value
