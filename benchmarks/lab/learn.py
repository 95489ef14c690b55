"""Train the textbook network on windows, and judge it.

Letters: S series, W origins, B windows, L steps of each, K horizon, N sequences.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.lab.data import Classes, Panel, classes, panel
from benchmarks.lab.network import Textbook
from benchmarks.lab.scale import Scale
from benchmarks.lab.settings import Settings

__all__ = ["Windows", "classify", "fitted", "forecast", "say"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CHECKS, PATIENCE = 20, 5
"""Of runs that stop early: how often they look, and how many looks may bring nothing better."""
HELD_OUT = 6
"""They hold out one of so many rows."""
CLIP = 1.0
"""The norm that gradients are shortened to."""


@dataclass(frozen=True)
class Windows:
    """Windows of a panel, brought to a common scale."""

    panel: Panel
    lookback: int
    scaling: str

    def at(self, which: Ints, known: Ints, ahead: int) -> tuple[Tensor, Tensor, Floats, Floats]:
        """Windows (B, L) of series that end after `known` rows (B,), what followed (B, ahead), and what was taken away
        and divided by (B, 1). Where a series begins within a window, its first value stands before it."""
        rows = known[:, None] + np.arange(-self.lookback, ahead)
        x = np.stack([self.panel.values[i][np.maximum(r, 0)] for i, r in zip(which, rows, strict=True)])
        level, spread = self._scales(x[:, : self.lookback], which)
        z = torch.from_numpy(((x - level) / spread).astype(np.float32))
        return z[:, : self.lookback], z[:, self.lookback :], level, spread

    def _scales(self, x: Floats, which: Ints) -> tuple[Floats, Floats]:
        if self.scaling == "causal":
            level = x.mean(1, keepdims=True)
            return level, np.abs(x - level).mean(1, keepdims=True) + 1e-6 * (1 + np.abs(level))
        parts = [self.panel.values[i][: self.panel.trained[i]] for i in which]
        if self.scaling == "standard":
            level, spread = np.array([y.mean() for y in parts]), np.array([y.std() for y in parts])
        else:
            level, spread = np.array([y.min() for y in parts]), np.array([np.ptp(y) for y in parts])
        return level[:, None], spread[:, None] + 1e-9


def forecast(settings: dict[str, Any], data: str, scale: Scale, seed: int) -> dict[str, Any]:
    """Train on a panel and forecast from its origins: errors."""
    chosen = Settings(**settings)
    given = panel(data, scale, seed)
    network, windows = fitted(chosen, given, scale, seed)
    return given.errors(say(network, windows))


def fitted(settings: Settings, given: Panel, scale: Scale, seed: int) -> tuple[Textbook, Windows]:
    """A network that has been trained on what lies before the origins, and the windows it reads."""
    torch.manual_seed(seed)
    windows = Windows(given, settings.lookback or given.lookback, settings.scaling)
    network = Textbook(settings, settings.hidden or scale.hidden, windows.lookback, given.horizon)
    ahead = 1 if settings.strategy == "recursive" else given.horizon
    rng = np.random.default_rng(seed)
    last = given.trained - ahead
    if settings.early:
        last = last - given.trained // HELD_OUT
    first = np.minimum(np.maximum(last * (1 - settings.share), windows.lookback), last - 1).astype(np.int64)

    def draw() -> tuple[Tensor, Tensor]:
        which = rng.integers(0, len(given.values), settings.batch)
        x, target, _, _ = windows.at(which, rng.integers(first[which], last[which] + 1), ahead)
        return _changed(x, target, settings.jitter)

    def loss(x: Tensor, target: Tensor) -> Tensor:
        return (network(x, target) - target).abs().mean()

    check = _held_out(windows, ahead, last, loss) if settings.early else None
    _train(network, settings, settings.steps(scale.steps), lambda: loss(*draw()), check)
    return network, windows


@torch.no_grad()
def say(network: Textbook, windows: Windows) -> Floats:
    """Forecasts (S, W, K) from all origins."""
    given = windows.panel
    which = np.repeat(np.arange(len(given.values)), len(given.origins))
    known = (given.trained[:, None] + given.origins).ravel()
    x, _, level, spread = windows.at(which, known, 0)
    said = network.eval()(x).double().numpy() * spread + level
    return said.reshape(len(given.values), len(given.origins), given.horizon)


def classify(settings: dict[str, Any], data: str, scale: Scale, seed: int) -> dict[str, Any]:
    """Train on one half of labelled sequences: share of the other half told right, the mean over classes."""
    chosen, given = Settings(**settings), classes(data, seed)
    torch.manual_seed(seed)
    x, y = torch.from_numpy(given.x.astype(np.float32)), torch.from_numpy(given.y)
    known = torch.from_numpy(np.flatnonzero(~given.judged))
    n = int(given.y.max()) + 1
    network = Textbook(chosen, scale.hidden, x.shape[1], n)
    random = torch.Generator().manual_seed(seed)
    weight = len(known) / (n * torch.bincount(y[known], minlength=n))

    def loss() -> Tensor:
        some = known[torch.randint(len(known), (chosen.batch,), generator=random)]
        return functional.cross_entropy(network(x[some]), y[some], weight.float())

    _train(network, chosen, chosen.steps(scale.steps), loss, None)
    return _right(network, x, given)


@torch.no_grad()
def _right(network: Textbook, x: Tensor, given: Classes) -> dict[str, Any]:
    said = network.eval()(x[torch.from_numpy(given.judged)]).argmax(-1).numpy()
    came = given.y[given.judged]
    shares = [float((said[came == label] == label).mean()) for label in np.unique(came)]
    return {"right": round(100 * float(np.mean(shares)), 3)}


def _train(
    network: nn.Module,
    settings: Settings,
    steps: int,
    loss: Callable[[], Tensor],
    check: Callable[[nn.Module], float] | None,
) -> None:
    """AdamW with a rate that falls in a straight line; `check` says how good the weights are, where anything does."""
    optimizer = torch.optim.AdamW(network.parameters(), settings.rate, weight_decay=settings.decay, fused=True)
    best, kept, since = math.inf, None, 0
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = settings.rate * (1 - step / steps)
        optimizer.zero_grad()
        found = loss()
        found.backward()
        nn.utils.clip_grad_norm_(network.parameters(), CLIP)
        optimizer.step()
        if check is not None and (step + 1) % max(1, steps // CHECKS) == 0:
            score = check(network)
            since = 0 if score < best else since + 1
            if not since:
                best, kept = score, copy.deepcopy(network.state_dict())
            if since == PATIENCE:
                break
    if kept is not None:
        network.load_state_dict(kept)


def _held_out(
    windows: Windows, ahead: int, last: Ints, loss: Callable[[Tensor, Tensor], Tensor]
) -> Callable[[nn.Module], float]:
    """Looks at windows behind those that are trained on, always the same ones."""
    given = windows.panel
    pairs = [
        (i, known)
        for i, (begin, end) in enumerate(zip(last + ahead, given.trained - ahead, strict=True))
        for known in np.unique(np.linspace(begin, max(begin, end), 8).astype(np.int64))
    ]
    which, known = np.array(pairs, np.int64).T
    x, target, _, _ = windows.at(which, known, ahead)

    @torch.no_grad()
    def check(network: nn.Module) -> float:
        network.eval()
        found = float(loss(x, target))
        network.train()
        return found

    return check


def _changed(x: Tensor, target: Tensor, jitter: float) -> tuple[Tensor, Tensor]:
    """Windows times a random factor each, with noise, and what followed times the same factor."""
    if not jitter:
        return x, target
    factor = torch.exp(jitter * torch.randn(len(x), 1))
    return factor * (x + jitter * torch.randn_like(x)), factor * target
