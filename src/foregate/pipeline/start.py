"""Weights to start from: a network that was pretrained, and what runs it. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foregate.core import Engine
from foregate.data.inputs import InputSpec
from foregate.models.spec import NetworkSpec
from foregate.pipeline.recipe import Recipe

__all__ = ["Start"]


@dataclass(frozen=True)
class Start:
    """A pretrained network: an instant forecaster as it is, and the first weights of every fit."""

    shape: NetworkSpec
    """Its sizes, without covariates."""
    weights: Mapping[str, NDArray[np.float32]]
    """Its parameters, by torch's names."""
    engine: Engine
    """What runs it."""
    recent: int
    """How many of the latest values it is given, see `InputSpec.recent`."""
    name: str
    """Of its size, such as ``tiny``."""
    version: str
    """Checksum of the weights: another one means other forecasts."""

    @property
    def label(self) -> str:
        """Name and version."""
        return f"{self.name} {self.version}"

    def serves(self, recipe: Recipe) -> bool:
        """Whether the recipe asks for no other network than this."""
        shape = self.shape
        asked = ((recipe.hidden, shape.hidden), (recipe.layers, shape.built.layers), (recipe.decoder, shape.decoder))
        same = recipe.model.is_pretrained and recipe.recent == self.recent
        return same and all(size in (None, own) for size, own in asked)

    def spec(self, seasons: tuple[int, int], window: int) -> InputSpec:
        """What it is told, without covariates."""
        return InputSpec(seasons, self.recent, window)
