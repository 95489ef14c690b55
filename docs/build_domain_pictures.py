"""Draw the pictures of the pages on demand and on share prices, from what their examples measure; they print it, too.

    FOREGATE_DATA=… python docs/build_domain_pictures.py [energy_demand] [stock_prices]

Drawn are means and shares, never the series themselves.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

HERE = Path(__file__).parent
INK, SOFT, COLOURS = "#1f2430", "#6b7280", ("#6b7280", "#d9480f", "#2563eb", "#0f766e")
STYLES = (":", "--", "-", "-.")
DRAWN = 21
"""Days back whose influence is shown."""


def energy_demand(left: Axes, right: Axes, told: dict[str, Any]) -> None:
    """Error by hour of the day, and what a warmer and a colder day would be."""
    for (name, hours), colour, style in zip(told["hours"].items(), COLOURS, STYLES, strict=True):
        left.plot(np.arange(24), hours, color=colour, linestyle=style, lw=1.8, label=name)
    titled(left, "Mean absolute error by hour, MW", "hour of the day")
    left.set_ylim(0)
    left.legend(frameon=False, fontsize=8)
    for change, colour, style in (("+5", COLOURS[1], "-"), ("-5", COLOURS[2], "--")):
        right.plot(np.arange(24), told[change], color=colour, linestyle=style, lw=1.8, label=f"{change} °C all day")
    right.axhline(0, color=SOFT, lw=0.8)
    titled(right, "Demand would be higher by, MW", "hour of the day")
    right.legend(frameon=False, fontsize=8)


def stock_prices(left: Axes, right: Axes, told: dict[str, Any]) -> None:
    """What the forecast leans on, and that wide intervals are right to be wide."""
    shares = told["memory"]["share"].to_numpy()[:DRAWN]
    left.bar(np.arange(len(shares)), shares, color=COLOURS[2])
    titled(left, "Influence on the forecast, by that of the last price", "days back")
    left.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    moves = told["moves"]
    right.bar(np.arange(1, len(moves) + 1), moves, color=COLOURS[1])
    titled(right, "Mean move over the week", "fifth of the weeks, from the narrowest interval to the widest")
    right.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))


def titled(axes: Axes, title: str, label: str) -> None:
    """Words and lines of one picture."""
    axes.set_title(title, loc="left", fontsize=10, color=INK)
    axes.set_xlabel(label, fontsize=8, color=SOFT)
    axes.tick_params(labelsize=8, colors=SOFT, length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.grid(axis="y", color="#e5e7eb", lw=0.7)
    axes.set_axisbelow(True)


def main(names: list[str]) -> None:
    """Run the examples, draw and save."""
    mpl.rcParams["svg.hashsalt"] = "foregate"
    mpl.rcParams["svg.fonttype"] = "none"
    mpl.rcParams["font.family"] = "sans-serif"
    for draw in (energy_demand, stock_prices):
        if names and draw.__name__ not in names:
            continue
        told = runpy.run_path(str(HERE.parent / "examples" / f"{draw.__name__}.py"))["main"]()
        figure = Figure(figsize=(10, 3.4), layout="constrained")
        draw(*figure.subplots(1, 2), told)
        place = HERE / "images" / f"{draw.__name__.replace('_', '-')}.svg"
        figure.savefig(place, metadata={"Date": None}, facecolor="white")


if __name__ == "__main__":
    main(sys.argv[1:])
