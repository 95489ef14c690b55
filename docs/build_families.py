"""Write docs/images/synthetic/*.svg: a picture of every family of generated series. `python docs/build_families.py`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from foregate.data.synthetic import KINDS, generate_batch
from foregate.data.synthetic.calendars import CALENDARS
from foregate.data.synthetic.counts import COUNTS
from foregate.data.synthetic.days import day_profile, solar
from foregate.data.synthetic.draws import Floats
from foregate.data.synthetic.events import EVENTS, GAPS
from foregate.data.synthetic.kernels import kernel
from foregate.data.synthetic.noises import NOISES
from foregate.data.synthetic.seasons import EVOLUTIONS, SHAPES
from foregate.data.synthetic.trends import TRENDS
from foregate.data.synthetic.values import LINKS, ROUNDINGS

FOLDER = Path(__file__).resolve().parent / "images" / "synthetic"
EACH = 3
"""Series per family."""
STEPS = 120
PERIOD = 24.0
COLOURS = ("#1f5fa8", "#c2571a", "#3f8f4f")

Rows = dict[str, Floats]


def _draw(families: dict[str, Callable[[np.random.Generator], Floats]]) -> Rows:
    # Each family from a generator of its own: a new one does not change the pictures of the others.
    return {name: draw(np.random.default_rng(11)) for name, draw in families.items()}


def _phase() -> Floats:
    return np.repeat(np.arange(STEPS)[None] / PERIOD, EACH, axis=0)


def _parts(rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    table = SHAPES["smooth"](rng, EACH, int(PERIOD))
    season = EVOLUTIONS["fixed"](rng, table, _phase())
    return 1.5 * TRENDS["growth"](rng, EACH, STEPS), 0.25 * season, 0.08 * NOISES["white"](rng, EACH, STEPS)


def _rate(rng: np.random.Generator) -> Floats:
    rate: Floats = np.exp(0.8 * _parts(rng)[1] * 4) * np.array([[0.4], [1.5], [6.0]])
    return rate


def _gaps(name: str, rng: np.random.Generator) -> Floats:
    trend, season, noise = _parts(rng)
    return np.where(GAPS[name](rng, EACH, STEPS), trend + season + noise, np.nan)


def sheets() -> dict[str, Rows]:
    """The series of each picture, by file name and family."""
    days = 24 * 10
    size = np.array([[0.25], [0.5], [0.8]])
    shapes = {n: (lambda r, f=f: np.tile(f(r, EACH, 24), 5)) for n, f in SHAPES.items()}
    evolutions = {n: (lambda r, f=f: f(r, SHAPES["smooth"](r, EACH, 24), _phase())) for n, f in EVOLUTIONS.items()}
    calendars = {f"{f.__name__} (season {m})": (lambda r, f=f: f(r, EACH, 2 * STEPS)) for m, f in CALENDARS.items()}
    others: dict[str, Callable[[np.random.Generator], Floats]] = {
        "days": lambda r: np.exp(day_profile(r, days, (24, 168), size, np.ones((EACH, 1)))),
        "solar": lambda r: np.exp(solar(r, EACH, days, 24)),
        "kernel": lambda r: kernel(r, EACH, STEPS, (24, 1)),
    }
    return {
        "trends": _draw({n: (lambda r, f=f: f(r, EACH, STEPS)) for n, f in TRENDS.items()}),
        "seasons": _draw({**shapes, **evolutions}),
        "noises": _draw({n: (lambda r, f=f: f(r, EACH, STEPS)) for n, f in NOISES.items()}),
        "days": _draw({**others, **calendars}),
        "counts": _draw({n: (lambda r, f=f: f(r, _rate(r))) for n, f in COUNTS.items()}),
        "links": _draw({n: (lambda r, f=f: f(r, *_parts(r))) for n, f in LINKS.items()})
        | _draw({n: (lambda r, f=f: f(r, 20 + 20 * _parts(r)[0])) for n, f in ROUNDINGS.items()}),
        "events": _draw({n: (lambda r, f=f: f(r, EACH, STEPS)) for n, f in EVENTS.items()})
        | _draw({n: (lambda r, n=n: _gaps(n, r)) for n in GAPS}),
        "drawn": _drawn(),
    }


def _drawn() -> Rows:
    """One series of each kind from its prior, three times."""
    rows: Rows = {}
    for i, kind in enumerate(KINDS):
        batch = generate_batch(np.random.default_rng(i), EACH, min(240, kind.longest), kind.seasons, kind.prior)
        rows[kind.name] = np.where(batch.mask, batch.values, np.nan)
    return rows


def picture(rows: Rows, path: Path) -> None:
    """A column per family, its series below one another, each in its own units."""
    import matplotlib
    from matplotlib.figure import Figure

    across = 5
    down = -(-len(rows) // across)
    # A fixed salt and no date: the same series give the same file.
    with matplotlib.rc_context({"svg.hashsalt": "foregate", "svg.fonttype": "none", "path.simplify_threshold": 0.5}):
        height = 1.75 * down + 0.1
        figure = Figure((2.2 * across, height))
        grid = figure.add_gridspec(down, across, hspace=0.28, wspace=0.08, left=0.01, right=0.99)
        grid.update(top=1 - 0.25 / height, bottom=0.05 / height)
        for i, (name, series) in enumerate(rows.items()):
            inner = grid[i // across, i % across].subgridspec(EACH, 1, hspace=0.06)
            for j, y in enumerate(series):
                axes = figure.add_subplot(inner[j])
                axes.plot(y, color=COLOURS[j], linewidth=0.8)
                axes.set_xlim(0, len(y) - 1)
                axes.set_axis_off()
                if j == 0:
                    axes.set_title(name.replace("_", " "), fontsize=8, pad=2, loc="left")
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None}, facecolor="white")


def main() -> None:
    """Write every picture."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, rows in sheets().items():
        picture(rows, FOLDER / f"{name}.svg")


if __name__ == "__main__":
    main()
