"""All claims, in the order of the page."""

from __future__ import annotations

from benchmarks.lab.claim import Claim
from benchmarks.lab.claims.cells import CELLS
from benchmarks.lab.claims.defaults import DEFAULTS
from benchmarks.lab.claims.horizons import HORIZONS
from benchmarks.lab.claims.inputs import INPUTS
from benchmarks.lab.claims.training import TRAINING

__all__ = ["CLAIMS", "DEFAULTS"]

CLAIMS: tuple[Claim, ...] = (*CELLS, *INPUTS, *HORIZONS, *TRAINING)
