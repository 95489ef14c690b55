"""Looking into a forecaster: what its gates do, how far back it looks, where gradients go, what attention looks at.

And why it forecasts what it does: importance, attributions, what would be otherwise, and what is wrong in words.
"""

from foregate.inspection.activations import LayerGates
from foregate.inspection.attention import Attention
from foregate.inspection.attributions import Attributions, attributions
from foregate.inspection.diagnosis import Diagnosis, diagnose
from foregate.inspection.finding import Finding
from foregate.inspection.gates import Gates
from foregate.inspection.gradients import Gradients
from foregate.inspection.importance import Importance, Shuffle, importance
from foregate.inspection.look import Inspection, inspect
from foregate.inspection.memory import Memory
from foregate.inspection.section import Entry, Picture, Section
from foregate.inspection.what_if import WhatIf, what_if

__all__ = [
    "Attention",
    "Attributions",
    "Diagnosis",
    "Entry",
    "Finding",
    "Gates",
    "Gradients",
    "Importance",
    "Inspection",
    "LayerGates",
    "Memory",
    "Picture",
    "Section",
    "Shuffle",
    "WhatIf",
    "attributions",
    "diagnose",
    "importance",
    "inspect",
    "what_if",
]
