"""Data to try things with: a real series that a dependency ships, and generated ones."""

from __future__ import annotations

import numpy as np

from foregate.core import MissingExtraError
from foregate.data.later import pl

__all__ = ["co2", "generate"]


def co2() -> pl.DataFrame:
    """Weekly CO2 above Mauna Loa from 1958 to 2001, 59 weeks missing: columns ``ds`` (Saturdays) and ``y`` (ppm).

    The record of Keeling and Whorf (2004) as statsmodels ships it; nothing is downloaded.

    Raises:
        MissingExtraError: statsmodels is not installed.

    Examples:
        >>> co2().shape
        (2284, 2)
    """
    try:
        from statsmodels.datasets import co2 as record
    except ImportError:
        raise MissingExtraError("the CO2 example", "train") from None
    data = record.load().data
    times = np.asarray(data.index.to_numpy(), "datetime64[us]")
    return pl.DataFrame({"ds": pl.Series(times).cast(pl.Date), "y": data["co2"].to_numpy().astype(np.float64)})


def generate(n_series: int = 3, length: int = 200, season: int = 7, seed: int = 0) -> pl.DataFrame:
    """Daily series with a level, a trend, a season and noise: columns ``unique_id``, ``ds`` and ``y``.

    Args:
        n_series: how many series.
        length: rows of each, in days from 2024-01-01.
        season: length of the season in days; 1 for none.
        seed: the same seed gives the same series.

    Examples:
        >>> generate(2, 3).columns
        ['unique_id', 'ds', 'y']
    """
    rng = np.random.default_rng(seed)
    day = np.arange(length)
    level, slope = rng.uniform(50, 150, n_series), rng.uniform(-0.05, 0.1, n_series)
    strength, phase = rng.uniform(2, 10, n_series), rng.uniform(0, 1, n_series)
    wave = np.sin(2 * np.pi * (day / season + phase[:, None])) if season > 1 else np.zeros((n_series, length))
    values = level[:, None] + slope[:, None] * day + strength[:, None] * wave + rng.normal(0, 1, (n_series, length))
    days = np.datetime64("2024-01-01", "D") + day
    return pl.DataFrame(
        {
            "unique_id": np.repeat([f"series_{i}" for i in range(n_series)], length),
            "ds": np.tile(days, n_series),
            "y": values.round(2).reshape(-1),
        }
    )
