"""What a diagnosis finds: a sentence, the numbers that it rests on, and the setting to try."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from foregate.data.later import pl
from foregate.models.options import ModelOptions

__all__ = ["SEVERITIES", "Finding", "by_severity", "findings_frame", "said_gate", "said_model", "told"]

Severity = Literal["note", "warning", "problem"]
SEVERITIES: tuple[str, ...] = get_args(Severity)
"""From what is good to know to what spoils forecasts."""


@dataclass(frozen=True)
class Finding:
    """One thing that a diagnosis has to say.

    Examples:
        >>> print(Finding("dead units", "warning", "A third of the units hands on nothing.", {"share": 0.33}))
        warning: dead units. A third of the units hands on nothing. (share 0.33)
    """

    name: str
    """What it is called, such as ``overfitting``."""
    severity: Severity
    """``note``: good to know. ``warning``: forecasts may suffer. ``problem``: they do."""
    what: str
    """What was found, in one or two sentences."""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    """The numbers it rests on, by name."""
    advice: str = ""
    """What to do, in one sentence; empty where nothing need be done."""
    setting: str = ""
    """The option to try as it is typed: arguments of `foregate.Forecaster`, such as ``options={"hidden": 32}``; empty
    where it is none of those."""

    def __str__(self) -> str:
        said = [f"{self.severity}: {self.name}. {self.what}"]
        if self.evidence:
            said.append(f"({', '.join(f'{name} {told(value)}' for name, value in self.evidence.items())})")
        if self.advice:
            said.append(self.advice)
        if self.setting:
            said.append(f"Try {self.setting}.")
        return " ".join(said)


def by_severity(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The worst first, otherwise as they come."""
    return tuple(sorted(findings, key=lambda each: -SEVERITIES.index(each.severity)))


def findings_frame(findings: Iterable[Finding]) -> pl.DataFrame:
    """A row per finding: ``severity, name, what, evidence, advice, setting``, all of them text.

    Examples:
        >>> findings_frame([]).columns
        ['severity', 'name', 'what', 'evidence', 'advice', 'setting']
    """
    columns = ("severity", "name", "what", "evidence", "advice", "setting")
    rows = [
        (f.severity, f.name, f.what, ", ".join(f"{k} {told(v)}" for k, v in f.evidence.items()), f.advice, f.setting)
        for f in findings
    ]
    return pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row")


def told(value: Any) -> str:
    """A piece of evidence as text.

    Examples:
        >>> told(0.33333), told(12), told([1, 2])
        ('0.333', '12', '1, 2')
    """
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(told, value))
    return str(value)


def said_model(options: ModelOptions) -> str:
    """The argument of a forecaster that asks for such a model, as it is typed.

    Examples:
        >>> said_model(ModelOptions.parse("gru+stacked"))
        'model="gru+stacked"'
    """
    return f'model="{options.label}"'


def said_gate(options: ModelOptions) -> str:
    """The same, where it is about how its gate begins: the usual bias, which goes without saying, is said.

    Examples:
        >>> said_gate(ModelOptions()), said_gate(ModelOptions.parse("gru+retain_steps=24"))
        ('model="lstm+forget_bias=1"', 'model="gru+retain_steps=24.0"')
    """
    usual = options.forget == ModelOptions().forget
    return f'model="{options.label}{"+forget_bias=1" * usual}"'
