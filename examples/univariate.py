"""One step ahead on a sine: `python examples/univariate.py`.

An LSTM reads the last 30 values of a noisy sine and says the next one. It is trained on the first four fifths and
judged on the rest, beside persistence, which repeats the last value, and the noise, which nobody can foresee.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from foregate.models.cells import fused

LOOKBACK, HIDDEN, PERIOD, NOISE = 30, 16, 25, 0.1
STEPS, BATCH, RATE = 400, 64, 1e-2


class OneStep(nn.Module):
    """Windows (B, L) to the values after them (B,)."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.out = fused("lstm", 1, HIDDEN), nn.Linear(HIDDEN, 1)

    def forward(self, windows: Tensor) -> Tensor:
        """Read, and say what comes from the last state."""
        states, _ = self.lstm(windows.unsqueeze(-1))
        return self.out(states[:, -1]).squeeze(-1)


def main() -> dict[str, float]:
    """Train and print root mean squared errors on values that were not trained on."""
    torch.manual_seed(0)
    series = torch.sin(2 * math.pi * torch.arange(1_500) / PERIOD) + NOISE * torch.randn(1_500)
    windows = series.unfold(0, LOOKBACK + 1, 1)  # (N, L + 1): what is read, and the value after it
    train, test = windows.split([1_200 - LOOKBACK, 300])
    network = OneStep()
    optimizer = torch.optim.Adam(network.parameters(), RATE)
    for _ in range(STEPS):
        batch = train[torch.randint(len(train), (BATCH,))]
        optimizer.zero_grad()
        functional.mse_loss(network(batch[:, :-1]), batch[:, -1]).backward()
        optimizer.step()
    with torch.no_grad():
        said = {"LSTM": network(test[:, :-1]), "persistence": test[:, -2]}
    errors = {name: (each - test[:, -1]).square().mean().sqrt().item() for name, each in said.items()} | {
        "noise": NOISE
    }
    for name, error in errors.items():
        print(f"{name:12} RMSE {error:.3f}")
    return errors


if __name__ == "__main__":
    main()
