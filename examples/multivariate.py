"""One step ahead of two series, of which one drives the other: `python examples/multivariate.py`.

Rain falls in spells, and a river rises three days after it. An LSTM reads the last 20 days of both and says tomorrow's
rain and river together, beside the same LSTM that knows the river alone, and persistence.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from foregate.models.cells import fused

DELAY, LOOKBACK, HIDDEN = 3, 20, 16
STEPS, BATCH, RATE = 400, 64, 1e-2


class OneStep(nn.Module):
    """Windows (B, L, F) of F series to what comes next of each (B, F)."""

    def __init__(self, n_series: int) -> None:
        super().__init__()
        self.lstm, self.out = fused("lstm", n_series, HIDDEN), nn.Linear(HIDDEN, n_series)

    def forward(self, windows: Tensor) -> Tensor:
        """Read, and say what comes from the last state."""
        return self.out(self.lstm(windows)[0][:, -1])


def weather(n: int) -> Tensor:
    """Rain and river (n, 2) in units of their spread: river_t = 0.7 river_{t-1} + rain_{t-3} + a little noise."""
    days = torch.zeros(n, 2)
    for t in range(DELAY, n):
        days[t, 0] = 0.5 * days[t - 1, 0] + torch.randn(())
        days[t, 1] = 0.7 * days[t - 1, 1] + days[t - DELAY, 0] + 0.2 * torch.randn(())
    return days / days.std(0)


def fit(windows: Tensor) -> OneStep:
    """Train on windows (N, L + 1, F), of which the last day is to be said."""
    network = OneStep(windows.shape[-1])
    optimizer = torch.optim.Adam(network.parameters(), RATE)
    for _ in range(STEPS):
        batch = windows[torch.randint(len(windows), (BATCH,))]
        optimizer.zero_grad()
        functional.mse_loss(network(batch[:, :-1]), batch[:, -1]).backward()
        optimizer.step()
    return network


def main() -> dict[str, float]:
    """Train and print root mean squared errors, in units of each series' spread."""
    torch.manual_seed(0)
    windows = weather(2_000).unfold(0, LOOKBACK + 1, 1).transpose(1, 2)  # (N, L + 1, 2)
    train, test = windows.split([1_600 - LOOKBACK, 400])
    both, alone, past = fit(train), fit(train[..., 1:]), test[:, :-1]
    with torch.no_grad():
        said = {"both read, rain": both(past)[:, 0], "both read, river": both(past)[:, 1]}
        said["river read, river"] = alone(past[..., 1:])[:, 0]
    said |= {"persistence, rain": past[:, -1, 0], "persistence, river": past[:, -1, 1]}
    errors = {}
    for name, each in said.items():
        errors[name] = (each - test[:, -1, int(name.endswith("river"))]).square().mean().sqrt().item()
        print(f"{name:18} RMSE {errors[name]:.3f}")
    return errors


if __name__ == "__main__":
    main()
