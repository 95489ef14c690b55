"""The parts of the report that tell what is forecast, from what data, by what model, and how to go on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from foregate.core import Panel
from foregate.data.audit import Audit, Finding
from foregate.reporting.canvas import inline_svg
from foregate.reporting.figures import SHADES, Curve, draw_curves, draw_fan, fan_of
from foregate.reporting.page import chart, facts, grid, items, key, number, paragraph, section, swatch, table
from foregate.reporting.theme import DASHES
from foregate.reporting.view import View, short

__all__ = ["data_section", "done_section", "forecast_section", "head", "next_section"]

MOST_FINDINGS, MOST_PLACES, MOST_NOTES = 30, 5, 40
"""What is told one by one; the rest is counted."""
_FACTS = {
    "seasons": ("Seasons", "steps"),
    "parameters": ("Size of the network", "weights"),
    "start": ("Training began with", ""),
    "steps": ("Training", "steps"),
    "best_step": ("Best weights after", "steps"),
    "finish_steps": ("Then on the newest rows too", "steps"),
    "held_out_series": ("Held-out origins of", "series"),
    "instant_validation": ("Loss there of the instant forecaster", ""),
    "validation": ("Loss there after training", ""),
    "trust": ("Share of what was learnt that is kept", ""),
    "seconds": ("Time", "seconds"),
}
"""Fact about a fit -> label and unit."""
_SEVERITY = {"error": "Error", "warning": "Warning", "info": "Note"}


def head(view: View, title: str, model: Mapping[str, Any], names: Sequence[str]) -> str:
    """Title, verdict, the figures that matter most, and links to the sections."""
    links = "".join(f'<a href="#{_key(name)}">{escape(name)}</a>' for name in names)
    tiles = "".join(
        f'<div class="tile"><span>{escape(label)}</span><b>{escape(figure)}</b><span>{escape(aside)}</span></div>'
        for label, figure, aside in _tiles(view, model)
    )
    return (
        f'<header><h1>{escape(title)}</h1><p class="verdict">{escape(_verdict(view)).replace(" %", "&nbsp;%")}</p>'
        f'<div class="tiles">{tiles}</div><nav aria-label="Sections">{links}</nav></header>'
    )


def _key(name: str) -> str:
    return name.lower().replace(" ", "-")


def _verdict(view: View) -> str:
    if view.board is None:
        return "No backtest was run: how good these forecasts are is not known."
    if view.other is None:
        said = number(view.board[view.model].overall[view.measure])
        return f"{view.model} was tested alone: {view.measured} {said}, with no other model to compare it with."
    return view.board.verdict(view.model, view.other)


def _tiles(view: View, model: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    panel = view.panel
    tiles = [("Series", f"{len(panel):,}", f"{int(panel.mask.sum()):,} values")]
    if view.forecast is not None:
        tiles.append(("Horizon", f"{view.forecast.horizon:,} step{'s' * (view.forecast.horizon > 1)}", view.step))
    if view.board is not None:
        overall = view.board[view.model].overall
        against = f"{view.other} {number(view.board[view.other].overall[view.measure])}" if view.other else ""
        tiles.append((view.measured, number(overall[view.measure]), against))
        levels = view.backtest.plan.levels if view.backtest else ()
        tiles += [
            (f"{level:g} % interval", f"{overall[f'coverage-{level:g}']:.1f} %", "of outcomes inside")
            for level in levels
        ]
    if isinstance(model.get("seconds"), (int, float)):
        steps = f"{model['steps']:,} steps" if isinstance(model.get("steps"), int) else ""
        tiles.append(("Training", f"{number(model['seconds'])} s", steps))
    return tiles


def forecast_section(view: View) -> str:
    """The last stretch of the series, and their forecasts."""
    if view.forecast is None:
        return ""
    entries = [(swatch("ink"), "history"), (swatch("model-0"), "forecast (median)")]
    entries += [
        (swatch("model-0", shade=shade, band=True), f"{level:g} % interval")
        for level, shade in zip(view.levels, SHADES, strict=False)
    ]
    charts = [_fan(view, i, k) for i, k in view.series_in(view.forecast.ids)]
    zone = view.panel.spec.time_zone
    clock = f"the clock of {zone}" if view.panel.spec.wall_clock else "UTC"
    where = f" Times are {clock}." if zone else ""
    horizon, spec = view.forecast.horizon, view.panel.spec
    units = "each target" if spec.target_cols else short(spec.target_col)
    lead = f"{horizon:,} step{'s' * (horizon > 1)} ahead, in the units of {units}. {view.sampling}{where}"
    return section("forecast", "Forecast", paragraph(lead), key(entries), grid(charts))


def _fan(view: View, i: int, k: int) -> str:
    assert view.forecast is not None
    forecast = view.forecast
    fan = fan_of(view.panel, forecast, k, level=view.levels, history=_history(view))
    label = f"History and forecast of {view.called(i)}, {forecast.horizon} steps ahead"
    drawn = [inline_svg(draw_fan(fan, size), f"fan-{i}-{n}", label) for n, size in enumerate(view.sizes)]
    columns = ["time", "median", *(f"{side} {level:g} %" for level in view.levels for side in ("from", "to"))]
    rows = [
        [time, number(fan.median[step], 5), *(number(bound[step], 5) for pair in fan.bands for bound in pair)]
        for step, time in enumerate(view.times(fan.times))
    ]
    name = view.called(i)
    return chart(drawn, name, remark=view.remark(i), numbers=table(columns, rows, caption=f"Forecast of {name}"))


def _history(view: View) -> int:
    """Rows of history to show: some horizons and two seasons, as far as they can be told apart on a screen."""
    horizon = view.forecast.horizon if view.forecast else 1
    usual = view.panel.freq.seasons() if view.panel.freq is not None else ()
    long = max((season for season in usual if season <= 200), default=1)
    return int(np.clip(max(4 * horizon, 2 * long), 60, 600))


def data_section(audit: Audit | None, panel: Panel) -> str:
    """What the audit found."""
    if audit is None:
        return ""
    shown = "".join(_finding(one) for one in audit.findings[:MOST_FINDINGS])
    more = len(audit.findings) - MOST_FINDINGS
    rest = paragraph(f"and {more} more findings") if more > 0 else ""
    found = (
        f'<ul class="findings">{shown}</ul>{rest}'
        if shown
        else paragraph("The audit found nothing out of the ordinary.")
    )
    return section(
        "data", "Data", found, f'<div class="sheet">{facts(audit.rows(), caption="The data in figures")}</div>'
    )


def _finding(one: Finding) -> str:
    places = [
        f"{short(span.id)}: {span.first} to {span.last} ({span.count:,})"
        if span.first != span.last
        else f"{short(span.id)}: {span.first}"
        for span in one.ranges[:MOST_PLACES]
    ]
    more = f" and {len(one.ranges) - MOST_PLACES} more" if len(one.ranges) > MOST_PLACES else ""
    where = f'<span class="where">{escape("; ".join(places) + more)}</span>' if places else ""
    return (
        f'<li class="{escape(one.severity)}"><span class="mark">{_SEVERITY[one.severity]}</span>'
        f"{escape(_cut(one.message))}{where}</li>"
    )


def done_section(notes: Sequence[str], model: Mapping[str, Any]) -> str:
    """How the model was trained, and what was decided, changed and found out on the way."""
    known = {name: value for name, value in model.items() if value is not None}
    rows = [(label, f"{_plain(known[name])} {unit}".strip()) for name, (label, unit) in _FACTS.items() if name in known]
    rows += [(name.replace("_", " "), _plain(v)) for name, v in model.items() if name not in _FACTS and _is_fact(v)]
    history = list(model.get("history", ()))
    parts = [_loss(history, model.get("best_step"))] if history else []
    parts += [f"<figure><h3>The fit</h3>{facts(rows, caption='The fit')}</figure>"] if rows else []
    lines = [_cut(note) for note in notes[:MOST_NOTES]]
    lines += [f"and {len(notes) - MOST_NOTES} more"] if len(notes) > MOST_NOTES else []
    shown = grid(parts) if parts else ""
    return section("what-was-done", "What was done", shown, items(lines)) if parts or lines else ""


def _loss(history: Sequence[Mapping[str, Any]], best: object) -> str:
    """The curve of training."""
    shown = [[row[name] for name in ("step", "loss", "score")] for row in history]
    numbers = np.array([[np.nan if v is None else v for v in row] for row in shown], np.float64)
    steps, loss, score = np.where(np.isfinite(numbers), numbers, np.nan).T
    curves, entries = [Curve(steps, loss, 1, 1)], [(swatch("model-1", DASHES[1]), "training")]
    if np.isfinite(score).any():
        curves.insert(0, Curve(steps, score))
        entries.insert(0, (swatch("model-0"), "held-out origins"))
    mark = float(best) if isinstance(best, int) else None
    svg = inline_svg(draw_curves(curves, "training step", mark=mark), "loss", "Loss by training step")
    rows = [[f"{int(a):,}", number(b, 4), number(c, 4)] for a, b, c in zip(steps, loss, score, strict=True)]
    behind = table(["step", "training", "held out"], rows, caption="Loss by training step")
    note = "Mean quantile loss, in units of each series' scale."
    note += f" The weights of step {best:,} were kept (dotted line)." if isinstance(best, int) else ""
    return chart([key(entries) + svg], "Loss", note=note, numbers=behind)


def _is_fact(value: object) -> bool:
    return isinstance(value, (str, int, float))


def _plain(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "no"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return short(value)
    return f"{value:,}" if isinstance(value, int) else number(value)


def next_section(steps: Sequence[tuple[str, str]]) -> str:
    """Commands to go on with."""
    body = "".join(f"<dt>{escape(command)}</dt><dd>{escape(good)}</dd>" for command, good in steps)
    return section("how-to-go-on", "How to go on", f"<dl>{body}</dl>") if body else ""


def _cut(message: str) -> str:
    return message if len(message) <= 600 else message[:599] + "…"
