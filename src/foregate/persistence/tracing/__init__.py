"""Formulas of NumPy as graphs: their functions are run on nodes of a graph instead of arrays."""

from foregate.persistence.tracing.finishing import finished as finished
from foregate.persistence.tracing.functions import call as call
from foregate.persistence.tracing.nodes import KINDS as KINDS
from foregate.persistence.tracing.nodes import Node as Node
from foregate.persistence.tracing.nodes import Trace as Trace
from foregate.persistence.tracing.nodes import Traced as Traced
from foregate.persistence.tracing.tapes import Begin as Begin
from foregate.persistence.tracing.tapes import Every as Every
from foregate.persistence.tracing.tapes import Place as Place

__all__ = ["KINDS", "Begin", "Every", "Node", "Place", "Trace", "Traced", "call", "finished"]
