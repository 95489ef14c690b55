"""Days: hourly and finer series, whose weeks are made of days and whose days have peaks.

Both families give the logarithm of a positive course, (S, T). Time of day is in hours, whatever the steps per day.
"""

from __future__ import annotations

import numpy as np

from foregate.data.synthetic.draws import Floats, Ints, autoregress, spread, standardise

__all__ = ["DARK", "day_profile", "solar"]

HOURS = 24
PEAKS = ((8.0, 1.2), (13.0, 1.8), (18.5, 1.6), (2.0, 2.0))
"""Centre and its standard deviation, in hours: morning, noon, evening, night."""
PRESENT = (0.75, 0.5, 0.8, 0.15)
"""How often each peak is there."""
DARK = -6.0
"""Logarithm of what a solar course has at night, relative to its clearest noon: the values below it become 0."""


def _hours(day: int) -> Floats:
    return np.arange(day) / day * HOURS


def _curves(rng: np.random.Generator, n: int, day: int, sizes: Floats) -> Floats:
    """Sums of peaks ``a exp(-(|h - c| / w)^p)``, each with its own width on either side; (S, 2, day).

    `sizes` (S, 2, peaks) are those on working days and at weekends: the same peaks, a little later at weekends.
    """
    count = len(PEAKS)
    mean, deviation = np.array(PEAKS).T
    centre = mean + deviation * rng.standard_normal((n, 1, count))
    late = np.array([[0.0], [1.0]]) * rng.uniform(-0.5, 2.5, (n, 1, 1))
    away = (_hours(day) - (centre + late)[..., None] + HOURS / 2) % HOURS - HOURS / 2
    wide = spread(rng, (0.6, 7), n)
    left, right = (wide * spread(rng, (0.6, 1.7), n * count).reshape(n, count) for _ in range(2))
    width = np.where(away < 0, left[:, None, :, None], right[:, None, :, None])
    power = rng.choice([1.0, 1.5, 2.0, 2.0, 4.0], (n, 1, 1, 1))
    return np.asarray(np.einsum("nsp,nsph->nsh", sizes, np.exp(-((np.abs(away) / width) ** power))), np.float64)


def _shapes(rng: np.random.Generator, n: int, day: int) -> Floats:
    """Log curves (S, 2, day) of a working day and of a weekend, mean 0, working days with standard deviation 1."""
    there = rng.random((n, len(PEAKS))) < PRESENT
    there[~there.any(1), 1] = True
    workday = there * rng.uniform(0.3, 1, (n, len(PEAKS)))
    change = rng.uniform((0.0, 0.5, 0.5, 0.5), (0.8, 1.7, 1.2, 1.5), (n, len(PEAKS)))
    weekend = workday * np.where(rng.random((n, 1)) < 0.25, 1, change)
    curves = _curves(rng, n, day, np.stack([workday, weekend], 1))
    j = np.arange(1, 4)
    wave, shift = rng.standard_normal((n, 3)) * 0.15 / j, rng.uniform(0, 2 * np.pi, (n, 3))
    angle = 2 * np.pi * j[:, None] * np.arange(day) / day
    curves += (wave[..., None] * np.cos(angle + shift[..., None])).sum(1)[:, None]
    # Working hours by day only: the night stays low as it does for load and traffic.
    curves = np.log(np.maximum(curves - curves.min((1, 2), keepdims=True), 0) + spread(rng, (0.05, 3), n)[..., None])
    # Half of them are as round as the load of a whole region: one to four harmonics.
    spectrum = np.fft.rfft(curves)
    most = np.where(rng.random((n, 1, 1)) < 0.5, rng.integers(1, 5, (n, 1, 1)), day)
    curves = np.fft.irfft(np.where(np.arange(spectrum.shape[2]) <= most, spectrum, 0), day)
    curves -= curves[:, :1].mean(2, keepdims=True)
    return np.asarray(curves / (curves[:, :1].std(2, keepdims=True) + 1e-9), np.float64)


