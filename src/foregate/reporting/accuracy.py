"""The parts of the report that tell how good the forecasts are: scoreboard, backtest, errors by step, intervals."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from foregate.core import levels_to_quantiles
from foregate.evaluation import ERRORS, Backtest, Score
from foregate.reporting.canvas import inline_svg
from foregate.reporting.figures import SHADES, Curve, Overlay, draw_coverage, draw_curves, draw_overlay
from foregate.reporting.page import Cell, chart, details, facts, grid, items, key, number, section, swatch, table
from foregate.reporting.theme import DASHES, colour_of
from foregate.reporting.view import View

__all__ = ["backtest_section", "interval_section", "scoreboard_section", "step_section"]

MOST_TARGETS, MOST_WINDOWS = 400, 8
"""Of what is shown of the backtest of one series."""
_NAMES = {"smape": "sMAPE", "bias": "Bias", "pinball": "Pinball"}
_COLUMNS = ("mase", "smape", "wape", "mape", "mae", "rmse", "bias", "pinball", "crps")
_PERCENT = ("smape", "wape", "mape")
_MEANINGS = (
    ("MASE", "mean absolute error, where 1 is the mean change over one season in the past"),
    (
        "sMAPE, WAPE, MAPE",
        "absolute error in percent: of the mean of forecast and actual; of the sum of actuals; of each actual",
    ),
    (
        "MAE, RMSE, Bias",
        "mean absolute error, root mean squared error, mean of forecast − actual; in units of the data",
    ),
    ("Pinball, CRPS", "error of the whole distribution that was forecast, in units of the data"),
    ("Skill", "share of the error of SeasonalNaive that is saved, by MASE; negative where a model is worse"),
    ("Fit, predict", "seconds taken by all fits and all forecasts of the backtest"),
)


def scoreboard_section(view: View) -> str:
    """The models beside one another, wins and losses as they are."""
    board = view.board
    if board is None:
        return ""
    scores = [board[name] for name in view.models]
    skill = any(score.skill for score in scores)
    head = ["Model", *(_named(m) for m in _COLUMNS), *(["Skill"] if skill else []), "Fit s", "Predict s"]
    marked = {m: _best([score.overall[m] for score in scores], m) for m in _COLUMNS}
    rows: list[list[Cell]] = []
    for n, score in enumerate(scores):
        row: list[Cell] = [score.model + ("*" if score.seen else "")]
        row += [
            (_measured(score.overall[m], m), "best") if n in marked[m] else _measured(score.overall[m], m)
            for m in _COLUMNS
        ]
        row += [_share(score.skill.get("mase", np.nan))] if skill else []
        rows.append([*row, number(score.seconds.fit), number(score.seconds.predict)])
    windows = f"{board.n_windows} held-out origin{'s' * (board.n_windows > 1)} per series"
    lead = (
        f"Means over {board.n_forecasts:,} forecasts of {len(board.ids):,} series, {windows}. The season of MASE is "
        f"{board.season} steps. The best of each column is bold."
    )
    stars = ["* was given fitted, and may have seen the held-out values."] if any(s.seen for s in scores) else []
    meanings = details("What the columns mean", facts(_MEANINGS, caption="Meaning of the measures"))
    body = f'<div class="sheet">{table(head, rows, caption="Scoreboard")}</div>'
    return section("scoreboard", "Scoreboard", _p(lead), body, items([*_tally(view), *stars]), meanings)


def _named(measure: str) -> str:
    return _NAMES.get(measure, measure.upper()) + (" %" if measure in _PERCENT else "")


def _measured(value: float, measure: str) -> str:
    return number(value)


def _share(value: float) -> str:
    return f"{100 * value:+.1f} %".replace("-", "−") if np.isfinite(value) else "–"


def _best(values: Sequence[float], measure: str) -> set[int]:
    """Numbers of the models that are best; none where one was tested alone."""
    sizes = np.abs(np.array(values)) if measure == "bias" else np.array(values)
    if len(sizes) < 2 or not np.isfinite(sizes).any():
        return set()
    return set(np.flatnonzero(sizes == np.nanmin(sizes)).tolist())


def _tally(view: View) -> list[str]:
    """On how many measures and series our model is better than the others."""
    if view.board is None or view.other is None:
        return []
    ours, told = view.board[view.model], []
    for name in view.models[1:]:
        theirs = view.board[name]
        measures = [m for m in ERRORS if np.isfinite(ours.overall[m]) and np.isfinite(theirs.overall[m])]
        better = sum(ours.overall[m] < theirs.overall[m] for m in measures)
        line = f"{view.model} has the lower error than {name} on {better} of {len(measures)} measures"
        a, b = ours.by_series[view.measure], theirs.by_series[view.measure]
        known = np.isfinite(a) & np.isfinite(b)
        if known.sum() > 1:
            line += f", and by {view.measured} on {int((a < b)[known].sum()):,} of {int(known.sum()):,} series"
        told.append(line + ".")
    return told


def step_section(view: View) -> str:
    """Error at each step ahead."""
    if view.board is None:
        return ""
    steps = np.arange(1, len(view.board[view.model].by_step["mae"]) + 1)
    charts = []
    for measure in dict.fromkeys((view.measure, "mae", "pinball")):
        curves = [_curve(view, name, steps, view.board[name].by_step[measure]) for name in view.models]
        unit = "1 = the mean change over one season" if measure == "mase" else "in units of the data"
        charts.append(_step_chart(view, measure, _named(measure), unit, curves, "error"))
        if len(charts) == 2:
            break
    return section(
        "error-by-step",
        "Error by step",
        _p("How errors grow with the distance: over all forecasts, at each step ahead."),
        _model_key(view),
        grid(charts),
    )


def _curve(view: View, name: str, steps: NDArray[np.int64], values: NDArray[np.float64]) -> Curve:
    number_of = colour_of(name, view.models)
    return Curve(steps, values, number_of, number_of)


def _step_chart(view: View, key_: str, title: str, unit: str, curves: Sequence[Curve], kind: str) -> str:
    svg = inline_svg(draw_curves(curves, "steps ahead"), f"{kind}-{key_}", escape(f"{title} by step ahead"))
    rows = [[str(step), *(number(curve.y[n], 4) for curve in curves)] for n, step in enumerate(curves[0].x)]
    numbers = table(["step", *view.models], rows, caption=f"{title} by step ahead")
    return chart([svg], title, remark=unit, numbers=numbers)


def interval_section(view: View) -> str:
    """How many outcomes lay inside the intervals, and how wide those are."""
    if view.board is None or view.backtest is None or not view.backtest.plan.levels:
        return ""
    levels = view.backtest.plan.levels
    head = ["Model", *(title for level in levels for title in (f"inside {level:g} %", f"width {level:g} %"))]
    rows: list[list[Cell]] = [
        [score.model, *_ranges(score, levels)] for score in map(view.board.__getitem__, view.models)
    ]
    steps = np.arange(1, len(view.board[view.model].by_step["mae"]) + 1)
    by_step = view.board[view.model].by_step
    curves = [Curve(steps, by_step[f"coverage-{level:g}"], 0, n % 3) for n, level in enumerate(levels)]
    svg = inline_svg(
        draw_coverage(curves, levels, "steps ahead"), "coverage", escape(f"Coverage of {view.model} by step ahead")
    )
    numbers = table(
        ["step", *(f"{level:g} %" for level in levels)],
        [[str(k), *(f"{c.y[n]:.1f} %" if np.isfinite(c.y[n]) else "–" for c in curves)] for n, k in enumerate(steps)],
        caption=f"Percent of outcomes inside the intervals of {view.model}, by step",
    )
    entries = [(swatch("model-0", DASHES[n % 3]), f"inside {level:g} %") for n, level in enumerate(levels)]
    entries.append((swatch("soft", "3 3"), "what it should be"))
    count = f"Each point is a share of {view.board.n_forecasts:,} outcomes or fewer."
    first = chart([key(entries) + svg], "Outcomes inside the intervals", remark=view.model, note=count, numbers=numbers)
    level = levels[0]
    widths = [_curve(view, name, steps, view.board[name].by_step[f"width-{level:g}"]) for name in view.models]
    second = _step_chart(
        view, "width", f"Mean width of the {level:g} % interval", "in units of the data", widths, "interval"
    )
    lead = "An 80 % interval should hold 80 % of what came; of two that do, the narrower one says more."
    body = f'<div class="sheet">{table(head, rows, caption="Coverage and width of the intervals")}</div>'
    return section("intervals", "Intervals", _p(lead), body, grid([first, second]))


def _ranges(score: Score, levels: Sequence[float]) -> list[Cell]:
    cells: list[Cell] = []
    for level in levels:
        inside = score.overall[f"coverage-{level:g}"]
        cells += [f"{inside:.1f} %" if np.isfinite(inside) else "–", number(score.overall[f"width-{level:g}"])]
    return cells


def backtest_section(view: View) -> str:
    """What came, and what the models had said."""
    bt = view.backtest
    if bt is None:
        return ""
    charts = []
    for i, s in view.series_in(bt.ids):
        overlay = overlay_of(view, bt, i, s)
        name = view.called(i)
        label = escape(f"{name}: what came and what had been forecast at {len(overlay.cutoffs)} origins")
        drawn = [inline_svg(draw_overlay(overlay, size), f"past-{i}-{n}", label) for n, size in enumerate(view.sizes)]
        charts.append(chart(drawn, name, remark=view.remark(i), numbers=_overlay_table(view, bt, overlay, s)))
    if not charts:
        return ""
    entries = [(swatch("ink"), "what came")]
    entries += [
        (swatch(f"model-{colour_of(n, view.models)}", DASHES[colour_of(n, view.models)]), n) for n in view.models[:2]
    ]
    entries += [
        (swatch("model-0", shade=SHADES[1], band=True), f"{lv:g} % interval of {view.model}")
        for lv in bt.plan.levels[:1]
    ]
    lead = f"Forecasts of the past that did not know what came after each dotted line. {view.sampling}"
    return section("backtest", "Backtest", _p(lead), key(entries), grid(charts))


def overlay_of(view: View, bt: Backtest, i: int, s: int) -> Overlay:
    """The newest windows of series `s` of the backtest that do not overlap, with what came before and in them."""
    windows = _windows(bt, s)
    cutoffs, said_times = bt.cutoffs[s, windows], bt.times[s, windows]
    rows = slice(int(view.panel.offsets[i]), int(view.panel.offsets[i + 1]))
    times, actual = view.panel.times[rows], view.panel.series(i)
    lead = int(np.clip(bt.plan.horizon, 12, 120))
    first = max(0, int(np.searchsorted(times, cutoffs[0], side="right")) - lead)
    last = int(np.searchsorted(times, said_times[-1, -1], side="right"))
    said = {colour_of(name, view.models): bt.outcomes(name).at(0.5)[s, windows] for name in view.models[:2]}
    outcomes = bt.outcomes(view.model)
    bounds = [outcomes.at(q)[s, windows] for q in _bounds(bt)]
    return Overlay(times[first:last], actual[first:last], cutoffs, said_times, said, (bounds[0], bounds[-1]))


def _bounds(bt: Backtest) -> tuple[float, ...]:
    return levels_to_quantiles(bt.plan.levels[:1])


def _windows(bt: Backtest, s: int) -> NDArray[np.int64]:
    chosen: list[int] = []
    most = max(1, min(MOST_WINDOWS, MOST_TARGETS // bt.plan.horizon))
    for w in np.flatnonzero(bt.origins[s] >= 0)[::-1]:
        if len(chosen) < most and (not chosen or bt.times[s, w, -1] < bt.times[s, chosen[-1], 0]):
            chosen.append(int(w))
    return np.array(chosen[::-1])


def _overlay_table(view: View, bt: Backtest, overlay: Overlay, s: int) -> str:
    windows = _windows(bt, s)
    low, high = overlay.band
    shown = bt.actual[s, windows]
    rows = [
        [
            time,
            number(shown[w, k], 5),
            *(number(said[w, k], 5) for said in overlay.said.values()),
            number(low[w, k], 5),
            number(high[w, k], 5),
        ]
        for w in range(len(windows))
        for k, time in enumerate(view.times(overlay.said_times[w]))
    ]
    columns = [
        "time",
        "actual",
        *view.models[:2],
        *((f"from {bt.plan.levels[0]:g} %", f"to {bt.plan.levels[0]:g} %") if bt.plan.levels else ("from", "to")),
    ]
    return table(columns, rows, caption=f"Backtest of {view.called(int(view.place.get(str(bt.ids[s]), 0)))}")


def _model_key(view: View) -> str:
    return key((swatch(f"model-{n}", DASHES[n]), name) for name in view.models for n in [colour_of(name, view.models)])


def _p(text: str) -> str:
    return f"<p>{escape(text.strip())}</p>"
