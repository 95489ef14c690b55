"""What of the scores may be chance, and whether intervals mean what they say: pictures, and parts of the report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from foregate.evaluation import Calibration, Comparison, Ranks, calibration, compare
from foregate.reporting.canvas import BROAD, SMALL, inline_svg, light, new_axes, own_settings, value_axis
from foregate.reporting.page import chart, grid, items, key, number, paragraph, section, swatch, table
from foregate.reporting.theme import DASHES, LINES, colour_of
from foregate.reporting.view import View

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "calibration_charts",
    "difference_section",
    "draw_pit",
    "draw_ranks",
    "draw_reliability",
    "pit_chart",
    "rank_chart",
    "reliability_chart",
]


def reliability_chart(found: Calibration, size: tuple[int, int] = SMALL) -> Figure:
    """The reliability diagram: observed over nominal share of the outcomes below each quantile, with intervals.

    Args:
        found: see `foregate.evaluation.calibration`.
        size: width and height in pixels at 72 dpi.

    Returns:
        A matplotlib figure that pyplot does not know.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    with own_settings():
        return _titled(draw_reliability(found, size), f"Reliability of {found.model}")


def pit_chart(found: Calibration, size: tuple[int, int] = SMALL) -> Figure:
    """The PIT histogram: how often outcomes lie between two quantiles, over the expected; see `reliability_chart`."""
    with own_settings():
        return _titled(draw_pit(found, size), f"PIT histogram of {found.model}")


def rank_chart(found: Comparison, size: tuple[int, int] = SMALL) -> Figure:
    """Mean ranks with their intervals, best on top: models whose intervals do not touch differ; see `compare`."""
    with own_settings():
        order = np.argsort(found.ranks.mean, kind="stable")
        figure = draw_ranks(found.ranks, [int(i) for i in order], size)
        figure.axes[0].set_yticks(range(len(order)), [found.models[i] for i in order])
        return _titled(figure, f"Mean rank by {found.measure.upper()}")


def _titled(figure: Figure, title: str) -> Figure:
    figure.axes[0].set_title(title, loc="left", color=light("ink"), weight="bold", size=13)
    return figure


def draw_reliability(found: Calibration, size: tuple[int, int] = SMALL) -> Figure:
    """Points and intervals of the observed shares, and the diagonal on which they should lie."""
    figure, axes = new_axes(size)
    axes.plot([0, 100], [0, 100], color=light("soft"), linewidth=0.9, linestyle=(0, (2, 2)), zorder=1)
    x = 100 * found.quantiles
    axes.vlines(x, 100 * found.lower, 100 * found.upper, color=light("model-0"), alpha=0.45, linewidth=5)
    axes.plot(x, 100 * found.observed, color=light("model-0"), linewidth=1.2, marker="o", ms=4)
    axes.set_xlim(0, 100)
    axes.set_ylim(0, 100)
    ticks = range(0, 101, 20)
    axes.set_xticks(ticks, [f"{tick} %" for tick in ticks])
    axes.set_xlabel("nominal")
    value_axis(axes, [*ticks], " %")
    return figure


def draw_pit(found: Calibration, size: tuple[int, int] = SMALL) -> Figure:
    """A bar from quantile to quantile, as high as its share of the outcomes over the expected one, and a rule at 1."""
    figure, axes = new_axes(size)
    left, width = 100 * found.edges[:-1], 100 * np.diff(found.edges)
    axes.bar(
        left, found.density, width, align="edge", color=light("model-0"), alpha=0.55, edgecolor=light("card"), lw=0.8
    )
    axes.axhline(1, color=light("ink"), linewidth=1, linestyle=(0, (2, 2)))
    axes.set_xlim(0, 100)
    axes.set_ylim(0, max(1.5, 1.08 * float(found.density.max())))
    ticks = range(0, 101, 20)
    axes.set_xticks(ticks, [f"{tick} %" for tick in ticks])
    axes.set_xlabel("place within the forecast distribution")
    value_axis(axes)
    return figure


def draw_ranks(
    ranks: Ranks, order: Sequence[int], size: tuple[int, int] = SMALL, colours: Sequence[int] | None = None
) -> Figure:
    """A line per model along its interval, in `order` from the top; a band marks the interval of the best."""
    figure, axes = new_axes(size)
    axes.grid(visible=False)
    axes.grid(axis="x", color=light("line"), linewidth=0.8)
    best = int(np.argmin(ranks.mean))
    axes.axvspan(ranks.lower[best], ranks.upper[best], color=light("soft"), alpha=0.12, linewidth=0)
    for row, i in enumerate(order):
        colour = colours[i] if colours is not None else 0
        ink = light(f"model-{colour}")
        axes.plot([ranks.lower[i], ranks.upper[i]], [row, row], color=ink, linestyle=LINES[colour], linewidth=2.4)
        axes.plot(ranks.mean[i], row, "o", ms=7, color=ink)
    axes.set_ylim(len(order) - 0.5, -0.5)
    axes.set_yticks([])
    axes.set_xlabel("mean rank, 1 is best")
    return figure