def day_profile(
    rng: np.random.Generator, length: int, seasons: tuple[int, int], size: Floats, steady: Floats
) -> Floats:
    """A week of days: one curve for working days, one for weekends, a factor per weekday, and days that differ.

    ``log y_t = size * curve[kind of day, time of day] * (1 + g_day) + factor[weekday] + d_day``; g and d are
    autoregressions over days (weather, say), and in half of the series one day in forty is a holiday, like a weekend.

    Args:
        rng: what to draw from.
        length: T.
        seasons: steps per day, and per week or whatever cycle of days there is; 1 for a week that nobody declared.
        size: standard deviation of the working day's curve, (S, 1), in logarithms.
        steady: how much of the differences between days there is, (S, 1): 0 for none, 1 for all.

    Returns:
        The course, (S, T).
    """
    n = len(size)
    day, long = seasons
    days = max(2, round(long / day)) if long > day else 7
    curves = _shapes(rng, n, day)
    step = np.arange(length) + rng.integers(0, day * days, (n, 1))
    total = int(step.max()) // day + 2
    weekday = (np.arange(total) + rng.integers(0, days, (n, 1))) % days
    off = (weekday >= days - max(1, round(days * 2 / 7))) & (rng.random((n, 1)) < 0.7)
    off |= rng.random((n, total)) < 0.025 * (rng.random((n, 1)) < 0.5)
    factor = steady * spread(rng, (0.0005, 0.08), n) * rng.standard_normal((n, days))
    level = np.take_along_axis(factor, weekday, 1) - off * size * rng.uniform(-0.3, 1.5, (n, 1))
    level += steady * np.minimum(1, 3 * size) * _by_day(rng, n, total, (0.0005, 0.2))
    swing = 1 + steady * _by_day(rng, n, total, (0.002, 0.25))
    # Neighbouring days pass into one another around midnight, in a day or at once.
    at = step / day - 0.5
    before = np.maximum(np.floor(at), 0).astype(np.int64)
    weight = np.clip((at - before - 0.5) * spread(rng, (1, 30), n) + 0.5, 0, 1)
    level, swing, free = (_between(x, before, weight) for x in (level, swing, off.astype(np.float64)))
    row, hour = np.arange(n)[:, None], step % day
    curve = (1 - free) * curves[row, 0, hour] + free * curves[row, 1, hour]
    return np.asarray(size * curve * swing + level, np.float64)


def _between(by_day: Floats, before: Ints, weight: Floats) -> Floats:
    """Values of days (S, days) at steps (S, T) that lie between two of them."""
    first, second = np.take_along_axis(by_day, before, 1), np.take_along_axis(by_day, before + 1, 1)
    return np.asarray(first + weight * (second - first), np.float64)


def _by_day(rng: np.random.Generator, n: int, days: int, size: tuple[float, float]) -> Floats:
    """How days differ: an AR(1) over days, (S, days)."""
    rho = rng.uniform(0, 0.97, (n, 1))
    path = autoregress(rng.standard_normal((n, days)), rho) * np.sqrt(1 - rho * rho)
    return np.asarray(path * spread(rng, size, n), np.float64)


def solar(rng: np.random.Generator, n: int, length: int, day: int) -> Floats:
    """Sun by day, nothing at night: ``log(max(0, cos)^p * clouds)``; days of 8 to 16 hours slowly grow or shrink.

    Clouds take a share between 0 and 1 of the light: an autoregression over days plus one over hours, squashed.
    """
    step = np.arange(length) + rng.integers(0, day, (n, 1))
    number, hour = step // day, step % day / day * HOURS
    hours = rng.uniform(8, 16, (n, 1)) + rng.uniform(-0.02, 0.02, (n, 1)) * number
    angle = np.pi * (hour - rng.uniform(11.5, 13.5, (n, 1))) / np.clip(hours, 7, 17)
    light = np.where(np.abs(angle) < np.pi / 2, np.cos(np.clip(angle, -np.pi / 2, np.pi / 2)), 0)
    by_day = np.take_along_axis(_by_day(rng, n, int(number.max()) + 1, (0.3, 2.5)), number, 1)
    by_hour = standardise(np.asarray(autoregress(rng.standard_normal((n, length)), np.full((n, 1), 0.8)), np.float64))
    clouds = 1 / (1 + np.exp(by_day + rng.uniform(0, 0.8, (n, 1)) * by_hour - rng.uniform(0, 3, (n, 1))))
    return np.asarray(np.log(np.maximum(light ** spread(rng, (0.7, 2), n) * clouds, np.exp(DARK))), np.float64)
