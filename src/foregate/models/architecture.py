"""What a network is made of: its cell, encoder, attention, strategy and head. No torch."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from numbers import Real
from typing import Literal

from foregate.core import UsageError, at_least, is_whole
from foregate.models.cell_spec import CELLS, GATED, CellKind, Dropout, ForgetGate, check_rate
from foregate.models.names import ATTENTIONS, HEADS, POINT_LOSSES, AttentionName, HeadName, PointLoss, check_name

__all__ = ["ENCODERS", "REACHING", "STRATEGIES", "WINDOWED", "Architecture", "EncoderName", "StrategyName"]

EncoderName = Literal["residual", "stacked", "dilated", "windowed", "bidirectional", "patched"]
StrategyName = Literal["parallel", "direct", "each", "recursive", "seq2seq"]

ENCODERS: dict[EncoderName, str] = {
    "residual": "layers that add to what they read; the state is carried from row to row",
    "stacked": "layers that read one another; the state is carried from row to row",
    "dilated": "residual layers that go on from their state d rows ago (Chang et al. 2017)",
    "windowed": "the last rows before every origin are read anew, forwards, one at a step",
    "bidirectional": "the last rows before every origin are read anew, forwards and backwards",
    "patched": "the last rows before every origin are read anew, several at a step",
}
"""The name of every encoder, and how it reads."""

STRATEGIES: dict[StrategyName, str] = {
    "parallel": "one small decoder serves every step, told which one it is; any horizon",
    "direct": "all steps at once, each with output weights of its own",
    "each": "one model per step, with weights of its own from the first to the last",
    "recursive": "one step, fed back as if it had been observed",
    "seq2seq": "a second recurrent network writes step after step, each from the one before",
}
"""The name of every way to forecast several steps."""

WINDOWED: tuple[EncoderName, ...] = ("windowed", "bidirectional", "patched")
"""Encoders that read the last rows anew at every origin, instead of carrying a state."""
REACHING: tuple[StrategyName, ...] = ("direct", "each", "seq2seq")
"""Strategies that are made for a number of steps, and reach no further."""


@dataclass(frozen=True)
class Architecture:
    """What a network is made of; without arguments, the universal network.

    Examples:
        >>> Architecture(cell="gru", encoder="stacked").skip
        False
    """

    cell: CellKind = "lstm"
    """What goes from step to step, one of `foregate.models.cell_spec.CELLS`."""
    encoder: EncoderName = "residual"
    """How the past becomes a state, one of `ENCODERS`."""
    dilations: tuple[int, ...] = (1, 1)
    """A layer for each: how many rows back the state lies that it goes on from. 1 but in a dilated encoder."""
    rows_back: int = 0
    """L, rows that a window has or attention looks back on; 0 where there is neither."""
    patch: int = 1
    """p, rows read at a step of a patched encoder."""
    attention: AttentionName | None = None
    """How the past states are looked at, one of `foregate.models.names.ATTENTIONS`."""
    heads: int = 4
    """Views of a multi-head attention."""
    strategy: StrategyName = "parallel"
    """How several steps are forecast, one of `STRATEGIES`."""
    reach: int | None = None
    """Steps that a strategy with outputs or weights for each step can forecast; None for any."""
    head: HeadName = "quantiles"
    """What is said of each step, one of `foregate.models.names.HEADS`."""
    components: int = 3
    """Parts of a mixture."""
    point_loss: PointLoss = "mae"
    """What a point is trained by."""
    dropout: Dropout = field(default_factory=Dropout)
    """What is dropped in training."""
    forget: ForgetGate = field(default_factory=lambda: ForgetGate(value=1.0))
    """How the gate that keeps the memory begins."""
    entropy: float = 0.0
    """What even attention costs in the loss, per unit of normalised entropy; below 0, what sharp attention costs."""
    draws: int = 100
    """Futures that a recursive strategy draws, so that the uncertainty of a step reaches the next; 0 feeds back one, of
    the medians."""
    sampling: float = 0.5
    """Share of the steps that a decoder which writes step after step is fed its own forecast at the end of training
    instead of what came (scheduled sampling, Bengio et al. 2015); it grows from 0."""

    def __post_init__(self) -> None:
        for name, known in (
            ("cell", CELLS),
            ("encoder", ENCODERS),
            ("attention", ATTENTIONS),
            ("strategy", STRATEGIES),
            ("head", HEADS),
            ("point_loss", POINT_LOSSES),
        ):
            if name != "attention" or self.attention is not None:
                check_name(name, getattr(self, name), known)
        at_least(1, heads=self.heads, components=self.components, patch=self.patch)
        at_least(0, rows_back=self.rows_back, draws=self.draws)
        dilations: object = self.dilations
        if not (isinstance(dilations, tuple) and dilations and all(is_whole(each, 1) for each in dilations)):
            raise UsageError(
                f"dilations must be a tuple of whole numbers from 1 on, one per layer, but got {dilations!r}. Give for "
                "example (1, 24)."
            )
        check_rate("sampling", self.sampling)
        if isinstance(self.entropy, bool) or not isinstance(self.entropy, Real) or not math.isfinite(self.entropy):
            raise UsageError(f"entropy must be a finite number, but got {self.entropy!r}. Give 0 to do without it.")
        for wrong, sentence in self._contradictions():
            if wrong:
                raise UsageError(sentence)

    def _contradictions(self) -> tuple[tuple[bool, str], ...]:
        """What does not go together, and why."""
        needs_rows = self.windowed or self.attention is not None
        return (
            (
                self.windowed and self.forget.within is not None,
                f"forget must not be held within a range where a window is read anew at every origin, but got "
                f"{self.forget.within} with {self.encoder!r}. Leave the range and its penalty out.",
            ),
            (
                self.entropy != 0 and (self.attention is None or self.strategy == "seq2seq"),
                f"entropy must be 0 where no attention looks from the origin, but got {self.entropy}. Leave it out.",
            ),
            (
                max(self.dilations) > 1 and self.encoder != "dilated",
                f"dilations must be 1 but in a dilated encoder, but got {self.dilations} with {self.encoder!r}. Give "
                "encoder='dilated'.",
            ),
            (
                self.windowed and self.attention is not None,
                f"attention must have the states of a carried encoder to look at, but got {self.encoder!r}, which "
                "reads a window anew at every origin and keeps no states. Give encoder='residual', or no attention.",
            ),
            (
                self.encoder != "patched" and self.patch > 1,
                f"patch must be 1 but in a patched encoder, but got {self.patch} with {self.encoder!r}. Give "
                "encoder='patched'.",
            ),
            (
                needs_rows and self.rows_back < 1,
                "rows_back must be at least 1 for a window or attention, but got 0. Say how many rows to look back.",
            ),
            (
                not needs_rows and self.rows_back > 0,
                f"rows_back must be 0 where there is neither a window nor attention, but got {self.rows_back}: a "
                "carried state reaches as far back as it remembers. Leave it out.",
            ),
            (
                self.rows_back % self.patch != 0,
                f"rows_back must be a multiple of patch, but got {self.rows_back} rows in patches of {self.patch}.",
            ),
            (
                (self.reach is not None) != (self.strategy in REACHING),
                f"reach must be given for strategies that are made for a number of steps, and for no other, but got "
                f"{self.reach} with {self.strategy!r}.",
            ),
        )

    @property
    def windowed(self) -> bool:
        """Whether the last rows are read anew at every origin, instead of carried."""
        return self.encoder in WINDOWED

    @property
    def skip(self) -> bool:
        """Whether layers add to what they read."""
        return self.encoder in ("residual", "dilated")

    @property
    def has_gate(self) -> bool:
        """Whether the cell has a gate that keeps the memory."""
        return self.cell in GATED

    @property
    def layers(self) -> int:
        """L, recurrent layers."""
        return len(self.dilations)
