"""A part of the page: sentences and pictures, each picture with a text alternative and the table behind it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from foregate.reporting.canvas import SMALL, inline_svg, own_settings
from foregate.reporting.page import WORDS, Cell, chart, grid, key, number, paragraph, section, swatch, table
from foregate.reporting.theme import DASHES

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.figure import Figure

__all__ = ["Entry", "Picture", "Section", "as_html", "slug"]

Draw = Callable[[tuple[int, int]], "Figure"]
"""Draws at a width and height in pixels."""


@dataclass(frozen=True)
class Entry:
    """What a line or a band of a picture stands for."""

    name: str
    """What it is called."""
    colour: str
    """Its role in `foregate.reporting.theme.COLOURS`."""
    dash: int = 0
    """Number of its dash pattern."""
    band: bool = False
    """Whether it is a band."""


@dataclass(frozen=True)
class Picture:
    """A picture that can be read aloud, and the numbers that it shows."""

    title: str
    """Above it."""
    alternative: str
    """What is to be seen, in words, for those who cannot see it."""
    draw: Draw
    """A figure of it: a function of width and height in pixels."""
    table: pl.DataFrame
    """The numbers behind it; the page shows the first rows."""
    note: str = ""
    """A sentence below it."""
    key: tuple[Entry, ...] = ()
    """What its lines stand for."""
    remark: str = ""
    """Added to the title."""

    def figure(self, size: tuple[int, int] = SMALL) -> Figure:
        """The picture alone, for a width and height in pixels at 72 dpi: ``figure.savefig("gates.svg")``.

        Raises:
            MissingExtraError: matplotlib is not installed.
        """
        with own_settings():
            return self.draw(size)


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Examples:
        >>> Section("Memory", ("It looks back 12 rows.",)).title
        'Memory'
    """

    title: str
    """Its heading."""
    paragraphs: tuple[str, ...] = ()
    """What is to be said, the most important first."""
    pictures: tuple[Picture, ...] = ()
    """What is to be seen."""
    tables: tuple[tuple[str, pl.DataFrame], ...] = field(default=())
    """Tables that are shown without being asked for, under their captions, after the paragraphs."""


def slug(title: str) -> str:
    """A word of letters, digits and dashes for a title.

    Examples:
        >>> slug("Gates, layer 2")
        'gates-layer-2'
    """
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def as_html(told: Section) -> str:
    """The section as a part of a page; drawn under the settings of `foregate.reporting.canvas.own_settings`."""
    name = slug(told.title)
    sheets = [f'<div class="sheet">{_table(frame, caption)}</div>' for caption, frame in told.tables]
    charts = [_chart(one, f"{name}-{i}") for i, one in enumerate(told.pictures)]
    parts = [*map(paragraph, told.paragraphs), *sheets, *([_beside(charts)] if charts else [])]
    return section(name, told.title, *parts)


def _beside(charts: Sequence[str]) -> str:
    """Charts in a grid; one alone is no wider than one beside others."""
    return grid(charts) if len(charts) > 1 else f'<div class="grid lone">{charts[0]}</div>'


def _chart(one: Picture, name: str) -> str:
    svg = inline_svg(one.draw(SMALL), name, one.alternative)
    entries = key((swatch(each.colour, DASHES[each.dash % len(DASHES)], band=each.band), each.name) for each in one.key)
    numbers = _table(one.table, one.title)
    return chart([entries * bool(one.key) + svg], one.title, remark=one.remark, note=one.note, numbers=numbers)


def _table(frame: pl.DataFrame, caption: str) -> str:
    rows = [[_cell(value) for value in row] for row in frame.iter_rows()]
    return table([name.replace("_", " ") for name in frame.columns], rows, caption=caption)


def _cell(value: Any) -> Cell:
    if value is None:
        return "–"
    if isinstance(value, float):
        return number(value) if value != float("inf") else "∞"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else (str(value), WORDS)
