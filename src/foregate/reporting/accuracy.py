"""The parts of the report that tell how good the forecasts are: scoreboard, errors by step, intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from foregate.evaluation import ERRORS, Score, Scoreboard
from foregate.reporting.canvas import inline_svg
from foregate.reporting.figures import Curve, draw_coverage, draw_curves
from foregate.reporting.judged import calibration_charts
from foregate.reporting.page import (
    Cell,
    chart,
    details,
    facts,
    grid,
    items,
    key,
    number,
    paragraph,
    section,
    swatch,
    table,
)
from foregate.reporting.theme import DASHES, colour_of
from foregate.reporting.view import View

__all__ = ["interval_section", "pooled", "scoreboard_section", "step_section"]

FEWEST = 30
"""Outcomes that a point of the coverage chart stands for at least: with fewer, a share says little."""
_NAMES = {"smape": "sMAPE %", "wape": "WAPE %", "mape": "MAPE %", "bias": "Bias", "pinball": "Pinball"}
_COLUMNS = ("mase", "smape", "wape", "mape", "mae", "rmse", "bias", "pinball", "crps")
_MEANINGS = (
    ("MASE", "mean absolute error; 1 is the mean change over one season in the past"),
    ("sMAPE, WAPE, MAPE", "absolute error in percent of the mean of forecast and actual, of the sum, of each actual"),
    ("MAE, RMSE", "mean absolute error and root mean squared error, in units of the data"),
    ("Bias", "mean of forecast − actual, in units of the data: positive is too high"),
    ("Pinball, CRPS", "error of all quantiles that were forecast, in units of the data"),
    ("Skill", "share of SeasonalNaive's MASE that is saved; negative where a model is worse"),
    ("Fit s, Predict s", "seconds that all fits and all forecasts of the backtest took"),
)


def scoreboard_section(view: View) -> str:
    """The models beside one another, wins and losses as they are."""
    board = view.board
    if board is None:
        return ""
    scores = [board[name] for name in view.models]
    skill = ["Skill"] if any(score.skill for score in scores) else []
    head = ["Model", *(_NAMES.get(m, m.upper()) for m in _COLUMNS), *skill, "Fit s", "Predict s"]
    best = {m: _best([score.overall[m] for score in scores], m) for m in _COLUMNS}
    rows: list[list[Cell]] = []
    for n, score in enumerate(scores):
        told = {m: number(score.overall[m]) for m in _COLUMNS}
        cells: list[Cell] = [(told[m], "best") if n in best[m] else told[m] for m in _COLUMNS]
        share = [_share(score.skill.get("mase", np.nan))] * len(skill)
        times = [_seconds(score.seconds.fit), _seconds(score.seconds.predict)]
        rows.append([score.model + "*" * score.seen, *cells, *share, *times])
    stars = ["* was given fitted, and may have seen the held-out values."] if any(s.seen for s in scores) else []
    meanings = details("What the columns mean", facts(_MEANINGS, caption="Meaning of the measures"))
    body = f'<div class="sheet">{table(head, rows, caption="Scoreboard")}</div>'
    notes = items([*_tally(view, board), *stars])
    return section("scoreboard", "Scoreboard", paragraph(_lead(board)), body, notes, meanings)


def _lead(board: Scoreboard) -> str:
    series = "one series" if len(board.ids) == 1 else f"{len(board.ids):,} series"
    return (
        f"Means over {board.n_forecasts:,} forecast{'s' * (board.n_forecasts != 1)} of {series}, from "
        f"{board.n_windows} held-out origin{'s' * (board.n_windows != 1)} each. The season of MASE is {board.season} "
        f"step{'s' * (board.season != 1)}. The best of each column is bold."
    )


def _share(value: float) -> str:
    return f"{100 * value:+.1f} %".replace("-", "−").replace("+0.0", "0.0") if np.isfinite(value) else "–"


def _seconds(value: float) -> str:
    return "<0.01" if value < 0.01 else f"{value:,.2f}" if value < 10 else f"{value:,.0f}"


def _best(values: Sequence[float], measure: str) -> set[int]:
    """Numbers of the models that are best; none where one was tested alone."""
    sizes = np.abs(np.array(values)) if measure == "bias" else np.array(values)
    if len(sizes) < 2 or not np.isfinite(sizes).any():
        return set()
    return set(np.flatnonzero(sizes == np.nanmin(sizes)).tolist())


def _tally(view: View, board: Scoreboard) -> list[str]:
    """On how many measures and series our model is better than each of the others."""
    ours, told = board[view.model], []
    for name in view.models[1:]:
        theirs = board[name]
        measures = [m for m in ERRORS if np.isfinite(ours.overall[m]) and np.isfinite(theirs.overall[m])]
        better = sum(ours.overall[m] < theirs.overall[m] for m in measures)
        said = f"{view.model} has a lower error than {name} on {better} of {len(measures)} measures"
        a, b = ours.by_series[view.measure], theirs.by_series[view.measure]
        known = np.isfinite(a) & np.isfinite(b)
        if known.sum() > 1:
            said += f", and by {view.measured} on {int((a < b)[known].sum()):,} of {int(known.sum()):,} series"
        told.append(said + ".")
    return told


def step_section(view: View) -> str:
    """Error at each step ahead."""
    board = view.board
    if board is None:
        return ""
    unit = "1 = the mean change over one season" if view.measure == "mase" else "in units of the data"
    charts = [
        _by_step(view, board, view.measure, view.measured, unit),
        _by_step(view, board, "pinball", "Pinball loss", "of all quantiles, in units of the data"),
    ]
    lead = paragraph("How the error grows with the distance, over all forecasts.")
    return section("error-by-step", "Error by step", lead, grid(charts))


def _models_key(view: View) -> str:
    colours = [colour_of(name, view.models) for name in view.models]
    return key((swatch(f"model-{c}", DASHES[c]), name) for c, name in zip(colours, view.models, strict=True))


def _by_step(view: View, board: Scoreboard, measure: str, title: str, unit: str) -> str:
    values = [board[name].by_step[measure] for name in view.models]
    steps = np.arange(1, len(values[0]) + 1)
    colours = [colour_of(name, view.models) for name in view.models]
    drawn = draw_curves([Curve(steps, v, c, c) for v, c in zip(values, colours, strict=True)], "steps ahead")
    svg = inline_svg(drawn, f"step-{measure}", f"{title} by step ahead")
    rows = [[str(k), *(number(v[k - 1], 4) for v in values)] for k in steps]
    behind = table(["step", *view.models], rows, caption=f"{title} by step ahead")
    return chart([_models_key(view) + svg], title, remark=unit, numbers=behind)


def interval_section(view: View) -> str:
    """How many outcomes lay inside the intervals, and how wide those are."""
    board, bt = view.board, view.backtest
    if board is None or bt is None or not bt.plan.levels:
        return ""
    levels = bt.plan.levels
    head = ["Model", *(title for level in levels for title in (f"Inside {level:g} %", f"Width {level:g} %"))]
    rows: list[list[Cell]] = [[name, *_ranges(board[name], levels)] for name in view.models]
    least = levels[0]
    charts = [
        _coverage(view, board, levels),
        _by_step(view, board, f"width-{least:g}", f"Mean width of the {least:g} % interval", "in units of the data"),
        *calibration_charts(view),
    ]
    lead = (
        f"Of {least:g} % intervals, {least:g} % should hold what came. Of two models that do, the narrower says more."
    )
    body = f'<div class="sheet">{table(head, rows, caption="Coverage and width of the intervals")}</div>'
    return section("intervals", "Intervals", paragraph(lead), body, grid(charts))


def _ranges(score: Score, levels: Sequence[float]) -> list[Cell]:
    cells: list[Cell] = []
    for level in levels:
        cells += [_percent(score.overall[f"coverage-{level:g}"]), number(score.overall[f"width-{level:g}"])]
    return cells


def _percent(value: float) -> str:
    return f"{value:.1f} %" if np.isfinite(value) else "–"


def _coverage(view: View, board: Scoreboard, levels: Sequence[float]) -> str:
    inside = [board[view.model].by_step[f"coverage-{level:g}"] for level in levels]
    size = max(1, min(len(inside[0]), -(-FEWEST // max(1, board.n_forecasts))))
    curves = [Curve(*pooled(values, size), 0, n % len(DASHES)) for n, values in enumerate(inside)]
    svg = inline_svg(
        draw_coverage(curves, levels, "steps ahead", len(inside[0])),
        "coverage",
        f"Coverage of {view.model} by step ahead",
    )
    rows = [[str(k + 1), *(_percent(values[k]) for values in inside)] for k in range(len(inside[0]))]
    caption = f"Outcomes inside the intervals of {view.model} by step ahead"
    behind = table(["step", *(f"{level:g} %" for level in levels)], rows, caption=caption)
    entries = [(swatch("model-0", DASHES[n % len(DASHES)]), f"inside {level:g} %") for n, level in enumerate(levels)]
    entries.append((swatch("soft", "2 3"), "as it should be"))
    count = f"{size * board.n_forecasts:,} outcomes"
    note = f"A point stands for {f'{size} steps, ' if size > 1 else ''}at most {count}."
    return chart([key(entries) + svg], "Outcomes inside", remark=view.model, note=note, numbers=behind)


def pooled(values: NDArray[np.float64], size: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Means over stretches of `size` steps, the last perhaps shorter, and the middles of these stretches, from 1.

    Examples:
        >>> pooled(np.array([100.0, 50.0, 80.0]), size=2)
        (array([1.5, 3. ]), array([75., 80.]))
    """
    begins = range(0, len(values), size)
    stretches = [values[b : b + size] for b in begins]
    means = [float(np.mean(s[np.isfinite(s)])) if np.isfinite(s).any() else np.nan for s in stretches]
    middles = [b + (len(s) + 1) / 2 for b, s in zip(begins, stretches, strict=True)]
    return np.array(middles), np.array(means)
