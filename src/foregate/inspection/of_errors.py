"""Findings from the errors of the past; see `foregate.inspection.errors`.

Windows of one series are near one another in time, and steps of one window go together: what is tested is the mean of
each window, of which there is one per series and origin.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from foregate.core import Panel, evenly, listed
from foregate.data.inputs import Inputs
from foregate.forecasting.fitted import Fitted
from foregate.inspection.errors import MOST_ROWS, Errors, autocorrelations, ljung_box
from foregate.inspection.finding import Finding

__all__ = ["bias", "dominance", "intervals", "jumps", "left_over", "skill"]

FloatArray = NDArray[np.float64]

FEWEST = 6
"""Windows of which a mean is tested."""
SURE = 3.0
"""Standard errors that a mean must lie off."""
WORSE = 1.1
"""Times the error of the seasonal naive forecast from which a model is called worse."""
LEAST_ROWS = 30
"""Errors of a series whose autocorrelation is tested."""
STRONG, MILD = 0.35, 0.2
"""Autocorrelation of errors that is a warning, and a note, where the test rejects."""
REJECTED = 1e-3
"""The p-value below which it does."""
LEANS, LEANS_MUCH = 0.2, 0.3
"""Share of the actual values beyond one half that lie on one side of the median, for a warning and a problem."""
NOMINAL = 0.8
"""What the intervals should hold."""
NARROW, WIDE = 0.12, 0.17
"""How far off coverage must be."""
RULES = 0.5
"""Share of the loss that one series must have to rule it."""
TIMES_FAIR = 4.0
"""And so many times its fair share."""
FEWEST_SERIES = 5
TIMES_SEEN, LEAST_JUMP = 3.0, 8.0
"""A jump is unseen if it is so many times the largest in training, and so many units of scale."""
SETTLED = 10
"""Rows that a series must have been seen for before its jumps count."""


def skill(errors: Errors) -> Iterator[Finding]:
    """Worse than going on as a season before."""
    own, naive = (np.abs(errors.actual - said) for said in (errors.said[..., 1], errors.naive))
    both = np.isfinite(own) & np.isfinite(naive)
    own, naive = (_means(np.where(both, each, np.nan)) for each in (own, naive))
    if len(own) < FEWEST or not naive.mean() > 0:
        return
    ratio = own.mean() / naive.mean()
    surplus = own - WORSE * naive
    if ratio <= WORSE or not _off(surplus) > SURE:
        return
    yield Finding(
        "underfitting",
        "problem" if ratio > 1.5 else "warning",
        f"Forecasts are {ratio - 1:.0%} worse than going on as {'a season' if errors.season > 1 else 'a row'} before.",
        {
            "error": float(own.mean()),
            "error of the naive forecast": float(naive.mean()),
            "windows": len(own),
            "standard errors off": float(_off(surplus)),
        },
        "Train longer, begin with the pretrained weights, or make the network larger.",
        'effort="best"',
    )


def left_over(errors: Errors) -> Iterator[Finding]:
    """One-step errors that foretell one another."""
    enough = [row[np.flatnonzero(np.isfinite(row))[0] :] for row in errors.one_step if np.isfinite(row).any()]
    enough = [row for row in enough if np.isfinite(row).sum() >= LEAST_ROWS and np.nanstd(row) > 0]
    if not enough:
        return
    lags = [max(1, min(2 * errors.season if errors.season > 1 else 10, len(row) // 5)) for row in enough]
    tests = [ljung_box(row, m) for row, m in zip(enough, lags, strict=True)]
    p = _together([statistic for statistic, _ in tests], lags)
    most = max(lags)
    known = [np.r_[autocorrelations(row, m), np.full(most - m, np.nan)] for row, m in zip(enough, lags, strict=True)]
    mean = np.nanmean(known, 0)
    lag = int(np.argmax(np.abs(mean))) + 1
    strongest = float(mean[lag - 1])
    if p > REJECTED or abs(strongest) < MILD:
        return
    rejected = sum(each < 0.05 for _, each in tests)
    yield Finding(
        "errors left over",
        "warning" if abs(strongest) >= STRONG else "note",
        f"One-step errors are not independent: those {lag} row{'s' * (lag > 1)} apart go together by {strongest:.2f}, "
        "so there is something left to learn.",
        {
            "lag": lag,
            "autocorrelation": strongest,
            "Ljung-Box p of all": p,
            "series rejected at 5 %": f"{rejected} of {len(enough)}",
            "lags tested": most,
        },
        *_what_to_try(lag, errors.season, peak=strongest > 2 * max(_beside(mean, lag), 0)),
    )


def bias(errors: Errors) -> Iterator[Finding]:
    """Medians that lie above or below what comes, at which steps."""
    known = np.isfinite(errors.actual)
    side = np.where(known, (errors.actual > errors.said[..., 1]) + 0.5 * (errors.actual == errors.said[..., 1]), np.nan)
    windows = _means(side) - 0.5
    if len(windows) < FEWEST:
        return
    lean = float(windows.mean())
    if abs(lean) < LEANS or not abs(_off(windows)) > SURE:
        return
    by_step = np.nanmean(side.reshape(-1, side.shape[-1]), 0)
    error = np.nanmean((errors.said[..., 1] - errors.actual).reshape(-1, side.shape[-1]), 0)
    worst = int(np.argmax(np.abs(by_step - 0.5)))
    yield Finding(
        "bias",
        "problem" if abs(lean) >= LEANS_MUCH else "warning",
        f"Medians are too {'low' if lean > 0 else 'high'}: {by_step.mean():.0%} of the actual values lie above them, "
        f"most one-sidedly {worst + 1} step{'s' * (worst > 0)} ahead.",
        {
            "share above the median": [round(float(x), 2) for x in _few(by_step)],
            "mean error": [round(float(x), 3) for x in _few(error)],
            "at steps": [int(x) + 1 for x in _few(np.arange(len(error)))],
            "windows": len(windows),
        },
        "Train on with the newest rows, model.fit(data, warm=True), so that the level that series have now is learnt; "
        "or train from the beginning for longer.",
        'effort="best"',
    )


def intervals(errors: Errors, *, learnt: bool) -> Iterator[Finding]:
    """80 % intervals that hold much less or more than 80 %; more is no wonder where the rows were learnt from."""
    known = np.isfinite(errors.actual)
    low, high = errors.said[..., 0], errors.said[..., 2]
    inside = np.where(known, (errors.actual >= low) & (errors.actual <= high), np.nan)
    windows = _means(inside)
    if len(windows) < FEWEST:
        return
    held = float(windows.mean())
    sure = max(float(windows.std(ddof=1)), 0.1) / np.sqrt(len(windows)) * SURE
    by_step = np.nanmean(inside.reshape(-1, inside.shape[-1]), 0)
    evidence = {
        "coverage of 80 %": held,
        "by step": [round(float(x), 2) for x in _few(by_step)],
        "at steps": [int(x) + 1 for x in _few(np.arange(len(by_step)))],
        "windows": len(windows),
    }
    if held < NOMINAL - NARROW - sure:
        yield Finding(
            "intervals too narrow",
            "problem" if held < 0.5 else "warning",
            f"Intervals that should hold 80 % of the actual values hold {held:.0%}.",
            evidence,
            "Fit anew with the newest rows, so that widths are calibrated on them, and with held-out rows; a head with "
            "heavier tails helps where single values lie far out.",
            'model="student-t"',
        )
    elif held > NOMINAL + WIDE and held - sure > NOMINAL:
        yield Finding(
            "intervals too wide",
            "note" if learnt else "warning",
            f"Intervals that should hold 80 % of the actual values hold {held:.0%}: they could be narrower.",
            evidence,
            "Fit anew, so that widths are calibrated on the newest rows, with more held-out windows: longer series or "
            "a shorter horizon give these.",
            'options={"validate": True}',
        )


def dominance(errors: Errors, power: float) -> Iterator[Finding]:
    """One series that has most of the training loss, which weighs by the relative scale to a power."""
    lost = errors.in_scale * errors.weight**power
    lost = np.where(np.isfinite(lost), lost, 0)
    if len(lost) < FEWEST_SERIES or not lost.sum() > 0:
        return
    share = lost / lost.sum()
    top = int(np.argmax(share))
    if share[top] < RULES or share[top] < TIMES_FAIR / len(share):
        return
    name = str(errors.ids[top])
    yield Finding(
        "one series rules the loss",
        "warning",
        f"Of the loss that is trained by, {share[top]:.0%} is that of {name!r}, one of {len(share)} series.",
        {
            "series": name,
            "share": float(share[top]),
            "fair share": 1 / len(share),
            "its loss": float(errors.in_scale[top]),
            "median loss": float(np.median(errors.in_scale)),
        },
        f'Weigh it less, model.fit(data, weights={{"{name}": {_fair(share, top):.2g}}}), or look whether its values '
        "are sound: foregate audit.",
    )


def jumps(fitted: Fitted, panel: Panel, learnt: Panel) -> Iterator[Finding]:
    """Moves from one row to the next, in units of scale, that nothing in training was like."""
    if panel is learnt:
        return
    seen, _ = _moves(fitted, learnt)
    sizes, series = _moves(fitted, panel, learnt)
    largest = float(seen.max(initial=0.0))
    far = sizes > max(TIMES_SEEN * largest, LEAST_JUMP)
    if not far.any():
        return
    which = panel.ids[np.unique(series[far])]
    yield Finding(
        "jumps unseen in training",
        "warning",
        f"{int(far.sum())} of {len(sizes):,} new rows, of {listed(which)}, move further than anything in training did.",
        {
            "largest move": float(sizes.max()),
            "largest in training": largest,
            "series": [str(name) for name in which[:5]],
        },
        "Train on with these rows, model.fit(data, warm=True), and look whether they are sound: foregate audit. Crops "
        "whose size changes on the way make the next such move no surprise.",
        'options={"augment": Augment(magnitude_warp=0.3)}',
    )


def _moves(fitted: Fitted, panel: Panel, known: Panel | None = None) -> tuple[FloatArray, NDArray[np.int64]]:
    """(M,) absolute moves in units of the scale a row before, and their series; of rows that `known` does not have."""
    panel = panel.tail(MOST_ROWS)
    inputs, rows = Inputs(panel, fitted.spec), np.arange(1, len(panel.values))
    series = panel.row_series[rows]
    within = (series == panel.row_series[rows - 1]) & panel.mask[rows] & panel.mask[rows - 1]
    if known is not None:
        there = np.isin(panel.ids, known.ids)
        of = dict(zip(known.ids.tolist(), known.last_times, strict=True))
        ends = np.array([of.get(name, panel.times[0]) for name in panel.ids.tolist()], panel.times.dtype)
        within &= ~there[series] | (panel.times[rows] > ends[series])
    rows, series = rows[within], series[within]
    before, at = inputs.near(rows - 1)
    t, earlier = before.tracks, before.tracks.here[at]
    level, scale, age = t.level[earlier], t.scale[earlier], t.age[earlier]
    after, at = inputs.near(rows)
    size = np.abs(after.tracks.level[after.tracks.here[at]] - level) / np.where(scale > 0, scale, 1)
    settled = (age >= SETTLED) & (scale > 0)
    return size[settled].astype(np.float64), series[settled]


def _together(statistics: list[float], lags: list[int]) -> float:
    """The p-value of tests of independent series, taken together: their statistics and degrees of freedom add up."""
    from scipy.stats import chi2

    return float(chi2.sf(sum(statistics), sum(lags)))


def _what_to_try(lag: int, season: int, *, peak: bool) -> tuple[str, str]:
    """What may be left, by where errors go together: at a peak of their autocorrelation there may be a season."""
    if peak and lag > 2 and lag != season:
        both = season > 1 and lag > season
        lengths = f"[{season}, {lag}]" if both else f"{lag}"
        return f"There seems to be a season of {lag} rows that it was not told of.", f"season_length={lengths}"
    return "Train longer, or give the network more units.", 'effort="best"'


def _beside(mean: FloatArray, lag: int) -> float:
    """The greater autocorrelation at the lags before and after one."""
    return float(np.nanmax(np.r_[mean[max(lag - 2, 0) : lag - 1], mean[lag : lag + 1], 0.0]))


def _means(values: FloatArray) -> FloatArray:
    """Means over the steps of each window that has any."""
    flat = values.reshape(-1, values.shape[-1])
    there = np.isfinite(flat).any(1)
    means: FloatArray = np.nanmean(flat[there], 1) if there.any() else np.zeros(0)
    return means


def _off(values: FloatArray) -> float:
    """How many standard errors the mean of windows lies off zero."""
    error = values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean() / max(error, 1e-9))


def _few(values: NDArray[np.generic]) -> NDArray[np.generic]:
    """At most six of the steps, evenly."""
    few: NDArray[np.generic] = values[evenly(len(values), 6)]
    return few


def _fair(share: FloatArray, top: int) -> float:
    """The weight at which a series would have its fair share."""
    others = (1 - share[top]) / (len(share) - 1)
    return float(others / share[top])
