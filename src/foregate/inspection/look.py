"""`foregate.inspect`: everything that is to be seen of a forecaster, as arrays, tables and one page."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from foregate.core import DataError, UsageError, at_least
from foregate.core.files import write_atomically
from foregate.forecaster import Forecaster
from foregate.inspection.attention import Attention, attention_of_subject
from foregate.inspection.attributions import Attributions, attributions_of
from foregate.inspection.diagnosis import Diagnosis, diagnosis_of
from foregate.inspection.gates import Gates, gates_of
from foregate.inspection.gradients import Gradients, PartGradients, gradients_of
from foregate.inspection.importance import Importance, Shuffle, importance_of
from foregate.inspection.memory import Memory, memory_of
from foregate.inspection.section import Section, as_html, slug
from foregate.inspection.subject import Scope, Subject, subject_of
from foregate.reporting.canvas import drawing, own_settings
from foregate.reporting.page import page
from foregate.reporting.theme import STYLE

if TYPE_CHECKING:
    import polars as pl

    from foregate.training.gradients import GradientLog

__all__ = ["PAGE", "Inspection", "View", "inspect"]

PARTS = ("diagnosis", "memory", "gates", "gradients", "attention", "importance", "attributions")
"""Attributes of an `Inspection` that are ways to look into a model, in the order of the page."""
FOR_GOOD = 1e5
"""A half-life of more rows is none."""
PAGE = "inspection.html"
"""The page that `Inspection.save` writes."""


class View(Protocol):
    """One way of looking into a model: what `Inspection.views` holds, and the page has a section of each."""

    @property
    def frames(self) -> dict[str, pl.DataFrame]:
        """Tables by name, each of which becomes a CSV file of that name."""

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """Arrays by name, which become one npz file; empty for none."""

    def section(self) -> Section:
        """The part of the page."""


@dataclass(frozen=True)
class Inspection:
    """What is to be seen of a forecaster. Each part is worked out when it is first asked for, and kept.

    Examples:
        >>> from foregate import Forecaster
        >>> from foregate.data import generate
        >>> model = Forecaster(3, season_length=12, options={"steps": 2, "hidden": 8}).fit(generate(2, 60))
        >>> seen = inspect(model)
        >>> seen.gates.summary.filter(layer=1)["gate"].to_list()
        ['forget', 'input', 'candidate', 'output']
        >>> seen.memory.effective.columns
        ['lag', 'influence', 'share']
        >>> seen.attention is None
        True
    """

    subject: Subject
    """The networks, and the series that they read."""
    title: str = "Inside the model"
    """Heading of the page."""
    cell_steps: int | None = None
    """Steps that RNN, GRU and LSTM are trained for to be compared; 0 compares them untrained, None not at all."""
    log: GradientLog | None = field(default=None, repr=False)
    """Gradients that were recorded while the model was trained."""
    model: Forecaster | None = field(default=None, repr=False)
    """The forecaster, whose settings a diagnosis speaks of."""

    @cached_property
    def gates(self) -> Gates:
        """Exact activations of every gate of every layer, unit and step over the last rows of series."""
        return gates_of(self.subject)

    @cached_property
    def memory(self) -> Memory:
        """Half-lives of the units, and how far back the model really looks."""
        return memory_of(self.subject, self.gates)

    @cached_property
    def gradients(self) -> Gradients:
        """How far back gradients of the forecast reach, to inputs and to the states of every layer."""
        log = None if self.log is None else self.log.frame()
        return gradients_of(self.subject, cells=self._cells(), log=log)

    @cached_property
    def attention(self) -> Attention | None:
        """Where attention looks; None of a model without."""
        return attention_of_subject(self.subject)

    @cached_property
    def diagnosis(self) -> Diagnosis | None:
        """What is wrong, in words; None where it is not known how the model was made."""
        return None if self.model is None else diagnosis_of(self.subject, self.model, self.gates, self.memory)

    @cached_property
    def importance(self) -> Importance | None:
        """What forecasts of the past would lose without each part of what is told; None of series without a past."""
        try:
            return importance_of(self.subject.fitted, self.subject.panel, Shuffle(repeats=3))
        except DataError:
            return None

    @cached_property
    def attributions(self) -> Attributions:
        """What moved the latest forecasts, summing to all of it."""
        return attributions_of(self.subject)

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the ways to look into a model, in the order of the page; each is an attribute."""
        return PARTS

    def view(self, name: str) -> View | None:
        """One part by its name; None where this model has nothing of the kind."""
        found: View | None = getattr(self, name)
        return found

    @property
    def views(self) -> dict[str, View]:
        """All parts that there are of this model, by name, in the order of the page."""
        return {name: view for name in self.parts if (view := self.view(name)) is not None}

    @property
    def frames(self) -> dict[str, pl.DataFrame]:
        """All tables by name."""
        return {name: frame for view in self.views.values() for name, frame in view.frames.items()}

    @property
    def notes(self) -> tuple[str, ...]:
        """What cannot be seen of this model, and what was left out, one sentence each."""
        return tuple(self._notes())

    def save(self, folder: str | Path) -> list[Path]:
        """Write a CSV file per table, an npz file per part, and the page; the paths of all files.

        Args:
            folder: that exists. Files of the same names are replaced, each whole or not at all.

        Raises:
            UsageError: there is no such folder.
            MissingExtraError: matplotlib is not installed.
        """
        folder = Path(folder)
        if not folder.is_dir():
            raise UsageError(f"folder must be one that exists, but got {str(folder)!r}. Make it first.")
        files = self.files()
        for name, content in files.items():
            write_atomically(folder / name, content)
        return [folder / name for name in files]

    def files(self) -> dict[str, bytes]:
        """What `save` writes, by name: the page, a CSV file per table, and an npz file per part that has arrays."""
        drawing()  # that it is lacking is told before long work
        files: dict[str, bytes] = {PAGE: self.html().encode("utf-8", "replace")}
        for name, view in self.views.items():
            files |= {f"{table}.csv": frame.write_csv().encode() for table, frame in view.frames.items()}
            if view.arrays:
                files[f"{name}.npz"] = _packed(view.arrays)
        return files

    def facts(self) -> dict[str, Any]:
        """The figures that matter most, in types that JSON knows."""
        tables = {name: self.frames[name].to_dicts() for name in ("gates", "gradients")}
        reach = {"reach": self.memory.reach, "reach_time": self.memory.reach_time}
        found = {} if self.diagnosis is None else {"findings": self.diagnosis.frames["diagnosis"].to_dicts()}
        return {"verdict": self.verdict, **reach, "half_lives": self.memory.layers.to_dicts(), **tables, **found}

    def html(self) -> str:
        """The page: no scripts, nothing is fetched when it is opened; the same each time.

        Raises:
            MissingExtraError: matplotlib is not installed.
        """
        with own_settings():
            sections = [view.section() for view in self.views.values()]
            shown = [as_html(one) for one in sections]
        return page(self.title, STYLE, self._head(sections), *shown, images=True)

    def _head(self, sections: list[Section]) -> str:
        links = "".join(f'<a href="#{slug(one.title)}">{escape(one.title)}</a>' for one in sections)
        tiles = "".join(
            f'<div class="tile"><span>{escape(label)}</span><b>{escape(figure)}</b><span>{escape(aside)}</span></div>'
            for label, figure, aside in self._tiles()
        )
        notes = "".join(f'<p class="lead">{escape(note)}</p>' for note in self.notes)
        verdict = escape(self.verdict).replace(" %", "&nbsp;%")
        return (
            f'<header><h1>{escape(self.title)}</h1><p class="verdict">{verdict}</p>{notes}'
            f'<div class="tiles">{tiles}</div><nav aria-label="Sections">{links}</nav></header>'
        )

    @property
    def verdict(self) -> str:
        """How far back the model looks, and how long it keeps anything, in one sentence."""
        memory, time = self.memory, self.memory.reach_time
        said = f"This model looks {memory.reach:,} rows back{f', {time}' * bool(time)}"
        if memory.units.height:
            half = float(memory.units["half_life"].to_numpy().max())
            kept = f"its longest memory is half gone after {half:,.0f} rows"
            said += f"; {kept if half < FOR_GOOD else 'some of its memory is kept for good'}"
        return said + "."

    def _tiles(self) -> Iterator[tuple[str, str, str]]:
        subject, gates, memory = self.subject, self.gates, self.memory
        first = subject.parts[0].network.spec
        yield (
            "Networks",
            f"{len(subject.parts)}",
            f"{first.built.layers} layers of {first.hidden} {first.built.cell} units",
        )
        yield "Series", f"{len(gates.ids):,}", f"of {len(subject.panel):,}"
        yield "Looks back", f"{memory.reach:,} rows", memory.reach_time
        if subject.seasons:
            yield "Season", " and ".join(f"{m:,}" for m in subject.seasons), "rows"
        if len(gates.layers):
            dead, units = (sum(int(f(one.dead)) for one in gates.layers) for f in (np.sum, len))
            yield "Dead units", f"{dead:,}", f"of {units:,}"

    def _notes(self) -> Iterator[str]:
        subject, built = self.subject, self.subject.parts[0].network.spec.built
        if len(self.gates.ids) < len(subject.panel):
            yield f"Shown are {len(self.gates.ids)} of {len(subject.panel):,} series, evenly taken."
        if built.windowed:
            yield f"It reads the last {built.rows_back} rows anew at every origin: shown is that before the last row."
        if any(part.step is not None for part in subject.parts):
            yield "It has a network for every step ahead: shown are those of the first, a middle and the last one."
        if not built.has_gate:
            yield "Its cells have no gates: shown is what they hand on, and there are no half-lives."
        if built.strategy == "recursive":
            yield "It feeds its forecasts back: gradients are those of the first step."

    def _cells(self) -> tuple[PartGradients, ...]:
        if self.cell_steps is None:
            return ()
        from foregate.inspection.cells import compared_cells

        return compared_cells(self.subject, self.cell_steps)


