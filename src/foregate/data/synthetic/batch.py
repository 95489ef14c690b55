"""Draw a batch of series from a prior."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from foregate.core import UsageError
from foregate.data.synthetic.calendars import CALENDARS
from foregate.data.synthetic.counts import COUNTS
from foregate.data.synthetic.days import DARK, day_profile, solar
from foregate.data.synthetic.draws import Bools, Floats, Ints, chance, pick, signs, spread
from foregate.data.synthetic.events import EVENTS, GAPS
from foregate.data.synthetic.kernels import kernel
from foregate.data.synthetic.noises import NOISES
from foregate.data.synthetic.prior import DEFAULT, Prior
from foregate.data.synthetic.seasons import SHAPES, season
from foregate.data.synthetic.trends import TRENDS
from foregate.data.synthetic.values import LINKS, ROUNDINGS, within_range

__all__ = ["SyntheticBatch", "generate_batch"]

SHORTEST_DAY = 20
"""Steps that a season needs to be made of hours."""
NATURAL = {7: (365.25, 30.44, 14), 12: (30.0, 120.0), 24: (12.0, 168.0, 8766.0), 48: (24.0, 336.0), 52: (52.18, 26.0)}
"""Periods that series with a declared season often have without saying so."""
CLEAN = 0.1
"""Noise of clean series, and how their days differ, relative to those of others."""
LARGEST_STEP = 0.15
"""Of a random walk, standard deviation in logarithms."""
WIDEST_COUNTS = 4.0
"""Largest range of the logarithm of expected counts."""


@dataclass(frozen=True, eq=False)
class SyntheticBatch:
    """Series of one length with the same declared seasons."""

    values: Floats
    """(S, T), finite. Under the mask they are what would have been observed."""
    mask: Bools
    """(S, T), True where observed: at least one step of each series."""
    seasons: tuple[int, int]
    """The declared seasons in steps; 1 for none."""
    names: tuple[tuple[str, ...], ...]
    """Of each series, the parts that it is made of."""


class _Draft:
    """Parts of the series while they are drawn: trend, season and noise (S, T) in logarithms, and the parts' names."""

    def __init__(self, rng: np.random.Generator, n: int, length: int, seasons: tuple[int, int], prior: Prior) -> None:
        self.rng, self.n, self.length, self.seasons, self.prior = rng, n, length, seasons, prior
        self.trend, self.season, self.noise = np.zeros((3, n, length))
        self.closed = np.zeros((n, length), np.bool_)
        self.names: list[list[str]] = [[] for _ in range(n)]
        self.noise_size = spread(rng, prior.noise_size, n)
        self.steady = np.ones((n, 1))
        self.steady[chance(rng, prior.clean, n)] = CLEAN
        self.noise_size *= self.steady
        self.makes = self._makes()

    def say(self, name: str, rows: Ints) -> None:
        for row in rows.tolist():
            self.names[row].append(name)

    def _makes(self) -> dict[str, Ints]:
        weights = dict(self.prior.makes)
        if self.seasons[0] < SHORTEST_DAY or self.seasons[0] == 52:
            weights = {name: w for name, w in weights.items() if name not in ("days", "solar")}
        if not any(weights.values()):
            raise UsageError(
                f"makes must leave something to draw for seasons {self.seasons}, but got {dict(self.prior.makes)}. "
                f"Days and solar need a season of {SHORTEST_DAY} steps or more; give structural a weight."
            )
        found = dict(pick(self.rng, weights, self.n))
        for name, rows in found.items():
            self.say(name, rows)
        return found

    def rows(self, *makes: str) -> Ints:
        """The series of these makes, in order."""
        found = [self.makes[make] for make in makes if make in self.makes]
        return np.sort(np.concatenate(found)) if found else np.zeros(0, np.int64)

    def draw_trends(self) -> None:
        rng, prior, rows = self.rng, self.prior, self.rows("structural", "days", "solar", "counts")
        for name, at in pick(rng, prior.trends, rows.size):
            self.trend[rows[at]] = TRENDS[name](rng, at.size, self.length)
            self.say("trend " + name, rows[at])
        rows = self.rows("kernel")
        if rows.size:
            self.trend[rows] = 0.5 * kernel(rng, rows.size, self.length, self.seasons)
        # The longer a series, the further it goes, though not in proportion.
        reach = float(np.clip((self.length / 100) ** 0.35, 0.5, 2))
        self.trend *= reach * signs(rng, prior.rising, self.n) * spread(rng, prior.trend_size, self.n)
        # Days and sun have their own ups and downs; a strong trend over a few weeks is rare.
        self.trend[self.rows("days", "solar")] *= 0.35
        rows = np.intersect1d(chance(rng, prior.walking, self.n), self.rows("structural", "days", "counts"))
        step = np.minimum(spread(rng, prior.walk_size, rows.size) * self.noise_size[rows], LARGEST_STEP)
        self.trend[rows] += (rng.standard_normal((rows.size, self.length)) * step).cumsum(1)
        self.say("walking", rows)

    def draw_seasons(self) -> None:
        rng, prior, plain = self.rng, self.prior, self.rows("structural", "counts")
        for m, share, size in zip(self.seasons, (prior.season, prior.second_season), (1.0, 0.6), strict=True):
            if m > 1:
                rows = plain[chance(rng, share, plain.size)]
                self._add_season(rows, np.full(rows.size, float(m)), size)
        rows = np.union1d(plain, self.rows("days"))
        rows = rows[chance(rng, prior.hidden_season, rows.size)]
        if rows.size and self.length >= 8:
            period = spread(rng, (2.5, self.length / 2), rows.size)[:, 0]
            natural = NATURAL.get(self.seasons[0])
            if natural:
                period = np.where(rng.random(rows.size) < 0.6, rng.choice(natural, rows.size), period)
            self._add_season(rows, period, 1.0)
            self.say("hidden", rows)
        self._draw_days()
        calendar = CALENDARS.get(self.seasons[0])
        if calendar:
            rows = plain[chance(rng, prior.calendar, plain.size)]
            self.season[rows] += calendar(rng, rows.size, self.length)
            self.say("calendar", rows)

    def _add_season(self, rows: Ints, period: Floats, size: float) -> None:
        if rows.size == 0:
            return
        path, names = season(self.rng, period, self.length, self.prior.shapes, self.prior.evolutions)
        self.season[rows] += size * spread(self.rng, self.prior.season_size, rows.size) * path
        for row, name in zip(rows.tolist(), names, strict=True):
            self.names[row].append("season " + name)

    def _draw_days(self) -> None:
        rng, rows, day = self.rng, self.rows("days"), self.seasons[0]
        if rows.size:
            size = spread(rng, (max(0.03, self.prior.season_size[0]), self.prior.season_size[1]), rows.size)
            course = day_profile(rng, self.length, self.seasons, size, self.steady[rows])
            self.season[rows] += course
        rows = self.rows("solar")
        if rows.size:
            self.season[rows] += solar(rng, rows.size, self.length, day)

    def draw_noises(self) -> None:
        rng, prior = self.rng, self.prior
        for name, rows in pick(rng, prior.noises, self.n):
            self.noise[rows] = NOISES[name](rng, rows.size, self.length)
            self.say("noise " + name, rows)
        if self.seasons[0] > 1:
            rows = chance(rng, prior.seasonal_noise, self.n)
            table = SHAPES["smooth"](rng, rows.size, self.seasons[0])
            phase = np.arange(self.length) % self.seasons[0]
            self.noise[rows] *= np.exp(rng.uniform(0.2, 1, (rows.size, 1)) * table[:, phase])
            self.say("seasonal noise", rows)
        self.noise *= self.noise_size

    def draw_events(self) -> None:
        rng, prior = self.rng, self.prior
        for name, share in prior.events.items():
            rows = chance(rng, share, self.n)
            if rows.size == 0:
                continue
            event = EVENTS[name](rng, rows.size, self.length)
            if name == "closed":
                self.closed[rows] = event > 0
            elif name == "outliers":
                self.noise[rows] += event * self.noise_size[rows] * spread(rng, prior.outlier_size, rows.size)
            else:
                self.trend[rows] += event * spread(rng, prior.event_size, rows.size)
            self.say(name, rows)

    def values(self) -> Floats:
        """Join the parts, give them a unit, and write them down."""
        rng, prior = self.rng, self.prior
        out = np.ones((self.n, self.length))
        rows = self.rows("structural", "days", "kernel")
        for name, at in pick(rng, prior.links, rows.size):
            parts = (part[rows[at]] for part in (self.trend, self.season, self.noise))
            out[rows[at]] = LINKS[name](rng, *parts)
            self.say("link " + name, rows[at])
        rows = self.rows("solar")
        if rows.size:
            out[rows] = self._sun(rows)
        out *= spread(rng, prior.scale, self.n)
        for name, rows in pick(rng, prior.roundings, self.n):
            out[rows] = ROUNDINGS[name](rng, out[rows])
            self.say("rounding " + name, rows)
        rows = self.rows("counts")
        if rows.size:
            out[rows] = self._counts(rows)
        # Where values can be negative, 0 is no end of anything.
        out[self.closed & (out.min(1, keepdims=True) >= 0)] = 0
        return out

    def _sun(self, rows: Ints) -> Floats:
        course = np.exp(self.season[rows])
        night = course <= np.exp(DARK) * 1.001
        level = np.exp(within_range(self.trend[rows], 2) + np.clip(self.noise[rows], -1, 1))
        return np.where(night, 0, (course - np.exp(DARK)) * level)

    def _counts(self, rows: Ints) -> Floats:
        rng, out = self.rng, np.empty((rows.size, self.length))
        # Noise of a rate is felt less than that of a value: what is counted is random enough.
        total = within_range(self.trend[rows] + self.season[rows] + 0.5 * self.noise[rows], WIDEST_COUNTS)
        rate = np.exp(total)
        rate *= spread(rng, self.prior.rate, rows.size) / rate.mean(1, keepdims=True)
        for name, at in pick(rng, self.prior.counts, rows.size):
            out[at] = COUNTS[name](rng, rate[at])
            self.say("counts " + name, rows[at])
        return out

    def mask(self) -> Bools:
        mask = np.ones((self.n, self.length), np.bool_)
        for name, share in self.prior.gaps.items():
            rows = chance(self.rng, share, self.n)
            if rows.size:
                mask[rows] &= GAPS[name](self.rng, rows.size, self.length)
                self.say("gaps " + name, rows)
        # A series without one observation teaches nothing.
        mask[~mask.any(1), -1] = True
        return mask


