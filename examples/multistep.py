"""A whole day at once, by two layers one upon the other: `python examples/multistep.py`.

Two LSTM layers read the last 72 hours of a load with a day, a week and a level that wanders, and say the next 24 hours
at once, with an output for each. Beside them: persistence, and the same hour of the day before.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from foregate.models.cells import fused

LOOKBACK, HORIZON, HIDDEN, LAYERS = 72, 24, 32, 2
STEPS, BATCH, RATE = 300, 64, 1e-2
SHOWN = (1, 6, 12, 24)


class Stacked(nn.Module):
    """Windows (B, L) to all steps after them (B, K)."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.out = fused("lstm", 1, HIDDEN, layers=LAYERS), nn.Linear(HIDDEN, HORIZON)

    def forward(self, windows: Tensor) -> Tensor:
        """Read what lies above the last value, and say it of the steps ahead from the last state of the upper layer."""
        last = windows[:, -1:]
        states, _ = self.lstm((windows - last).unsqueeze(-1))
        return last + self.out(states[:, -1])


def main() -> dict[str, list[float]]:
    """Train and print mean absolute errors by how far ahead."""
    torch.manual_seed(0)
    hour = torch.arange(2_400)
    load = torch.sin(2 * math.pi * hour / 24) + 0.5 * torch.sin(2 * math.pi * hour / 168)
    load += 0.02 * torch.randn(len(hour)).cumsum(0) + 0.1 * torch.randn(len(hour))
    windows = load.unfold(0, LOOKBACK + HORIZON, 1)
    train, test = windows[:1_800], windows[1_800 + HORIZON :]  # nothing that is asked for in both
    network = Stacked()
    optimizer = torch.optim.Adam(network.parameters(), RATE)
    for _ in range(STEPS):
        past, came = train[torch.randint(len(train), (BATCH,))].split([LOOKBACK, HORIZON], 1)
        optimizer.zero_grad()
        functional.l1_loss(network(past), came).backward()
        optimizer.step()
    past, came = test.split([LOOKBACK, HORIZON], 1)
    with torch.no_grad():
        said = {"stacked LSTM": network(past), "persistence": past[:, -1:], "day before": past[:, -HORIZON:]}
    errors = {name: (each - came).abs().mean(0).tolist() for name, each in said.items()}
    print(f"{'MAE, hours ahead':18}" + "".join(f"{k:8}" for k in SHOWN))
    for name, each in errors.items():
        print(f"{name:18}" + "".join(f"{each[k - 1]:8.3f}" for k in SHOWN))
    return errors


if __name__ == "__main__":
    main()
