"""Which series are drawn how often, and how large their parts are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from foregate.core import UsageError
from foregate.data.synthetic.counts import COUNTS
from foregate.data.synthetic.draws import pick
from foregate.data.synthetic.events import EVENTS, GAPS
from foregate.data.synthetic.noises import NOISES
from foregate.data.synthetic.seasons import EVOLUTIONS, SHAPES
from foregate.data.synthetic.trends import TRENDS
from foregate.data.synthetic.values import LINKS, ROUNDINGS

__all__ = ["DAILY", "DEFAULT", "HOURLY", "KINDS", "MAKES", "QUARTERLY", "WEEKLY", "YEARLY", "Kind", "Prior"]

MAKES = ("structural", "days", "solar", "kernel", "counts", "constant")
"""How a series is made: trend, season and noise; days of hours; sun; a Gaussian process; counts; nothing moves."""

_FAMILIES: Mapping[str, Iterable[str]] = {
    "makes": MAKES,
    "trends": TRENDS,
    "shapes": SHAPES,
    "evolutions": EVOLUTIONS,
    "noises": NOISES,
    "links": LINKS,
    "counts": COUNTS,
    "roundings": ROUNDINGS,
    "events": EVENTS,
    "gaps": GAPS,
}
_SHARES = ("walking", "rising", "season", "second_season", "hidden_season", "clean", "seasonal_noise", "calendar")
_LIMITS = ("trend_size", "season_size", "noise_size", "walk_size", "event_size", "outlier_size", "rate", "scale")


@dataclass(frozen=True)
class Prior:
    """Weights and sizes. Weights of families count in proportion; events and gaps have a probability each.

    Sizes are drawn uniformly in their logarithm between two limits, and are in natural logarithms of the values unless
    said otherwise: 0.1 is about 10 %.

    Examples:
        >>> Prior(trends={"linear": 1}).trends
        {'linear': 1}
        >>> Prior(trends={"liner": 1})
        Traceback (most recent call last):
        ...
        foregate.core.errors.UsageError: trends must be among none, linear, damped, exponential, ..., but got liner. ...
    """

    makes: Mapping[str, float] = field(
        default_factory=lambda: {
            "structural": 0.75, "days": 0.6, "solar": 0.04, "kernel": 0.1, "counts": 0.07, "constant": 0.005
        }
    )  # fmt: skip
    """Weights of `MAKES`; days and solar are left out where a season is shorter than 20 steps."""
    trends: Mapping[str, float] = field(
        default_factory=lambda: {
            "none": 2, "linear": 1, "damped": 1, "exponential": 0.7, "logarithmic": 1, "logistic": 1, "piecewise": 2,
            "walk": 2, "drift": 3, "integrated": 3, "growth": 4, "market": 1, "cycle": 1.5, "life": 0.5,
        }
    )  # fmt: skip
    """Weights of `TRENDS`."""
    trend_size: tuple[float, float] = (0.05, 3)
    """How far a trend goes in all over 100 steps; over T steps ``(T / 100)^0.35`` times as far, from 0.5 to 2 times."""
    rising: float = 0.8
    """Probability that a trend is not turned upside down."""
    walking: float = 0.7
    """Probability that the level also does a random walk …"""
    walk_size: tuple[float, float] = (0.02, 5)
    """… with steps of this size, relative to the noise."""
    shapes: Mapping[str, float] = field(
        default_factory=lambda: {"smooth": 4, "rough": 2, "spiky": 1.5, "one_sided": 1, "blocks": 1, "skew": 0.7}
    )
    """Weights of `SHAPES`."""
    evolutions: Mapping[str, float] = field(
        default_factory=lambda: {"fixed": 4, "swelling": 2, "shifting": 0.4, "wandering": 2.5, "fading": 0.4}
    )
    """Weights of `EVOLUTIONS`."""
    season_size: tuple[float, float] = (0.01, 0.8)
    """Standard deviation of a season, and of the hours of a day."""
    season: float = 0.8
    """Probability of the short season that is declared."""
    second_season: float = 0.65
    """Probability of the long one, 0.6 times as large."""
    hidden_season: float = 0.08
    """Probability of one that nobody declared, of any period, whole or not."""
    calendar: float = 0.25
    """Probability of a calendar effect, where the season suggests one."""
    noises: Mapping[str, float] = field(
        default_factory=lambda: {
            "white": 4, "ar": 3, "persistent": 1, "arma": 1, "long_memory": 0.7, "heavy": 2, "skewed": 0.7,
            "clustered": 0.7, "volatile": 0.7,
        }
    )  # fmt: skip
    """Weights of `NOISES`."""
    noise_size: tuple[float, float] = (0.001, 0.3)
    """Standard deviation of the noise."""
    clean: float = 0.1
    """Probability that the noise is a tenth of that."""
    seasonal_noise: float = 0.15
    """Probability that the noise has a season of its own: some phases are noisier."""
    links: Mapping[str, float] = field(
        default_factory=lambda: {"log": 6, "additive": 2, "linear": 0.9, "bounded": 0.4, "clipped": 0.2}
    )
    """Weights of `LINKS`; of counts and sun the link is fixed."""
    counts: Mapping[str, float] = field(
        default_factory=lambda: {"poisson": 2, "negative_binomial": 3, "intermittent": 2, "lumpy": 1, "packs": 0.5}
    )
    """Weights of `COUNTS`."""
    rate: tuple[float, float] = (0.05, 60)
    """Expected counts per step."""
    events: Mapping[str, float] = field(
        default_factory=lambda: {
            "shift": 0.15,
            "ramp": 0.08,
            "pulse": 0.1,
            "regimes": 0.03,
            "outliers": 0.15,
            "closed": 0.02,
        }
    )
    """Probability of each of `EVENTS`."""
    event_size: tuple[float, float] = (0.03, 0.8)
    """Size of an event."""
    outlier_size: tuple[float, float] = (3, 12)
    """Size of an outlier, in standard deviations of the noise."""
    gaps: Mapping[str, float] = field(default_factory=lambda: {"points": 0.1, "stretches": 0.08, "late_start": 0.1})
    """Probability of each of `GAPS`."""
    scale: tuple[float, float] = (1e-2, 1e6)
    """Unit of the values; counts have their own."""
    roundings: Mapping[str, float] = field(default_factory=lambda: {"none": 6, "digits": 3, "coarse": 0.4})
    """Weights of `ROUNDINGS`."""

    def __post_init__(self) -> None:
        for name, known in _FAMILIES.items():
            self._check_weights(name, tuple(known))
        for name in _SHARES:
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise UsageError(f"{name} must be between 0 and 1, but got {value}. Give a probability.")
        for name in _LIMITS:
            low, high = getattr(self, name)
            if not 0 < low <= high < np.inf:
                raise UsageError(f"{name} must be 0 < low <= high, but got ({low}, {high}). Give two positive limits.")

    def _check_weights(self, name: str, known: tuple[str, ...]) -> None:
        weights: Mapping[str, float] = getattr(self, name)
        unknown = [key for key in weights if key not in known]
        if unknown:
            raise UsageError(
                f"{name} must be among {', '.join(known)}, but got {', '.join(unknown[:5])}. Use these names."
            )
        values = list(weights.values())
        most = 1 if name in ("events", "gaps") else np.inf
        if not all(0 <= value <= most for value in values):
            raise UsageError(f"{name} must be from 0 to {most}, but got {values}. Use 0 to leave a family out.")
        if most > 1 and sum(values) <= 0:
            raise UsageError(f"{name} must have a weight above 0, but got {dict(weights)}. Give at least one.")


DEFAULT = Prior()
"""For months and quarters, and whatever else is not told apart below."""

YEARLY = replace(
    DEFAULT,
    makes={"structural": 0.9, "kernel": 0.05, "counts": 0.03, "constant": 0.003},
    trends={
        "none": 0.3, "linear": 1, "damped": 1.5, "exponential": 1.5, "logarithmic": 1.5, "logistic": 1.5,
        "piecewise": 2, "walk": 1, "drift": 5, "integrated": 3, "growth": 7, "market": 0.7, "cycle": 1, "life": 0.7,
    },
    trend_size=(0.3, 6),
    rising=0.86,
    walking=0.75,
    walk_size=(0.05, 8),
    noise_size=(0.002, 0.25),
    hidden_season=0.03,
    links={"log": 6, "additive": 2, "linear": 0.5, "bounded": 0.4, "clipped": 0.05},
    events={"shift": 0.12, "ramp": 0.08, "pulse": 0.1, "regimes": 0.03, "outliers": 0.1, "closed": 0.002},
    gaps={"points": 0.03, "stretches": 0.02, "late_start": 0.2},
)  # fmt: skip
"""For short series without a season, whose growth is what there is to forecast."""

QUARTERLY = replace(
    DEFAULT,
    trends={
        "none": 0.7, "linear": 1, "damped": 1, "exponential": 1, "logarithmic": 1, "logistic": 1, "piecewise": 2,
        "walk": 1.5, "drift": 5, "integrated": 3, "growth": 6, "market": 1, "cycle": 1, "life": 0.5,
    },
    trend_size=(0.15, 4),
    rising=0.85,
    walk_size=(0.02, 15),
    noise_size=(0.0007, 0.25),
    season=0.75,
    season_size=(0.003, 0.6),
)  # fmt: skip
"""For quarters: economies, which grow, with seasons that may be small."""

WEEKLY = replace(
    DEFAULT,
    rising=0.65,
    makes={"structural": 0.85, "kernel": 0.07, "counts": 0.06, "constant": 0.005},
    season=0.6,
    season_size=(0.005, 0.8),
    walking=0.8,
    walk_size=(0.03, 20),
    noise_size=(0.0007, 0.3),
)
"""For weeks, which are as often prices, rates and stocks as they are sales."""

DAILY = replace(
    DEFAULT,
    rising=0.65,
    makes={"structural": 0.72, "kernel": 0.08, "counts": 0.22, "constant": 0.005},
    season=0.85,
    hidden_season=0.2,
    calendar=0.35,
    rate=(0.02, 60),
    trend_size=(0.03, 2),
    season_size=(0.03, 1),
    walk_size=(0.02, 2),
    noise_size=(0.004, 0.4),
    clean=0.05,
    events={"shift": 0.15, "ramp": 0.08, "pulse": 0.1, "regimes": 0.03, "outliers": 0.2, "closed": 0.12},
)
"""For days: weeks with holidays, and single items that sell now and then."""

HOURLY = replace(
    DEFAULT,
    rising=0.65,
    makes={"structural": 0.35, "days": 1, "solar": 0.05, "kernel": 0.05, "counts": 0.06, "constant": 0.005},
    trends={
        "none": 5, "linear": 2, "damped": 1, "exponential": 0.5, "logarithmic": 1, "logistic": 0.7, "piecewise": 1.5,
        "walk": 1, "drift": 1, "integrated": 2, "growth": 1, "market": 0.5, "cycle": 1, "life": 0.5,
    },
    trend_size=(0.01, 1),
    clean=0.5,
    season=0.88,
    season_size=(0.05, 1),
    walk_size=(0.02, 1),
    shapes={"smooth": 6, "rough": 0.5, "spiky": 0.7, "one_sided": 1, "blocks": 0.7, "skew": 1},
    evolutions={"fixed": 4, "swelling": 3, "shifting": 0.5, "wandering": 1.5, "fading": 0.3},
    noises={
        "white": 1, "ar": 3, "persistent": 5, "arma": 1, "long_memory": 0.7, "heavy": 1, "skewed": 0.7,
        "clustered": 0.7, "volatile": 0.7,
    },
    noise_size=(0.0005, 0.15),
)  # fmt: skip
"""For hours and parts of them, which are smoother than what is added up over days."""


@dataclass(frozen=True)
class Kind:
    """One kind of series to train on: its seasons, its lengths, its prior, and how often it is drawn."""

    name: str
    """What it stands for."""
    seasons: tuple[int, int]
    """Short and long season in steps; 1 for none."""
    shortest: int
    """Steps."""
    longest: int
    """Steps."""
    weight: float = 1.0
    """How often, in proportion."""
    prior: Prior = DEFAULT
    """Which series."""

    def __post_init__(self) -> None:
        if not 2 <= self.shortest <= self.longest:
            raise UsageError(
                f"shortest must be 2 or more and at most longest, but got {self.shortest} and {self.longest}. "
                "Give both in steps."
            )

    def length(self, rng: np.random.Generator) -> int:
        """A length, uniform in its logarithm.

        Examples:
            >>> Kind("pairs", (1, 1), 8, 8).length(np.random.default_rng(0))
            8
        """
        low, high = np.log(self.shortest), np.log(self.longest + 1)
        return min(self.longest, int(np.exp(rng.uniform(low, high))))

    @staticmethod
    def draw(rng: np.random.Generator, kinds: tuple[Kind, ...]) -> Kind:
        """One of `kinds`, in proportion to its weight.

        Examples:
            >>> Kind.draw(np.random.default_rng(0), KINDS[:1]).name
            'yearly'
        """
        ((name, _),) = pick(rng, {str(i): kind.weight for i, kind in enumerate(kinds)}, 1)
        return kinds[int(name)]


KINDS = (
    Kind("yearly", (1, 1), 10, 60, 2, YEARLY),
    Kind("long yearly", (1, 1), 40, 160, 0.7, YEARLY),
    Kind("quarterly", (4, 1), 12, 120, 1.5, QUARTERLY),
    Kind("monthly", (12, 1), 24, 200, 2),
    Kind("long monthly", (12, 1), 150, 600, 0.7),
    Kind("weekly", (52, 1), 60, 600, 1.3, WEEKLY),
    Kind("weekly without a season", (1, 1), 60, 600, 0.7, WEEKLY),
    Kind("daily", (7, 1), 40, 500, 1, DAILY),
    Kind("daily with a year", (7, 365), 300, 1200, 0.4, DAILY),
    Kind("working days", (5, 1), 40, 500, 0.4, WEEKLY),
    Kind("hourly", (24, 168), 100, 700, 1.7, HOURLY),
    Kind("long hourly", (24, 168), 500, 1200, 0.5, HOURLY),
    Kind("hourly without a week", (24, 1), 50, 300, 0.5, HOURLY),
    Kind("half-hourly", (48, 336), 200, 1400, 0.4, HOURLY),
    Kind("quarter-hourly", (96, 672), 300, 2000, 0.15, HOURLY),
    Kind("bi-monthly", (6, 1), 20, 120, 0.2),
    Kind("no season", (1, 1), 60, 1500, 0.5),
)
"""What a network for every series could be trained on; lengths include the horizon."""
