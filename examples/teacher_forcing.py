"""Many steps ahead on the sine of the first exercise, in two ways: `python examples/teacher_forcing.py`.

Recursive: one LSTM learns to say the next value, and afterwards reads what it said. Encoder–decoder: one LSTM reads,
another writes all 40 steps, told in training what came (teacher forcing), afterwards what it said. The former learns
from one value of each window, the latter from 40, which is no fair match: so recursive again, with 40 values of each.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from foregate.models.cells import fused

LOOKBACK, HORIZON, HIDDEN, PERIOD, NOISE = 50, 40, 16, 25, 0.1
STEPS, BATCH, RATE = 300, 64, 1e-2
SHOWN = (1, 5, 10, 20, 40)


class Written(nn.Module):
    """The past (B, L, 1) to steps (B, K, 1), each from the one before; whoever writes may be the one who reads."""

    def __init__(self, *, reads_itself: bool) -> None:
        super().__init__()
        self.encoder, self.out = fused("lstm", 1, HIDDEN), nn.Linear(HIDDEN, 1)
        self.decoder = self.encoder if reads_itself else fused("lstm", 1, HIDDEN)

    def forward(self, past: Tensor, came: Tensor | None = None) -> Tensor:
        """Each step after what came before it, or after what was said where nobody tells."""
        _, state = self.encoder(past[:, :-1])
        last, said = past[:, -1:], []
        if came is not None:  # teacher forcing: all steps at once
            return self.out(self.decoder(torch.cat([last, came[:, :-1]], 1), state)[0])
        for _ in range(HORIZON):
            written, state = self.decoder(last, state)
            last = self.out(written)
            said.append(last)
        return torch.cat(said, 1)


def fit(network: Written, windows: Tensor, ahead: int) -> Written:
    """Train on windows (N, L + K, 1) to say so many steps of each."""
    optimizer = torch.optim.Adam(network.parameters(), RATE)
    for _ in range(STEPS):
        past, came = windows[torch.randint(len(windows), (BATCH,)), : LOOKBACK + ahead].split([LOOKBACK, ahead], 1)
        optimizer.zero_grad()
        functional.mse_loss(network(past, came), came).backward()
        optimizer.step()
    return network


def main() -> dict[str, list[float]]:
    """Train and print root mean squared errors by how far ahead."""
    torch.manual_seed(0)
    series = torch.sin(2 * math.pi * torch.arange(1_500) / PERIOD) + NOISE * torch.randn(1_500)
    windows = series.unfold(0, LOOKBACK + HORIZON, 1).unsqueeze(-1)
    train, test = windows[:1_100], windows[1_100 + HORIZON :]  # nothing that is asked for in both
    past, came = test.split([LOOKBACK, HORIZON], 1)
    said = {"persistence": past[:, -1:]}
    for name, itself, ahead in (("recursive", True, 1), ("recursive, 40", True, 40), ("encoder–decoder", False, 40)):
        network = fit(Written(reads_itself=itself), train, ahead)
        with torch.no_grad():
            said[name] = network(past)
    errors = {name: (each - came).square().mean((0, 2)).sqrt().tolist() for name, each in said.items()}
    print(f"{'RMSE, steps ahead':18}" + "".join(f"{k:8}" for k in SHOWN))
    for name, each in errors.items():
        print(f"{name:18}" + "".join(f"{each[k - 1]:8.3f}" for k in SHOWN))
    return errors


if __name__ == "__main__":
    main()
