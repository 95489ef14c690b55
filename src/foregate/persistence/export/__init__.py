"""The network as two ONNX graphs, written from its weights: any batch, any number of steps, any horizon.

Written by hand rather than traced, because tracing takes seconds and fixes the number of steps or warns. Graphs are put
together from the pieces that networks are made of, so that every architecture there is can be written.

Letters: B series or origins, T steps, O origins of a series, F features, H hidden, W numbers of a state, C numbers
carried, K horizon steps, S step features, P paths, N numbers said of a step, L rows looked back on, d dilation, A heads
of attention, D directions, R networks of one step each.
"""

from foregate.persistence.export.decoders import decoder_drawn as decoder_drawn
from foregate.persistence.export.decoders import decoder_graph as decoder_graph
from foregate.persistence.export.encoders import encoder_drawn as encoder_drawn
from foregate.persistence.export.encoders import encoder_graph as encoder_graph
from foregate.persistence.export.ports import Port as Port
from foregate.persistence.export.ports import Ports as Ports
from foregate.persistence.export.ports import decoder_ports as decoder_ports
from foregate.persistence.export.ports import encoder_ports as encoder_ports
from foregate.persistence.export.writing import Weights as Weights

__all__ = [
    "Port",
    "Ports",
    "Weights",
    "decoder_drawn",
    "decoder_graph",
    "decoder_ports",
    "encoder_drawn",
    "encoder_graph",
    "encoder_ports",
]
