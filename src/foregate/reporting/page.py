"""Pieces of the page. Text that comes in is escaped; what is HTML already is called so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

import numpy as np

__all__ = [
    "MOST_ROWS",
    "WORDS",
    "Cell",
    "chart",
    "details",
    "facts",
    "grid",
    "items",
    "key",
    "number",
    "page",
    "paragraph",
    "section",
    "swatch",
    "table",
]

MOST_ROWS = 60
"""Rows of the table behind a picture; what is more is counted."""

Cell = str | tuple[str, str]
"""Text of a cell, or text and the class it is set in."""
WORDS = "words"
"""The class of text that is read, which begins at the left and breaks into lines where there is little room."""


def number(value: float, digits: int = 3) -> str:
    """A number as people read it: some significant digits, thousands apart, a dash where it is not defined.

    Examples:
        >>> number(12345.678), number(0.012345), number(float("nan")), number(0.00001234)
        ('12,346', '0.0123', '–', '1.23e-05')
    """
    if not np.isfinite(value):
        return "–"
    if value != 0 and not 1e-4 <= abs(value) < 1e9:
        return f"{value:.{digits - 1}e}"
    magnitude = int(f"{value:.{digits - 1}e}".partition("e")[2])  # after rounding: 99.96 is 100
    places = max(0, digits - 1 - magnitude) if value else 0
    return f"{value:,.{places}f}".replace("-", "−")


def table(head: Sequence[str], rows: Iterable[Sequence[Cell]], *, caption: str, most: int = MOST_ROWS) -> str:
    """A table that scrolls sideways where it is too wide; its first column names the rows.

    Args:
        head: names of the columns.
        rows: cells; those beyond `most` are counted and left out.
        caption: what it shows, for screen readers.
        most: rows shown.
    """
    rows = list(rows)
    words = {i for row in rows for i, cell in enumerate(row) if i and isinstance(cell, tuple) and cell[1] == WORDS}
    of_words = f' class="{WORDS}"'
    lines = [[_among(cell, words=i in words) for i, cell in enumerate(row)] for row in rows[:most]]
    body = "".join(
        f'<tr><th scope="row">{escape(_text(row[0]))}</th>{"".join(map(_cell, row[1:]))}</tr>' for row in lines
    )
    columns = "".join(f'<th scope="col"{of_words * (i in words)}>{escape(name)}</th>' for i, name in enumerate(head))
    more = f'<p class="note">and {len(rows) - most:,} more rows</p>' if len(rows) > most else ""
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}"><table{of_words * bool(words)}>'
        f'<caption class="unseen">{escape(caption)}</caption>'
        f"<thead><tr>{columns}</tr></thead><tbody>{body}</tbody></table></div>{more}"
    )


def _among(cell: Cell, *, words: bool) -> Cell:
    """A cell of a column, which is set as words where others of it are."""
    return (cell, WORDS) if words and isinstance(cell, str) else cell


def _text(cell: Cell) -> str:
    return cell if isinstance(cell, str) else cell[0]


def _cell(cell: Cell) -> str:
    if isinstance(cell, str):
        return f"<td>{escape(cell)}</td>"
    told = '<span class="unseen"> (best)</span>' if cell[1] == "best" else ""
    return f'<td class="{cell[1]}">{escape(cell[0])}{told}</td>'


def facts(rows: Iterable[tuple[str, str]], *, caption: str) -> str:
    """Labels and what they stand for."""
    body = "".join(f'<tr><th scope="row">{escape(label)}</th><td>{escape(said)}</td></tr>' for label, said in rows)
    return f'<table class="facts"><caption class="unseen">{escape(caption)}</caption>{body}</table>'


def paragraph(text: str) -> str:
    """A paragraph."""
    return f"<p>{escape(text.strip())}</p>"


def items(lines: Iterable[str]) -> str:
    """Sentences as a list; nothing for none."""
    body = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f'<ul class="notes">{body}</ul>' if body else ""


def swatch(colour: str, dash: str = "", shade: float = 1.0, *, band: bool = False) -> str:
    """The picture before a name in a key: a line, or a band."""
    if band:
        drawn = f'<rect width="26" height="10" style="fill:var(--{colour});opacity:{shade:g}"/>'
    else:
        style = f"stroke:var(--{colour});stroke-width:2.2;stroke-dasharray:{dash or 'none'}"
        drawn = f'<path d="M0 5H26" style="{style}"/>'
    return f'<svg viewBox="0 0 26 10" aria-hidden="true">{drawn}</svg>'


def key(entries: Iterable[tuple[str, str]]) -> str:
    """What lines and bands stand for: pictures made by `swatch`, and names."""
    body = "".join(f"<li>{picture}{escape(name)}</li>" for picture, name in entries)
    return f'<ul class="key">{body}</ul>'


def chart(svgs: Sequence[str], title: str, *, remark: str = "", note: str = "", numbers: str = "") -> str:
    """A chart with its title, and the table behind it.

    Args:
        svgs: one drawing, or two: for a wide page and for a phone.
        title: of the chart.
        remark: added to the title.
        note: a sentence below.
        numbers: the table, as HTML.
    """
    aside = f' <span class="note">{escape(remark)}</span>' if remark else ""
    drawn = svgs[0]
    if len(svgs) > 1:
        drawn = f'<div class="broad">{svgs[0]}</div><div class="narrow">{svgs[1]}</div>'
    below = f"<figcaption>{escape(note)}</figcaption>" if note else ""
    behind = details("Numbers", numbers) if numbers else ""
    return f"<figure><h3>{escape(title)}{aside}</h3>{drawn}{below}{behind}</figure>"


def grid(charts: Sequence[str]) -> str:
    """Charts beside one another where there is room; one alone takes all of it."""
    return f'<div class="{"grid" if len(charts) > 1 else "solo"}">{"".join(charts)}</div>'


def details(summary: str, body: str) -> str:
    """A part that opens on demand. `body` is HTML."""
    return f"<details><summary>{escape(summary)}</summary>{body}</details>"


def section(key: str, title: str, *parts: str) -> str:
    """A part of the page under a heading that can be linked to. `parts` are HTML."""
    head = f'<h2 id="{key}-title">{escape(title)}</h2>'
    return f'<section id="{key}" aria-labelledby="{key}-title">{head}{"".join(parts)}</section>'


def page(title: str, style: str, *parts: str, images: bool = False) -> str:
    """The whole document. It asks browsers to load nothing, whatever it should contain.

    With `images`, pictures of pixels that are written into the page itself are shown.
    """
    allowed = "default-src 'none';style-src 'unsafe-inline'" + ";img-src data:" * images
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{allowed}">'
        f"<title>{escape(title)}</title><style>{style}</style></head><body><main>\n"
        + "\n".join(parts)
        + "\n</main></body></html>\n"
    )
