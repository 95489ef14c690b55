"""A search on one page that needs nothing else: what it brought, every picture in words too, and its numbers.

`found` is a `foregate.tuning.Tuning` throughout, which writes the page and so cannot be imported here.
"""

from __future__ import annotations

from html import escape
from io import StringIO
from typing import TYPE_CHECKING, Any

from foregate.data.later import pl
from foregate.reporting.canvas import SMALL, inline_svg, own_settings
from foregate.reporting.page import WORDS, Cell, chart, grid, items, number, page, section, table
from foregate.reporting.theme import STYLE

if TYPE_CHECKING:
    import polars
    from matplotlib.figure import Figure

__all__ = ["described", "in_words", "numbers_of", "page_of"]

TITLES = {
    "history": "Every trial",
    "courses": "As they were trained",
    "importances": "What mattered",
    "interactions": "What mattered together",
}
SETTING = "setting-"
"""Before the name of a setting that a picture is of."""


def page_of(found: Any) -> str:
    """The page.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    gain, cost = str(found.gain).split("\n", 1)
    said = ", ".join(f"{name}={_told(value)}" for name, value in found.winner.point.items()) or "those of the default"
    title = f"A search of {found.gain.trials} trials, {found.recipe.horizon} steps ahead"
    charts = []
    with own_settings():
        for i, (name, figure) in enumerate(found.pictures(SMALL).items()):
            words = in_words(found, name)
            behind = _sheet(numbers_of(found, name), _title(found, name))
            drawn = inline_svg(figure, f"picture-{i}", words)
            charts.append(chart([drawn], _title(found, name), note=words, numbers=behind))
    return page(
        title,
        STYLE,
        f"<header><h1>{escape(title)}</h1>"
        f'<p class="verdict">{escape(gain)}</p><p class="lead">{escape(f"{cost} Best settings: {said}.")}</p></header>',
        section("pictures", "Pictures", grid(charts)),
        section("trials", "Trials", _sheet(found.leaderboard, "Trials, the best first")),
        items(found.notes),
        images=True,  # the scale of colours beside a pair of settings
    )


def in_words(found: Any, name: str) -> str:
    """What a picture of `Tuning.pictures` shows, for those who do not see it."""
    measure, best = found.gain.measure, found.winner
    if name == "history":
        default = next((trial.score for trial in found.trials if trial.default and trial.score is not None), None)
        than = "" if default is None else f", the default {default:.4g}"
        return f"The {measure} of every trial: the best is {_score(best)}, of trial {best.number}{than}."
    if name == "courses":
        stopped = sum(trial.state == "pruned" for trial in found.trials)
        return f"Validation scores of all trials while they were trained, network by network; {stopped} were stopped."
    if name == "importances":
        first = ", ".join(f"{setting} {share:.0%}" for setting, share in list(found.importance.items())[:3])
        return f"Share of each setting in what mattered, the most first: {first}."
    if name == "interactions":
        first = ", ".join(f"{a} with {b} {share:.2g}" for (a, b), share in list(found.interaction.items())[:3])
        return f"What two settings explain together beyond one by one, the most first: {first}."
    of = _settings(found, name)
    at = ", ".join(f"{each} {_told(best.point[each])}" for each in of if each in best.point) or "the default"
    return f"The {measure} of trials by {' and '.join(of)}: the best, {_score(best)}, at {at}."


def numbers_of(found: Any, name: str) -> polars.DataFrame:
    """The numbers behind a picture of `Tuning.pictures`."""
    numbers: polars.DataFrame
    if name in ("importances", "interactions"):
        numbers = getattr(found, name)
    elif name == "courses":
        rows = [
            (trial.number, check, score) for trial in found.trials for check, score in (trial.validation or {}).items()
        ]
        schema = {"trial": pl.Int64, "check": pl.Int64, "validation": pl.Float64}
        numbers = pl.DataFrame(rows, schema=schema, orient="row")
    else:
        own = [] if name == "history" else _settings(found, name)
        numbers = found.leaderboard.sort("trial").select("trial", *own, "state", "score")
    return numbers


def described(figure: Figure, words: str) -> str:
    """The figure as a file of SVG that says what it shows."""
    out = StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None})
    head, svg, rest = out.getvalue().partition("<svg ")
    attributes, end, body = rest.partition(">")
    return f'{head}{svg}role="img" {attributes}{end}\n <title>{escape(words)}</title>{body}'


def _settings(found: Any, name: str) -> list[str]:
    """The settings that a picture is of."""
    return list(next(iter(found.interaction))) if name == "pair" else [name.removeprefix(SETTING)]


def _title(found: Any, name: str) -> str:
    return TITLES.get(name) or " and ".join(_settings(found, name))


def _told(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _score(trial: Any) -> str:
    return "unknown" if trial.score is None else f"{trial.score:.4g}"


def _sheet(frame: polars.DataFrame, caption: str) -> str:
    return table(frame.columns, [[_cell(value) for value in row] for row in frame.rows()], caption=caption)


def _cell(value: Any) -> Cell:
    if value is None:
        return "–"
    if isinstance(value, float):
        return number(value)
    return (value, WORDS) if isinstance(value, str) else str(value)
