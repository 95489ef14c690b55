"""Attention on a series whose cause lies 50 steps back: `python examples/attention.py`.

White noise x drives y_t = x_{t-50} + a little noise. An LSTM reads both; to say the next y it looks at its last 64
states, told apart by how far they lie back. Printed is where it has learnt to look.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from foregate.models.attention import Memory, make_attention, remember
from foregate.models.cells import fused

CAUSE, NOISE, LOOKBACK, HIDDEN = 50, 0.1, 64, 16
STEPS, BATCH, ORIGINS, LENGTH, RATE = 200, 16, 32, 160, 1e-2


class Attentive(nn.Module):
    """Reads x and y (B, T, 2) and says the next y (B, O) at origins (B, O)."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.out = fused("lstm", 2, HIDDEN), nn.Linear(2 * HIDDEN, 1)
        self.attention = make_attention("additive", HIDDEN, positions=LOOKBACK)

    def forward(self, read: Tensor, origins: Tensor) -> tuple[Tensor, Tensor]:
        """What comes, and how much of each state (B, O, L), the newest last, was looked at to say so."""
        states, _ = self.lstm(read)
        here = states.gather(1, origins.unsqueeze(-1).expand(-1, -1, HIDDEN))
        memory = remember(states, origins, Memory.empty(states, LOOKBACK))
        context, weights = self.attention.attend(here, memory.keys, memory.there)
        return self.out(torch.cat([here, context], -1)).squeeze(-1), weights[:, :, 0]


def draw(n: int) -> tuple[Tensor, Tensor]:
    """What is read, cause and effect (n, T, 2), and the effect at the step after each (n, T)."""
    x = torch.randn(n, CAUSE + LENGTH + 1)
    y = x[:, : LENGTH + 1] + NOISE * torch.randn(n, LENGTH + 1)
    return torch.stack([x[:, CAUSE:-1], y[:, :-1]], -1), y[:, 1:]


def main() -> dict[str, float]:
    """Train, and print errors and the steps back that are looked at most."""
    torch.manual_seed(0)
    network = Attentive()
    optimizer = torch.optim.Adam(network.parameters(), RATE)
    for _ in range(STEPS):
        read, after = draw(BATCH)
        origins = torch.randint(LOOKBACK, LENGTH, (BATCH, ORIGINS))
        optimizer.zero_grad()
        functional.mse_loss(network(read, origins)[0], after.gather(1, origins)).backward()
        optimizer.step()
    read, after = draw(50)
    origins = torch.arange(LOOKBACK, LENGTH).expand(50, -1)
    with torch.no_grad():
        said, weights = network(read, origins)
    looked = weights.mean((0, 1)).flip(0)  # (L,): 1 step before what is said, 2 steps before, …
    errors = {"LSTM with attention": said, "persistence": read[..., 1].gather(1, origins)}
    found = {name: (each - after.gather(1, origins)).square().mean().sqrt().item() for name, each in errors.items()}
    for name, error in found.items():
        print(f"{name:20} RMSE {error:.3f}")
    for place in looked.argsort(descending=True)[:3].tolist():
        print(f"{place + 1:3} steps back it looks with {looked[place]:.1%} of its weight")
    return found | {"steps back": int(looked.argmax()) + 1, "weight": looked.max().item()}


if __name__ == "__main__":
    main()
