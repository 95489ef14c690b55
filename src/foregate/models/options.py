"""What people choose of a model, by name or in numbers; the rest is decided from the data. No torch."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from foregate.core import UsageError, at_least, listed
from foregate.models.architecture import (
    ENCODERS,
    REACHING,
    STRATEGIES,
    WINDOWED,
    Architecture,
    EncoderName,
    StrategyName,
)
from foregate.models.cell_spec import CELLS, GATED, CellKind, Dropout, ForgetGate
from foregate.models.names import ATTENTIONS, HEADS, AttentionName, HeadName, PointLoss, meant

__all__ = ["CALLED", "PARTS", "ModelOptions"]

PARTS: dict[str, dict[Any, str]] = {
    "cell": dict(CELLS),
    "encoder": dict(ENCODERS),
    "attention": dict(ATTENTIONS),
    "strategy": dict(STRATEGIES),
    "head": dict(HEADS),
}
"""Part of a model -> the names that may stand for it, each with what it does. No name stands in two of them."""

LEAST_LOOKBACK, MOST_LOOKBACK = 24, 192
"""Rows that a window has or attention looks back on, where it is not said: two long seasons within these bounds."""
CALLED = {"rows_back": "lookback", "heads": "views", "point_loss": "error", "reach": "horizon"}
"""Field of an architecture -> what people call it, where that is another name."""
BETWEEN = re.compile(r"\+(?![\d.])|,")
"""What parts words: a plus before a digit belongs to a number."""
PATCHES = 8
"""A window is read in about so many patches, where it is not said how large they are."""


@dataclass(frozen=True)
class ModelOptions:
    """Which model; without arguments, the universal network that comes pretrained.

    Examples:
        >>> ModelOptions.parse("gru+stacked+student-t")
        ModelOptions('gru+stacked+student-t')
        >>> ModelOptions.parse("patched+lookback=96").resolve(2, (24, 168), 48).patch
        12
    """

    cell: CellKind = "lstm"
    """What goes from step to step."""
    encoder: EncoderName = "residual"
    """How the past becomes a state."""
    attention: AttentionName | None = None
    """How past states are looked at; None for not at all."""
    strategy: StrategyName = "parallel"
    """How several steps are forecast."""
    head: HeadName = "quantiles"
    """What is said of each step."""
    lookback: int | None = None
    """Rows that a window has or attention looks back on; None: two long seasons, from 24 to 192."""
    patch: int | None = None
    """Rows of a patch; None: an eighth of the window."""
    dilations: tuple[int, ...] | None = None
    """How many rows back each layer goes on from; None: 1, and the short season for the layers above."""
    views: int = 4
    """Heads of a multi-head attention."""
    components: int = 3
    """Parts of a mixture."""
    error: PointLoss = "mae"
    """What a point is trained by: ``mse``, ``mae`` or ``huber``."""
    draws: int = 100
    """Futures that a recursive forecast draws; 0 feeds back one, of the medians."""
    sampling: float = 0.5
    """Share of the steps that ``seq2seq`` is fed its own forecasts at the end of training; see `Architecture`."""
    entropy: float = 0.0
    """What even attention costs in the loss."""
    dropout: Dropout = field(default_factory=Dropout)
    """What is dropped in training."""
    forget: ForgetGate = field(default_factory=lambda: ForgetGate(value=1.0))
    """How the gate that keeps the memory begins, and the range it is held within."""

    def __post_init__(self) -> None:
        for name, kind, example in (("dropout", Dropout, "between=0.2"), ("forget", ForgetGate, "value=1.0")):
            value = getattr(self, name)
            if not isinstance(value, kind):
                raise UsageError(
                    f"{name} must be of type {kind.__name__}, but got {value!r}. Give for example "
                    f"{kind.__name__}({example})."
                )
        at_least(1, **{name: value for name in ("lookback", "patch") if (value := getattr(self, name)) is not None})
        self.resolve(None, (1, 1), 1)  # what does not go together is refused at once
        for name, (serves, where) in self._meanings().items():
            value = getattr(self, name)
            if not serves and value != _usual(name):
                got = "+".join(_spelled(name, value)) if name == "forget" else value
                raise UsageError(f"{name} must be left out but for {where}, but got {got}. Leave it out.")

    def _meanings(self) -> dict[str, tuple[bool, str]]:
        """Setting that not every model has -> whether this one has it, and which have."""
        neither = "a window or attention, since elsewhere the state is carried over the whole history"
        return {
            "lookback": (self.looks_back, neither),
            "patch": (self.encoder == "patched", "a patched encoder"),
            "dilations": (self.encoder == "dilated", "a dilated encoder"),
            "views": (self.attention == "multi-head", "multi-head attention"),
            "components": (self.head == "mixture", "a mixture"),
            "error": (self.head == "point", "a point"),
            "draws": (self.strategy == "recursive", "a recursive model"),
            "sampling": (self.strategy == "seq2seq", "seq2seq"),
            "forget": (self.cell in GATED, "a cell with a gate, lstm or gru"),
        }

    @classmethod
    def parse(cls, text: str) -> ModelOptions:
        """Names of parts and settings, joined by ``+`` in any order: ``"gru+stacked"``, ``"patched+lookback=96"``.

        Raises:
            UsageError: an unknown name or setting, one said twice, or parts that do not go together.
        """
        given: dict[str, Any] = {}
        for word in filter(None, (each.strip() for each in BETWEEN.split(text))):
            name, value = _setting(word) if "=" in word else _part(word)
            if name in given:
                raise UsageError(f"every part of a model must be said once, but got two of {name} in {text!r}.")
            given[name] = value
        for group, kind in (("dropout", Dropout), ("forget", ForgetGate)):
            own = {key.removeprefix(f"{group}."): given.pop(key) for key in list(given) if key.startswith(f"{group}.")}
            if group == "forget" and own and not own.keys() & {"value", "retain_steps", "preset", "chrono"}:
                own["value"] = 1.0  # only its range is said
            if own:
                given[group] = _made(group, kind, own)
        return cls(**given)

    def __repr__(self) -> str:
        return f"ModelOptions({self.label!r})"

    @property
    def label(self) -> str:
        """What differs from the universal network, as `parse` reads it; ``lstm`` where nothing does."""
        words = []
        for name, value in ((each.name, getattr(self, each.name)) for each in fields(self)):
            if value == _usual(name):
                continue
            if name in PARTS:
                words.append(str(value))
            elif name in ("dropout", "forget"):
                words += _spelled(name, value)
            else:
                words.append(f"{name}={_written(value, 'x')}")
        return "+".join(words) or self.cell

    @property
    def looks_back(self) -> bool:
        """Whether it has a window, or attention."""
        return self.encoder in WINDOWED or self.attention is not None

    @property
    def is_pretrained(self) -> bool:
        """Whether the weights that come with the package are of this kind."""
        return dataclasses.replace(self, dropout=Dropout()) == ModelOptions()

    def resolve(self, layers: int | None, seasons: tuple[int, int], horizon: int) -> Architecture:
        """What the network is made of, once it is known what it is for.

        Args:
            layers: recurrent layers; None for 2, or as many as there are dilations.
            seasons: short and long season in rows, 1 for none.
            horizon: K steps ahead.

        Raises:
            UsageError: parts that do not go together.
        """
        lookback, patch = self._window(seasons)
        try:
            return Architecture(
                cell=self.cell,
                encoder=self.encoder,
                dilations=self._dilations(layers, seasons[0]),
                rows_back=lookback,
                patch=patch,
                attention=self.attention,
                heads=self.views,
                strategy=self.strategy,
                reach=horizon if self.strategy in REACHING else None,
                head=self.head,
                components=self.components,
                point_loss=self.error,
                dropout=self.dropout,
                forget=self.forget,
                entropy=self.entropy,
                draws=self.draws,
                sampling=self.sampling,
            )
        except UsageError as error:
            raise UsageError(_renamed(str(error), CALLED)) from None

    def _window(self, seasons: tuple[int, int]) -> tuple[int, int]:
        """Rows of a window, a multiple of the rows of a patch."""
        if not self.looks_back:
            return 0, 1
        lookback = self.lookback or min(max(2 * max(seasons), LEAST_LOOKBACK), MOST_LOOKBACK)
        if self.encoder != "patched":
            return lookback, 1
        patch = self.patch or max(1, lookback // PATCHES)
        return -(-lookback // patch) * patch, patch

    def _dilations(self, layers: int | None, season: int) -> tuple[int, ...]:
        if self.encoder != "dilated":
            return (1,) * (layers or 2)
        dilations = self.dilations if self.dilations is not None else (1, *[max(season, 2)] * ((layers or 2) - 1))
        if layers is not None and len(dilations) != layers:
            raise UsageError(
                f"dilations must be one per layer, but got {dilations} for {layers} layers. Leave layers out."
            )
        return dilations


def _usual(name: str) -> Any:
    """What a field is that nobody speaks of."""
    known = ModelOptions.__dataclass_fields__[name]
    return known.default_factory() if callable(known.default_factory) else known.default


def _part(word: str) -> tuple[str, Any]:
    for part, names in PARTS.items():
        if word.lower() in names:
            return part, word.lower()
    every = [name for names in PARTS.values() for name in names]
    near = meant(word, every) or " Give for example 'gru+stacked'."
    raise UsageError(f"model must be made of {listed(every, most=len(every))}, joined by '+', but got {word!r}.{near}")


def _rows(text: str) -> tuple[int, ...]:
    return tuple(int(each) for each in text.split("x"))


def _range(text: str) -> tuple[float, float]:
    low, high = (float(each) for each in text.split("to"))
    return low, high


_SETTINGS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "lookback": ("lookback", int),
    "patch": ("patch", int),
    "dilations": ("dilations", _rows),
    "views": ("views", int),
    "components": ("components", int),
    "error": ("error", str.lower),
    "draws": ("draws", int),
    "sampling": ("sampling", float),
    "entropy": ("entropy", float),
    "dropout": ("dropout.between", float),
    "recurrent_dropout": ("dropout.recurrent", float),
    "output_dropout": ("dropout.output", float),
    "forget": ("forget.preset", str.lower),
    "forget_bias": ("forget.value", float),
    "retain_steps": ("forget.retain_steps", float),
    "chrono": ("forget.chrono", int),
    "forget_within": ("forget.within", _range),
    "forget_penalty": ("forget.penalty", float),
}
"""Name of a setting -> the field that it is, and how its text is read."""


def _setting(word: str) -> tuple[str, Any]:
    name, text = (each.strip() for each in word.lower().split("=", 1))
    if name not in _SETTINGS:
        near = meant(name, _SETTINGS) or " Give for example lookback=48."
        raise UsageError(f"a setting of a model must be one of {listed(_SETTINGS, most=99)}, but got {name!r}.{near}")
    where, read = _SETTINGS[name]
    try:
        return where, read(text)
    except ValueError:
        example = {_rows: "1x24", _range: "0.5to0.99", float: "0.2", int: "48"}.get(read, "mae")
        raise UsageError(f"{name} must be like {name}={example}, but got {text!r}.") from None


def _written(value: Any, between: str) -> str:
    """A number, a name or several numbers, without a plus, which parts words."""
    several = value if isinstance(value, tuple) else (value,)
    return between.join(str(each).replace("e+", "e") for each in several)


def _named(group: str) -> dict[str, str]:
    """Field of a group -> name of the setting that it is."""
    return {where.removeprefix(f"{group}."): name for name, (where, _) in _SETTINGS.items() if where.startswith(group)}


def _made(group: str, kind: Callable[..., Any], own: Mapping[str, Any]) -> Any:
    """A group of its fields; what is refused is called by the names of settings."""
    named = _named(group)
    try:
        return kind(**own)
    except UsageError as error:
        raise UsageError(_renamed(str(error), named)) from None


def _renamed(sentence: str, named: Mapping[str, str]) -> str:
    """The same sentence about settings, by the names that people know."""
    return re.sub(rf"\b({'|'.join(named)})\b", lambda found: named[found[0]], sentence)


def _spelled(group: str, value: Any) -> list[str]:
    """The settings of a group that differ from the usual, as `parse` reads them."""
    named, words = _named(group), []
    for inner in fields(value):
        own = getattr(value, inner.name)
        if own == getattr(_usual(group), inner.name) or own is None:
            continue
        words.append(f"{named[inner.name]}={_written(own, 'to')}")
    return words
