"""How good a network is on a batch, by what it forecasts and whatever it was trained by."""

from __future__ import annotations

import numpy as np
import torch

from foregate.forecasting.distributions import Distribution
from foregate.models.heads import pinball
from foregate.models.network import Network
from foregate.training.batches import Batch
from foregate.training.loop import batch_outputs

__all__ = ["batch_score"]


def batch_score(network: Network, batch: Batch) -> float:
    """Pinball loss of a network's quantiles over all origins and steps of a batch, weighted as in training."""
    with torch.inference_mode():
        raw, _ = batch_outputs(network, batch)
        said = network.head.said(raw).cpu().numpy()
    manner = network.spec.manner
    units = batch.level.reshape(-1), batch.scale.reshape(-1)
    quantiles = Distribution.of(manner).quantiles(said, manner.levels, batch.k, *units)
    target, levels = torch.from_numpy(batch.target).flatten(0, 1), torch.tensor(manner.levels, dtype=torch.float64)
    loss = pinball(target, torch.from_numpy(quantiles), levels).numpy()
    weight = batch.weight.reshape(loss.shape)
    counted = np.multiply(
        loss, weight, out=np.zeros_like(loss), where=weight > 0
    )  # what does not count may be anything
    return float(counted.sum() / max(weight.sum(), 1e-9))
