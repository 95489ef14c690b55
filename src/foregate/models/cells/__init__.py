"""Recurrent cells written out gate by gate, the loops that run them, and their fused twins in `torch.nn`.

The written-out cells are slow and plain to read, and show their gates; the fused ones are fast. Both compute the same
function of the same weights, in outputs, states and gradients. Letters: B sequences, T steps, F inputs, H hidden,
L layers, D directions (1 or 2); σ is the logistic function, ⊙ multiplies entry by entry.
"""

from foregate.models.cells.base import Cell as Cell
from foregate.models.cells.base import HiddenState as HiddenState
from foregate.models.cells.base import LSTMState as LSTMState
from foregate.models.cells.base import State as State
from foregate.models.cells.gru import GRUCell as GRUCell
from foregate.models.cells.gru import GRUGates as GRUGates
from foregate.models.cells.kinds import Fused as Fused
from foregate.models.cells.kinds import fused as fused
from foregate.models.cells.kinds import kind_of as kind_of
from foregate.models.cells.kinds import make_cell as make_cell
from foregate.models.cells.lstm import LSTMCell as LSTMCell
from foregate.models.cells.lstm import LSTMGates as LSTMGates
from foregate.models.cells.rnn import RNNCell as RNNCell
from foregate.models.cells.rnn import RNNGates as RNNGates
from foregate.models.cells.stack import Gates as Gates
from foregate.models.cells.stack import Layer as Layer
from foregate.models.cells.stack import Stack as Stack

__all__ = [
    "Cell",
    "Fused",
    "GRUCell",
    "GRUGates",
    "Gates",
    "HiddenState",
    "LSTMCell",
    "LSTMGates",
    "LSTMState",
    "Layer",
    "RNNCell",
    "RNNGates",
    "Stack",
    "State",
    "fused",
    "kind_of",
    "make_cell",
]
