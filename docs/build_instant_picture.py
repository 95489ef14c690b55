"""Draw the README's first picture: the pretrained network on four real series, none of which it was trained on.

    python docs/build_instant_picture.py

The last stretch of each series is held back, forecast at once, and drawn over the forecast.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
import statsmodels.api as sm
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from foregate import Forecaster, Panel, read
from foregate.data import co2, regularize

INK, PAST, BLUE, CAME = "#1f2430", "#6b7280", "#2563eb", "#d9480f"
PLACE = Path(__file__).parent / "images" / "instant.svg"


def cases() -> list[tuple[str, NDArray[np.float64], str, int, int, int]]:
    """Title, values, frequency, season, horizon and rows of history to show."""
    data = sm.datasets
    warmth = data.elnino.load_pandas().data.drop(columns="YEAR").to_numpy().ravel()
    return [
        ("CO2 above Mauna Loa, weekly, 59 weeks missing", regularize(read(co2())).series(0), "W-SAT", 52, 52, 260),
        (
            "US gross domestic product, quarterly",
            data.macrodata.load_pandas().data["realgdp"].to_numpy(),
            "QS",
            4,
            16,
            80,
        ),
        ("sea surface temperature (El Niño), monthly", warmth, "MS", 12, 24, 120),
        ("sunspots, yearly", data.sunspots.load_pandas().data["SUNACTIVITY"].to_numpy(), "YS", 11, 22, 120),
    ]


def draw(axes: Axes, title: str, y: NDArray[np.float64], freq: str, season: int, horizon: int, shown: int) -> None:
    """One series: its past, its forecast, and what came."""
    past = Panel.from_arrays([y[:-horizon]], freq=freq, start=np.datetime64("1960-01-02", "us"))
    said = Forecaster.pretrained(horizon, season_length=season).forecast(past, level=[80, 95])
    ahead = np.arange(horizon)
    axes.plot(np.arange(-shown, 0), y[-horizon - shown : -horizon], color=PAST, lw=1)
    for level, shade in ((95, 0.15), (80, 0.25)):
        low, high = said.interval(level)
        axes.fill_between(ahead, low[0], high[0], color=BLUE, alpha=shade, lw=0)
    axes.plot(ahead, said.median[0], color=BLUE, lw=1.6)
    axes.plot(ahead, y[-horizon:], color=CAME, lw=1)
    axes.set_title(title, loc="left", fontsize=10, color=INK)
    axes.tick_params(labelsize=8, colors=PAST, length=0)
    axes.set_xticks([])
    for side in ("top", "right", "bottom", "left"):
        axes.spines[side].set_visible(False)
    axes.grid(axis="y", color="#e5e7eb", lw=0.7)
    axes.set_axisbelow(True)


def main() -> None:
    """Draw and save."""
    mpl.rcParams["svg.hashsalt"] = "foregate"
    mpl.rcParams["svg.fonttype"] = "none"
    mpl.rcParams["font.family"] = "sans-serif"
    figure = Figure(figsize=(12, 5.4), layout="constrained")
    axes = figure.subplots(2, 2).ravel()
    for each, case in zip(axes, cases(), strict=True):
        draw(each, *case)
    handles = [
        mpl.lines.Line2D([], [], color=PAST, lw=1, label="history"),
        mpl.lines.Line2D([], [], color=BLUE, lw=1.6, label="forecast, with its 80 and 95 % intervals"),
        mpl.lines.Line2D([], [], color=CAME, lw=1, label="what came"),
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=3, frameon=False, fontsize=9)
    figure.savefig(PLACE, metadata={"Date": None}, facecolor="white")


if __name__ == "__main__":
    main()
