"""What makes a pretrained network better? Short runs that differ in one thing, judged on real validation windows.

    python -m benchmarks.pretraining                       # names of the variants
    python -m benchmarks.pretraining "hidden 64" "hidden 160" --steps 1500
    python -m benchmarks.pretraining default --seed 1      # how much is noise

Prints, for each variant, MASE over that of SeasonalNaive, as `benchmarks.look` sees it: the geometric mean over all
sets, and over groups of them.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch

from benchmarks.look import GROUPS, look, summary
from benchmarks.networks import start_with
from foregate.data import statistics, tracks
from foregate.data.synthetic import DEFAULT, KINDS
from foregate.pipeline import pretraining, synthetic_crops
from foregate.pipeline.pretraining import Pretraining, pretrain
from foregate.training.events import Event
from foregate.training.options import TrainingOptions


@dataclass(frozen=True)
class Variant:
    """One difference from the default run."""

    run: Mapping[str, Any] = field(default_factory=dict)
    """Fields of `Pretraining`."""
    training: Mapping[str, Any] = field(default_factory=dict)
    """Fields of `TrainingOptions`."""
    patches: tuple[tuple[object, str, Any], ...] = ()
    """Module, name and what stands there instead; in judging too."""

    @contextmanager
    def applied(self) -> Iterator[None]:
        """While this lasts, the patches hold."""
        with ExitStack() as stack:
            for module, name, value in self.patches:
                stack.enter_context(patch.object(module, name, value))
            yield


def _without(*names: str, **changes: Any) -> Variant:
    """Kinds whose priors leave out families: `makes`, `trends` and the like by name, other fields by value."""

    def prior(own: Any) -> Any:
        fewer = {}
        for each in ("makes", "trends", "shapes", "evolutions", "noises", "links", "counts", "events", "gaps"):
            weights = getattr(own, each)
            fewer[each] = {name: 0 if name in names else weight for name, weight in weights.items()}
        return replace(own, **fewer, **changes)

    kinds = tuple(replace(kind, prior=prior(kind.prior)) for kind in KINDS)
    return Variant(patches=((pretraining, "KINDS", kinds),))


def _scale(rule: Callable[[Any, Any], Any]) -> Variant:
    """Another causal scale, from what is carried and the usual one."""
    usual = statistics.told

    def told(running: Any, log: Any) -> Any:
        out = usual(running, log)
        return out | {"scale": np.where(out["scale"] > 0, rule(running, out["scale"]), 0)}

    return Variant(patches=((statistics, "told", told),))


def _seasonal(running: Any, scale: Any) -> Any:
    """The average change over a short season, once there is one."""
    found = running["average"][..., statistics.JUDGED][..., 0]
    return np.where(found > 0, found, scale)


VARIANTS = {
    "default": Variant(),
    "hidden 48": Variant({"hidden": 48}),
    "hidden 160": Variant({"hidden": 160}),
    "1 layer": Variant({"layers": 1}),
    "3 layers": Variant({"layers": 3}),
    "decoder 32": Variant({"decoder": 32}),
    "decoder 128": Variant({"decoder": 128}),
    "4 recent values": Variant({"recent": 4}),
    "24 recent values": Variant({"recent": 24}),
    "scale of seasonal change": _scale(_seasonal),
    "always plain units": Variant(
        patches=((tracks, "positive_so_far", lambda values, mask, before: np.zeros_like(mask)),)
    ),
    "one memory, quick": Variant(patches=((statistics, "NEWEST_SEASON_WEIGHTS", (0.25, 0.25)),)),
    "one memory, slow": Variant(patches=((statistics, "NEWEST_SEASON_WEIGHTS", (0.08, 0.08)),)),
    "memories 0.5 and 0.15": Variant(patches=((statistics, "NEWEST_SEASON_WEIGHTS", (0.5, 0.15)),)),
    "one prior for all kinds": Variant(
        patches=((pretraining, "KINDS", tuple(replace(kind, prior=DEFAULT) for kind in KINDS)),)
    ),
    "no Gaussian processes": _without("kernel"),
    "no days": _without("days", "solar"),
    "no events": _without("shift", "ramp", "pulse", "regimes", "outliers", "closed"),
    "no gaps": _without("points", "stretches", "late_start"),
    "no counts": _without("counts"),
    "no calendar": _without(calendar=0.0),
    "no walks": _without("walk", "drift", "integrated", "growth", "market", walking=0.0),
    "no hidden seasons": _without(hidden_season=0.0),
    "white noise only": _without(
        "ar", "persistent", "arma", "long_memory", "heavy", "skewed", "clustered", "volatile", seasonal_noise=0.0
    ),
    "one lookback": Variant(patches=((synthetic_crops, "CROPS", (1,)),)),
    "crops of 100": Variant(training={"crop": 100}),
    "no long horizons": Variant(patches=((synthetic_crops, "LONG_SHARE", 0.0),)),
    "scale power 0": Variant(training={"scale_power": 0.0}),
    "scale power 1": Variant(training={"scale_power": 1.0}),
    "12 origins": Variant(training={"origins": 12}),
    "batches of 48": Variant(training={"batch": 48}),
    "averaging 0.9": Variant(training={"averaging": 0.9}),
    "averaging 0.995": Variant(training={"averaging": 0.995}),
    "rate 2e-3": Variant(training={"rate": 2e-3}),
    "rate 8e-3": Variant(training={"rate": 8e-3}),
    "clip 2": Variant(training={"clip": 2.0}),
    "float32": Variant(training={"precision": "float32"}),
}


def study(name: str, steps: int, seed: int) -> dict[str, float]:
    """Train a variant; MASE over that of SeasonalNaive by set."""
    variant = VARIANTS[name]
    options = TrainingOptions(steps, batch=96, crop=200, checks=1, precision="bfloat16", seed=seed)
    run = Pretraining(replace(options, **variant.training), **variant.run)
    with variant.applied():
        network, _ = pretrain(run, callbacks=[_say(name)])
        seen = look(start_with(network, run.recent, name, f"after {steps} steps"))
    return {each: found.ratio for each, found in seen.items()}


def _say(name: str) -> Callable[[Event], None]:
    def say(event: Event) -> None:
        if event.name == "step" and event.step % 500 == 0:
            print(f"{name}: {event}", file=sys.stderr, flush=True)

    return say


def main() -> None:
    """Parse, train, judge, print, record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("variants", nargs="*", metavar="VARIANT")
    parser.add_argument("--steps", type=int, default=1_500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--log", type=Path, default=Path("build/pretraining.jsonl"), metavar="FILE")
    arguments = parser.parse_args()
    unknown = set(arguments.variants) - set(VARIANTS)
    if unknown or not arguments.variants:
        sys.exit("\n".join(["variants are:", *VARIANTS]))
    torch.set_num_threads(arguments.threads)
    print(f"{'':28}{'all':>7}" + "".join(f"{group:>20}" for group in GROUPS))
    for name in arguments.variants:
        began = time.perf_counter()
        found = study(name, arguments.steps, arguments.seed)
        means = summary(found)
        print(f"{name:28}{means[0]:7.3f}" + "".join(f"{figure:20.3f}" for figure in means[1:]), flush=True)
        line = {"variant": name, "steps": arguments.steps, "seed": arguments.seed, "found": found}
        arguments.log.parent.mkdir(parents=True, exist_ok=True)
        with arguments.log.open("a") as file:
            file.write(json.dumps({**line, "seconds": round(time.perf_counter() - began)}) + "\n")


if __name__ == "__main__":
    main()
