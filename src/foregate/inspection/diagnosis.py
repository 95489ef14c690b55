"""What is wrong with a forecaster, in words: each finding with the numbers it rests on and the setting to try.

Nothing is said of what is as it should be: thresholds are set so that healthy forecasters hear notes at most, and
tests make sick ones on purpose, each of which must be found out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foregate.core import Panel
from foregate.inspection import of_errors, of_units
from foregate.inspection.course import of_course
from foregate.inspection.errors import errors_of
from foregate.inspection.finding import Finding, by_severity, findings_frame
from foregate.inspection.gates import Gates, gates_of
from foregate.inspection.memory import Memory, memory_of
from foregate.inspection.section import Section
from foregate.inspection.subject import Scope, Subject, subject_of
from foregate.models.options import ModelOptions
from foregate.training.options import TrainingOptions

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Diagnosis", "diagnose", "diagnosis_of"]

SCOPE = Scope(series=32, probes=6)


@dataclass(frozen=True)
class Diagnosis:
    """What was found, to be printed, gone through, or put on a page.

    Examples:
        >>> print(Diagnosis())
        Nothing was found that would have to be otherwise.
    """

    findings: tuple[Finding, ...] = ()
    """The worst first."""

    @property
    def healthy(self) -> bool:
        """Whether there is no finding above a note."""
        return all(finding.severity == "note" for finding in self.findings)

    @property
    def frames(self) -> dict[str, pl.DataFrame]:
        """All tables by name."""
        return {"diagnosis": findings_frame(self.findings)}

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """None."""
        return {}

    def section(self) -> Section:
        """The part of the page: a sentence for each finding, and the table behind them."""
        if not self.findings:
            return Section("Diagnosis", (str(self),))
        more = sum(finding.severity != "note" for finding in self.findings)
        lead = (
            f"{more} of {len(self.findings)} findings {'are' if more > 1 else 'is'} more than a note."
            if more
            else "Nothing was found that would have to be otherwise; this is good to know."
        )
        said = tuple(
            " ".join(filter(None, (f"{f.name.capitalize()}: {f.what}", f.advice, f.setting and f"Try {f.setting}.")))
            for f in self.findings
        )
        numbers = findings_frame(self.findings).select("severity", "name", "evidence")
        return Section("Diagnosis", (lead, *said), tables=(("What was found, and by which numbers", numbers),))

    def __str__(self) -> str:
        lines = map(str, self.findings)
        return "\n".join(lines) if self.findings else "Nothing was found that would have to be otherwise."

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)


def diagnose(model: Any, data: Any = None, *, scope: Scope = SCOPE) -> Diagnosis:
    """What is wrong with a forecaster, the worst first; nothing where nothing is.

    Looked for: overfitting and underfitting in the course of training; forget gates stuck open or shut, dead and
    saturated units; rows that it could look back on and does not; errors that foretell one another (Ljung and Box),
    medians that lie to one side, intervals too narrow or too wide, and forecasts worse than naive ones; a series that
    rules the loss; and in new data moves that nothing in training was like.

    What it was fitted on it has seen: errors there are smaller than those to come. Give rows that came since as `data`
    to hear of these.

    Args:
        model: a fitted `foregate.Forecaster`, with either runtime.
        data: a panel, or anything that `foregate.read` takes, in the columns it was fitted on, with the rows before;
            None for what it was fitted on.
        scope: how many series are looked at.

    Raises:
        NotFittedError: it was never fitted.
        MissingExtraError: torch or scipy is not installed.

    Examples:
        >>> from foregate import Forecaster
        >>> from foregate.data import generate
        >>> model = Forecaster(horizon=3, season_length=12, options={"hidden": 8, "steps": 4}).fit(generate(2, 60))
        >>> [finding.severity for finding in diagnose(model) if finding.name == "dead units"]
        []
    """
    subject = subject_of(model, data, scope)
    gates = gates_of(subject)
    return diagnosis_of(subject, model, gates, memory_of(subject, gates) if subject.seasons else None)


def diagnosis_of(subject: Subject, model: Any, gates: Gates, memory: Memory | None) -> Diagnosis:
    """The same of what has been looked into already.

    Args:
        subject: what is looked at.
        model: the forecaster that it is of.
        gates: of it.
        memory: of it; None to leave out whether it looks back a season.
    """
    return Diagnosis(by_severity(_of_use(finding, model) for finding in _found(subject, model, gates, memory)))


def _of_use(finding: Finding, model: Any) -> Finding:
    """The same, where more effort is advised and would be none: the best is made already, or the steps are given."""
    steps = model.report_.get("steps") or 0
    if finding.setting != 'effort="best"' or not (model.effort == "best" or "steps" in (model.options or {})):
        return finding
    return replace(finding, setting=f'options={{"steps": {3 * steps}}}' if steps else "")


def _found(subject: Subject, model: Any, gates: Gates, memory: Memory | None) -> Iterator[Finding]:
    options = model.model if isinstance(model.model, ModelOptions) else ModelOptions.parse(model.model or "")
    season = max(min(subject.seasons, default=1), 1)
    yield from of_course(subject.facts)
    yield from of_units.gates_stuck(gates, options, season)
    if subject.facts.get("steps", 1) and _changes(subject.panel):
        pretrained = subject.facts.get("start", "scratch") != "scratch"
        yield from of_units.units_lost(gates, options, pretrained=pretrained)
    yield from _lookback(subject, options, memory)
    yield from _errors(subject, model)
    learnt: Panel = model.panel_
    yield from of_errors.jumps(subject.fitted, subject.panel, learnt)


def _changes(panel: Panel) -> bool:
    """Whether any series has two different values: where nothing changes, units have nothing to say."""
    rows = np.flatnonzero(panel.mask)
    return bool(((np.diff(panel.values[rows]) != 0) & (np.diff(panel.row_series[rows]) == 0)).any())


def _lookback(subject: Subject, options: ModelOptions, memory: Memory | None) -> Iterator[Finding]:
    """Whether windows, attention and seasons are used."""
    built = subject.parts[0].network.spec.built
    used = 0
    if built.rows_back:
        from foregate.inspection.attributions import attributions_of

        used = attributions_of(subject).rows_used(of_units.WITHIN)
    yield from of_units.lookback(
        used, built.rows_back, None if memory is None else memory.reach, subject.seasons, options
    )


def _errors(subject: Subject, model: Any) -> Iterator[Finding]:
    """What the errors of the past tell."""
    errors = errors_of(subject.fitted, subject.panel)
    if errors is None:
        return
    told = (model.options or {}).get("training", {})
    with np.errstate(invalid="ignore"):
        yield from of_errors.skill(errors)
        yield from of_errors.left_over(errors)
        yield from of_errors.bias(errors)
        yield from of_errors.intervals(errors, learnt=subject.panel is model.panel_)
        yield from of_errors.dominance(errors, told.get("scale_power", TrainingOptions.scale_power))