def generate_batch(
    rng: np.random.Generator,
    n_series: int,
    length: int,
    seasons: tuple[int, int] = (1, 1),
    prior: Prior = DEFAULT,
) -> SyntheticBatch:
    """Draw series that look like real ones from a prior.

    A series is a trend, seasons and noise in logarithms of its values, joined by a link, or a week of days, or a sample
    of a Gaussian process, or counts; then things happen to it, it gets a unit, is rounded, and parts go missing.
    The same generator state gives the same bits.

    Args:
        rng: what to draw from; it moves on.
        n_series: S, at least 1.
        length: T, at least 2 steps.
        seasons: the short and the long season that are declared, in steps; 1 for none.
        prior: which families how often, and how large.

    Raises:
        UsageError: a number is out of range, or the prior leaves nothing to draw.

    Examples:
        >>> batch = generate_batch(np.random.default_rng(0), 2, 48, seasons=(12, 1))
        >>> batch.values.shape, bool(np.isfinite(batch.values).all())
        ((2, 48), True)
    """
    if n_series < 1 or length < 2:
        raise UsageError(
            f"n_series must be 1 or more and length 2 or more, but got {n_series} and {length}. Ask for more."
        )
    if min(seasons) < 1:
        raise UsageError(f"seasons must be 1 or more, but got {seasons}. Use 1 for none.")
    draft = _Draft(rng, n_series, length, seasons, prior)
    draft.draw_trends()
    draft.draw_seasons()
    draft.draw_noises()
    draft.draw_events()
    values = draft.values()
    constant = draft.rows("constant")
    values[constant] = values[constant][:, :1]
    for row in constant.tolist():
        draft.names[row] = ["constant"]
    mask = draft.mask()
    return SyntheticBatch(values, mask, seasons, tuple(tuple(names) for names in draft.names))