def inspect(
    model: Forecaster,
    data: Any = None,
    *,
    series: int = 100,
    rows: int = 200,
    lags: int | None = None,
    cells: int | None = None,
    log: GradientLog | None = None,
) -> Inspection:
    """Look into a forecaster: gates, memory, gradients and attention of every network, importance, and a diagnosis.

    Nothing is worked out before it is asked for.

    Args:
        model: fitted or loaded, whichever runtime it runs with.
        data: what it is to read, as anything that `foregate.read` takes; None for what it was fitted on.
        series: whose gates are shown at most, evenly taken. Memory, gradients and attention are measured on 16 of them.
        rows: the last ones of each, over which gates are shown.
        lags: how far back memory is measured; three short seasons or two long ones, at least 100, if None.
        cells: compare the gradients of RNN, GRU and LSTM of equal size, untrained, and trained for so many steps on the
            same series where that is more than 0; None for not at all.
        log: a callback that recorded gradients while the model was trained.

    Raises:
        UsageError: a number is wrong, or `model` is none.
        NotFittedError: it was never fitted.
        DataError: the data has a problem.
        MissingExtraError: torch is not installed.

    Examples:
        >>> from foregate import Forecaster
        >>> from foregate.data import generate
        >>> model = Forecaster(3, season_length=12, options={"steps": 2, "hidden": 8}).fit(generate(2, 60))
        >>> sorted(inspect(model, rows=24).views)
        ['attributions', 'diagnosis', 'gates', 'gradients', 'importance', 'memory']
    """
    at_least(0, cells=0 if cells is None else cells)
    subject = subject_of(model, data, Scope(series=series, rows=rows, lags=lags))
    return Inspection(subject, cell_steps=cells, log=log, model=model)


def _packed(arrays: dict[str, NDArray[Any]]) -> bytes:
    """Arrays as the bytes of an npz file; slashes, which would be folders in it, become dots."""
    file = io.BytesIO()
    np.savez(file, **{name.replace("/", "."): values for name, values in arrays.items()})  # type: ignore[arg-type]
    return file.getvalue()