def difference_section(view: View) -> str:
    """Which models can be told apart, over all series, and how they rank."""
    found = _compared(view)
    if found is None or view.other is None:
        return ""
    lead = (
        f"{found.verdict(view.model, view.other)} Differences in {view.measured} over all series are tested origin by "
        "origin (Diebold–Mariano with the small-sample correction), so that series which go wrong together count once."
    )
    head = ["Pair", f"Difference in {view.measured}", "p", "p of all pairs (Holm)", "origins"]
    p_values = ("p_value", "p_holm")
    rows = [
        [
            f"{row['model']} − {row['against']}",
            number(row["difference"]),
            *(_p(row[p]) for p in p_values),
            str(int(row["n"])),
        ]
        for row in found.frame("pairs").fill_null(float("nan")).to_dicts()
    ]
    body = f'<div class="sheet">{table(head, rows, caption="Tests of differences between models")}</div>'
    return section(
        "differences", "Differences", paragraph(lead), body, grid([_ranked(view, found)]), items(found.notes)
    )


def _compared(view: View) -> Comparison | None:
    """The comparison, where there is more than one model and something on which all have an error."""
    if view.backtest is None or view.board is None or len(view.models) < 2:
        return None
    errors = [score.by_forecast[view.measure] for score in view.board.scores]
    return compare(view.backtest, view.measure) if np.isfinite(errors).all(axis=0).any() else None


def _p(value: float) -> str:
    return "–" if not np.isfinite(value) else "< 0.001" if value < 0.001 else f"{value:.3f}"


def _ranked(view: View, found: Comparison) -> str:
    order = [int(i) for i in np.argsort(found.ranks.mean, kind="stable")]
    colours = [colour_of(name, view.models) for name in found.models]
    label = f"Mean ranks of {len(order)} models with their intervals"
    names = key((swatch(f"model-{colours[i]}", DASHES[colours[i]]), found.models[i]) for i in order)
    drawn = [
        names + inline_svg(draw_ranks(found.ranks, order, size, colours), f"ranks-{n}", label)
        for n, size in enumerate((BROAD, SMALL))
    ]
    rows = [
        [row["model"], *(number(row[name]) for name in ("rank", "lower", "upper"))]
        for row in found.frame("ranks").to_dicts()
    ]
    behind = table(["model", "mean rank", "from", "to"], rows, caption="Mean ranks and their intervals")
    note = (
        f"Best on top. Models whose intervals do not touch differ at {100 * found.ranks.alpha:g} %; that there is any "
        f"difference: p = {_p(found.ranks.p_value)}."
    )
    remark = f"by {view.measured} on {found.ranks.n:,} {found.ranked}"
    return chart(drawn, "Ranks", remark=remark, note=note, numbers=behind)


def calibration_charts(view: View) -> list[str]:
    """The reliability diagram and the PIT histogram of our model, with the tables behind them."""
    if view.backtest is None or not np.isfinite(view.backtest.actual).any():
        return []
    found = calibration(view.backtest, view.model)
    outcomes = f"{found.n:,} outcomes, which say as much as {number(found.effective)} independent ones"
    reliability = inline_svg(draw_reliability(found), "reliability", f"Reliability of the quantiles of {view.model}")
    rows = [
        [_percent(q), *(_percent(value) for value in told)]
        for q, *told in zip(found.quantiles, found.observed, found.lower, found.upper, strict=True)
    ]
    behind = table(["quantile", "below", "from", "to"], rows, caption=f"Outcomes below the quantiles of {view.model}")
    entries = key(
        [
            (swatch("model-0"), f"below the quantile, with {100 * (1 - found.alpha):g} % interval"),
            (swatch("soft", "2 3"), "as it should be"),
        ]
    )
    first = chart([entries + reliability], "Reliability", remark=view.model, note=f"{outcomes}.", numbers=behind)
    pit = inline_svg(draw_pit(found), "pit", f"Places of outcomes within the forecasts of {view.model}")
    rows = [
        [f"{_percent(a)} to {_percent(b)}", _percent(b - a), _percent(share), number(height)]
        for a, b, share, height in zip(found.edges, found.edges[1:], found.shares, found.density, strict=False)
    ]
    behind = table(["between", "expected", "observed", "ratio"], rows, caption=f"PIT histogram of {view.model}")
    note = f"1 is as expected; high ends: too narrow. Flat but for chance: p = {_p(found.p_value)}."
    return [first, chart([pit], "PIT histogram", remark=view.model, note=note, numbers=behind)]


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
