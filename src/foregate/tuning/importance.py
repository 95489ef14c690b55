"""Which settings mattered in a study, alone and two by two.

Alone: PED-ANOVA (Watanabe, Bansal and Hutter 2023, "PED-ANOVA: Efficiently quantifying hyperparameter importance in
arbitrary subspaces"), which compares where the best trials lie with where all lie. It needs no regression forest, so
scikit-learn, which fANOVA asks for, is not needed either.

Two by two: how much of the differences between scores the product of two settings explains that the two did not
explain one by one, as in a two-way analysis of variance, on ranks, so that a few absurd scores do not say everything.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foregate.tuning.dimensions import label

if TYPE_CHECKING:
    from optuna import Study

__all__ = ["FEWEST", "codes", "importances", "interaction", "interactions"]

FEWEST = 8
"""Complete trials that must have a setting, or two, before anything is said of them."""
MOST_LEVELS = 4
"""Of a choice of texts with more values, the rarest are one."""


def importances(study: Study) -> dict[str, float]:
    """Setting -> its share of what mattered, largest first; empty where there are too few trials to tell.

    Args:
        study: with complete trials.
    """
    from optuna import create_study
    from optuna.importance import get_param_importances
    from optuna.trial import TrialState

    complete = [trial for trial in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)) if trial.params]
    counts: dict[str, set[str]] = {}
    for trial in complete:
        for name, value in trial.params.items():
            counts.setdefault(name, set()).add(label(value))
    seen = {name: sum(name in trial.params for trial in complete) for name in counts}
    names = [name for name in counts if seen[name] >= FEWEST and len(counts[name]) > 1]
    if not names:
        return {}
    alone = create_study()  # without the default, which is of no point
    alone.add_trials(complete)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Some regimes", category=UserWarning)
        found = get_param_importances(alone, params=names)
    return dict(sorted(found.items(), key=lambda each: -each[1]))


def interactions(points: Sequence[Mapping[str, Any]], scores: NDArray[np.float64]) -> dict[tuple[str, str], float]:
    """Two settings -> what they explain together beyond one by one, 0 to 1, largest first.

    Args:
        points: of complete trials.
        scores: (n,) of these.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> points = [{"a": float(a), "b": float(b)} for a, b in rng.uniform(-1, 1, (60, 2))]
        >>> found = interactions(points, np.array([p["a"] * p["b"] for p in points]))
        >>> found["a", "b"] > 0.5
        True
    """
    names = list(dict.fromkeys(name for point in points for name in point))
    found = {}
    for first, second in combinations(names, 2):
        which = [i for i, point in enumerate(points) if first in point and second in point]
        if len(which) >= FEWEST:
            one, other = (codes([points[i][name] for i in which]) for name in (first, second))
            value = interaction(one, other, scores[which])
            if value is not None:
                found[first, second] = value
    return dict(sorted(found.items(), key=lambda each: -each[1]))


def interaction(first: NDArray[np.float64], second: NDArray[np.float64], scores: NDArray[np.float64]) -> float | None:
    """What products of two settings add to the adjusted R² of the ranks of scores; None where there are too few.

    Args:
        first: (n, p) a setting in numbers, see `codes`.
        second: (n, q) another.
        scores: (n,)
    """
    if not first.shape[1] or not second.shape[1]:
        return None
    products = (first[:, :, None] * second[:, None, :]).reshape(len(scores), -1)
    ranks = _ranks(scores)
    if len(scores) - 1 - first.shape[1] - second.shape[1] - products.shape[1] < 2 or not ranks.std():
        return None
    apart = _explained(np.hstack([first, second]), ranks)
    return float(np.clip(_explained(np.hstack([first, second, products]), ranks) - max(apart, 0.0), 0, 1))


def codes(values: Sequence[Any]) -> NDArray[np.float64]:
    """(n, p) a setting in numbers: centred ranks of numbers, or a column for all but one of the other values.

    Examples:
        >>> codes([1, 10, 100]).ravel().tolist(), codes(["lstm", "gru", "lstm"]).shape
        ([-1.0, 0.0, 1.0], (3, 1))
    """
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values):
        ranks = _ranks(np.array(values, np.float64))
        return ranks[:, None] if ranks.std() else np.empty((len(values), 0))
    texts = [label(value) for value in values]
    common = sorted(set(texts), key=lambda text: (-texts.count(text), text))
    levels = common[: min(len(common), MOST_LEVELS) - 1]
    columns = np.array([[text == level for level in levels] for text in texts], np.float64).reshape(len(texts), -1)
    centred: NDArray[np.float64] = columns - columns.mean(0)
    return centred


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Places in order from -1 to 1; those that are level share one."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    places = np.cumsum(counts) - (counts + 1) / 2
    middle = (len(values) - 1) / 2
    found: NDArray[np.float64] = (places[inverse] - middle) / max(middle, 1)
    return found


def _explained(columns: NDArray[np.float64], ranks: NDArray[np.float64]) -> float:
    """R², less what so many columns would explain of noise."""
    n = len(ranks)
    design = np.hstack([np.ones((n, 1)), columns])
    fit, _, rank, _ = np.linalg.lstsq(design, ranks, rcond=None)
    left = float(((ranks - design @ fit) ** 2).sum() / ((ranks - ranks.mean()) ** 2).sum())
    return 1 - left * (n - 1) / max(n - int(rank), 1)
