"""What goes together in a network, and what does not."""

from itertools import product

import pytest

from foregate.core import UsageError, listed
from foregate.models.architecture import ENCODERS, STRATEGIES, WINDOWED, Architecture
from foregate.models.cell_spec import CELLS, ForgetGate
from foregate.models.names import ATTENTIONS, HEADS
from tests.models.built import built

HELD = ForgetGate(value=1.0, within=(0.5, 0.9), penalty=1.0)
CONTRADICTIONS = {
    r"forget must not be held .* window is read anew .*'patched'": {
        "encoder": "patched",
        "rows_back": 4,
        "forget": HELD,
    },
    r"entropy must be 0 where no attention looks from the origin, but got 0\.1": {"entropy": 0.1},
    r"entropy must be 0 .* but got -1": {
        "entropy": -1.0,
        "attention": "dot",
        "rows_back": 3,
        "strategy": "seq2seq",
        "reach": 2,
    },
    r"dilations must be 1 but in a dilated encoder, but got \(1, 2\) with 'stacked'": {
        "encoder": "stacked",
        "dilations": (1, 2),
    },
    r"attention must have the states of a carried encoder .*'bidirectional'": {
        "encoder": "bidirectional",
        "rows_back": 4,
        "attention": "dot",
    },
    r"patch must be 1 but in a patched encoder, but got 2": {"patch": 2},
    r"rows_back must be at least 1 for a window or attention, but got 0": {"attention": "dot"},
    r"rows_back must be 0 where there is neither a window nor attention, but got 9": {"rows_back": 9},
    r"rows_back must be a multiple of patch, but got 5 rows in patches of 2": {
        "encoder": "patched",
        "rows_back": 5,
        "patch": 2,
    },
    r"reach must be given .* but got None with 'direct'": {"strategy": "direct"},
    r"reach must be given .* but got 4 with 'parallel'": {"reach": 4},
}


@pytest.mark.parametrize("message", CONTRADICTIONS)
def test_what_does_not_go_together_is_refused(message):
    """Each contradiction has a sentence of its own, with what was given."""
    with pytest.raises(UsageError, match=message):
        Architecture(**CONTRADICTIONS[message])


@pytest.mark.parametrize(
    ("name", "known"),
    [("cell", CELLS), ("encoder", ENCODERS), ("attention", ATTENTIONS), ("strategy", STRATEGIES), ("head", HEADS)],
)
def test_unknown_parts_are_refused_with_those_that_there_are(name, known):
    """Every part is one of its list."""
    with pytest.raises(UsageError, match=rf"{name} must be one of {listed(known, 9)}, but got 'abacus'"):
        Architecture(**{name: "abacus"})


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"point_loss": "mape"}, "point_loss must be one of 'mse', 'mae', 'huber', but got 'mape'. Did you mean 'mae'"),
        ({"dilations": ()}, r"dilations must be a tuple of whole numbers from 1 on, one per layer, but got \(\)"),
        (
            {"encoder": "dilated", "dilations": (1, 0)},
            r"dilations must be .* from 1 on, .* but got \(1, 0\)",
        ),
        ({"entropy": float("inf")}, "entropy must be a finite number, but got inf"),
        ({"heads": 0}, "heads must be"),
        ({"components": 0}, "components must be"),
        ({"draws": -1}, "draws must be a whole number of at least 0"),
        ({"rows_back": -1}, "rows_back must be"),
        ({"sampling": 1.0}, "sampling must be from 0 up to, not including, 1"),
    ],
)
def test_impossible_numbers_are_refused(wrong, message):
    """By the name of the number, with what was given."""
    with pytest.raises(UsageError, match=message):
        Architecture(**wrong)


def test_everything_else_goes_together():
    """All cells, encoders, attentions, strategies and heads, but attention over a window."""
    for encoder, attention in product(ENCODERS, (None, *ATTENTIONS)):
        for cell, strategy, head in product(CELLS, STRATEGIES, HEADS):
            given = {"cell": cell, "strategy": strategy, "head": head, "attention": attention}
            if attention is not None and encoder in WINDOWED:
                with pytest.raises(UsageError, match="keeps no states"):
                    built(encoder, **given)
            else:
                made = built(encoder, **given)
                assert made.windowed == (encoder in WINDOWED)
                assert made.skip == (encoder in ("residual", "dilated"))
                assert made.has_gate == (cell in ("lstm", "gru"))
                assert made.layers == 2
