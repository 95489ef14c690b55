"""The default network: two residual LSTM layers read a series once, one small decoder serves every horizon step.

Letters: B series or origins of a batch, T steps, F features, H hidden, K horizon steps, S step features, P candidate
paths, D decoder width, Q quantiles.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from foregate.models.spec import NetworkSpec

__all__ = ["Network", "NetworkSpec"]


class Network(nn.Module):
    """A forecaster of any horizon and season; see `NetworkSpec` for its shape."""

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        self.spec = spec
        H, D = spec.hidden, spec.decoder
        self.inputs = nn.Linear(spec.n_features, H)
        self.lstms = nn.ModuleList(nn.LSTM(H, H, batch_first=True) for _ in range(spec.layers))
        self.state = nn.Linear(H + spec.n_features, D)
        self.step = nn.Linear(spec.n_steps, D)
        self.mid = nn.Linear(D, D)
        self.again = nn.Linear(H + spec.n_features, D, bias=False)
        self.out = nn.Linear(D, spec.n_profiles + spec.n_quantiles)
        for name, parameter in self.lstms.named_parameters():
            if "bias_ih" in name:  # b_f = 1: remember at first (Gers et al. 2000, Jozefowicz et al. 2015)
                parameter.data[H : 2 * H] = 1

    def encode(self, features: Tensor, carried: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Read features (B, T, F), going on from `carried` (2L, B, H) or from nothing.

        Returns:
            states (B, T, H), each of which has read the steps up to its own, and what to carry on: (h, c) per layer.
        """
        z = torch.tanh(self.inputs(features))
        after = []
        for i, lstm in enumerate(self.lstms):
            before = None if carried is None else (carried[2 * i : 2 * i + 1], carried[2 * i + 1 : 2 * i + 2])
            out, (h, c) = lstm(z, before)
            z = z + out
            after += [h, c]
        return z, torch.cat(after)

    def decode(self, states: Tensor, features: Tensor, steps: Tensor, profiles: Tensor) -> Tensor:
        """States (B, H), features (B, F), steps (B, K, S) and paths (B, K, P) to ordered quantiles (B, K, Q)."""
        P, side = self.spec.n_profiles, self.spec.n_quantiles // 2
        read = torch.cat([states, features], -1)
        h = nn.functional.gelu(self.state(read).unsqueeze(-2) + self.step(steps))
        o = self.out(nn.functional.gelu(self.mid(h) + self.again(read).unsqueeze(-2)))
        median = (torch.sigmoid(o[..., :P] - 1.5) * profiles).sum(-1, keepdim=True) + 2 * o[..., P : P + 1]
        down = nn.functional.softplus(o[..., P + 1 : P + 1 + side]).cumsum(-1).flip(-1)
        up = nn.functional.softplus(o[..., P + 1 + side :]).cumsum(-1)
        return torch.cat([median - down, median, median + up], -1)
