"""The part of the report that lays forecasts of the past over what came."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foregate.core import levels_to_quantiles
from foregate.evaluation import Backtest
from foregate.reporting.canvas import inline_svg
from foregate.reporting.figures import SHADES, Overlay, draw_overlay
from foregate.reporting.page import chart, grid, key, number, paragraph, section, swatch, table
from foregate.reporting.theme import DASHES, colour_of
from foregate.reporting.view import View

__all__ = ["backtest_section", "newest_windows", "overlay_of"]

MOST_TARGETS, MOST_WINDOWS = 400, 8
"""Steps and windows of one series that are shown."""


def backtest_section(view: View) -> str:
    """What came, and what our model and the one it is held against had said."""
    bt = view.backtest
    if bt is None:
        return ""
    charts = [_chart(view, bt, i, s) for i, s in view.series_in(bt.ids)]
    entries = [(swatch("ink"), "what came")]
    for name in view.models[:2]:
        colour = colour_of(name, view.models)
        entries.append((swatch(f"model-{colour}", DASHES[colour]), name))
    if bt.plan.levels:
        entries.append(
            (swatch("model-0", shade=SHADES[1], band=True), f"{bt.plan.levels[0]:g} % interval of {view.model}")
        )
    same = "The same series as above." if view.forecast is not None and view.sampling else view.sampling
    lead = f"Forecasts of the past, made without knowing what came after each dotted line. {same}"
    return section("backtest", "Backtest", paragraph(lead), key(entries), grid(charts)) if charts else ""


def _chart(view: View, bt: Backtest, i: int, s: int) -> str:
    windows = newest_windows(bt, s)
    overlay, name = overlay_of(view, bt, i, s, windows), view.called(i)
    label = f"{name}: what came, and what had been forecast from {len(windows)} origins"
    drawn = [inline_svg(draw_overlay(overlay, size), f"past-{i}-{n}", label) for n, size in enumerate(view.sizes)]
    columns = {"actual": bt.actual[s, windows]} | dict(zip(view.models[:2], overlay.said.values(), strict=True))
    if overlay.band is not None:
        level = f"{bt.plan.levels[0]:g} %"
        columns |= {f"{view.model} from {level}": overlay.band[0], f"{view.model} to {level}": overlay.band[1]}
    rows = [
        [time, *(number(values[w, k], 5) for values in columns.values())]
        for w in range(len(windows))
        for k, time in enumerate(view.times(overlay.said_times[w]))
    ]
    behind = table(["time", *columns], rows, caption=f"Backtest of {name}")
    return chart(drawn, name, remark=view.remark(i), numbers=behind)


def newest_windows(bt: Backtest, s: int) -> NDArray[np.int64]:
    """Numbers of the newest windows of series `s` that do not overlap, oldest first."""
    chosen: list[int] = []
    most = max(1, min(MOST_WINDOWS, MOST_TARGETS // bt.plan.horizon))
    for w in np.flatnonzero(bt.origins[s] >= 0)[::-1]:
        if len(chosen) < most and (not chosen or bt.times[s, w, -1] < bt.times[s, chosen[-1], 0]):
            chosen.append(int(w))
    return np.array(chosen[::-1], np.int64)


def overlay_of(view: View, bt: Backtest, i: int, s: int, windows: NDArray[np.int64]) -> Overlay:
    """Some windows of series `s` of the backtest, which is number `i` of the panel, and some rows before."""
    cutoffs, said_times = bt.cutoffs[s, windows], bt.times[s, windows]
    times, actual = view.panel.times[view.panel.offsets[i] : view.panel.offsets[i + 1]], view.panel.series(i)
    lead = int(np.clip(bt.plan.horizon, 12, 120))
    first = max(0, int(np.searchsorted(times, cutoffs[0], side="right")) - lead)
    last = int(np.searchsorted(times, said_times[-1, -1], side="right"))
    outcomes = {colour_of(name, view.models): bt.outcomes(name) for name in view.models[:2]}
    bounds = levels_to_quantiles(bt.plan.levels[:1])
    low, high = (outcomes[0].at(q)[s, windows] for q in (bounds[0], bounds[-1]))
    return Overlay(
        times=times[first:last],
        actual=actual[first:last],
        cutoffs=cutoffs,
        said_times=said_times,
        said={colour: said.at(0.5)[s, windows] for colour, said in outcomes.items()},
        band=(low, high) if bt.plan.levels else None,
    )
