"""How often a search that finds nothing is believed: `python -m benchmarks.luck [--searches 150]`.

Six settings matter at single origins and nowhere in the mean: the gain over the default at each origin is a smooth
function of them, drawn anew for every origin. Whatever a search finds is luck. Asked is three times whether the default
is beaten, at 5 %: at the origins of the trials, by the Diebold–Mariano test with Bonferroni's allowance for their
number; there, by the same statistic beside its largest when signs are flipped for all trials at once (Westfall and
Young 1993); and at as many origins that no trial saw, of the best trial alone, as `foregate tune` asks.

Letters: T trials, U origins, D settings.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable
from itertools import product

import numpy as np
import optuna
from numpy.typing import NDArray

from foregate.evaluation import diebold_mariano

SETTINGS, WAVES, LEVEL = 6, 200, 0.05
FloatArray = NDArray[np.float64]
WAYS = ("counted", "flipped", "held back")


def world(rng: np.random.Generator, origins: int, reach: float) -> Callable[[FloatArray], FloatArray]:
    """The gains (U,) of settings (D,) over the default, the middle of all; settings `reach` apart have little in
    common."""
    ways, phases = rng.normal(0, 1 / reach, (WAVES, SETTINGS)), rng.uniform(0, 2 * np.pi, WAVES)
    heights, middle = rng.normal(0, np.sqrt(2 / WAVES), (origins, WAVES)), np.full(SETTINGS, 0.5)
    return lambda point: heights @ (np.cos(ways @ point + phases) - np.cos(ways @ middle + phases))


def chances(gains: FloatArray) -> FloatArray:
    """(T,) how likely so much is by chance, of the gains (T, U) of each trial alone."""
    return diebold_mariano(-gains, np.zeros_like(gains), alternative="less").p_value


def flipped(gains: FloatArray) -> float:
    """The chance of the best of trials (T, U), by the best of them when signs are flipped for all at once."""
    signs = np.array(list(product((1.0, -1.0), repeat=gains.shape[1])))
    least = np.array([chances(gains * each).min() for each in signs])
    return float(np.mean(least <= least[0] * (1 + 1e-9)))


def search(number: int, sampler: str, origins: int, trials: int, reach: float) -> dict[str, bool]:
    """Whether one search is believed, by each way to ask."""
    gain = world(np.random.default_rng(number), 2 * origins, reach)
    gains: list[FloatArray] = []

    def trial(one: optuna.Trial) -> float:
        gains.append(gain(np.array([one.suggest_float(f"setting {i}", 0, 1) for i in range(SETTINGS)])))
        return -float(gains[-1][:origins].mean())

    samplers = {"tpe": optuna.samplers.TPESampler, "random": optuna.samplers.RandomSampler}
    optuna.create_study(sampler=samplers[sampler](seed=number)).optimize(trial, n_trials=trials)
    seen, unseen = np.split(np.array(gains), 2, 1)
    best = seen.mean(1).argmax()
    found = len(gains) * chances(seen).min(), flipped(seen), chances(unseen[[best]])[0]
    return {name: bool(chance <= LEVEL) for name, chance in zip(WAYS, found, strict=True)}


def main() -> None:
    """Print a line per sampler and reach."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--searches", type=int, default=150)
    parser.add_argument("--origins", type=int, default=8)
    parser.add_argument("--trials", type=int, default=50)
    asked = parser.parse_args()
    optuna.logging.set_verbosity(logging.ERROR)
    print(f"{'':22}" + "".join(f"{name:>12}" for name in WAYS))
    for sampler, reach in product(("random", "tpe"), (0.3, 1.0)):
        found = [search(i, sampler, asked.origins, asked.trials, reach) for i in range(asked.searches)]
        shares = "".join(f"{np.mean([one[name] for one in found]):12.0%}" for name in WAYS)
        print(f"{sampler:8} reach {reach:<8}" + shares, flush=True)


if __name__ == "__main__":
    main()
