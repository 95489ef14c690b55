"""Looking into a forecaster: what its gates do, how far back it looks, where gradients go, what attention looks at."""

from foregate.inspection.activations import LayerGates
from foregate.inspection.attention import Attention
from foregate.inspection.gates import Gates
from foregate.inspection.gradients import Gradients
from foregate.inspection.look import Inspection, inspect
from foregate.inspection.memory import Memory
from foregate.inspection.section import Entry, Picture, Section

__all__ = [
    "Attention",
    "Entry",
    "Gates",
    "Gradients",
    "Inspection",
    "LayerGates",
    "Memory",
    "Picture",
    "Section",
    "inspect",
]
