"""Findings from gates and memory: stuck gates, dead and saturated units, rows that are not used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from foregate.inspection.activations import HIGH, KEEPS, LOW, LayerGates
from foregate.inspection.finding import Finding, said_gate, said_model
from foregate.inspection.gates import Gates
from foregate.models.cell_spec import ForgetGate
from foregate.models.options import ModelOptions

__all__ = ["gates_stuck", "lookback", "units_lost"]

ALWAYS = 0.95
"""Share of the steps at which a gate is beyond its bounds for it to be stuck."""
STUCK = 0.5
"""Share of the units of a layer whose gate is stuck, from which it is a warning."""
DEAD, SOME_DEAD = 0.35, 0.2
"""Shares of the units of a layer that hand on nothing, for a warning and a note: some do in every network."""
FULL = 3.0
"""A memory beyond this is seen as 1 or -1, whatever is added: tanh 3 = 0.995."""
SATURATED = 0.5
"""Share of the units of a layer that are saturated, from which it is a warning: a few hold what never changes."""
WITHIN = 0.95
"""Share of what mattered that must lie within the rows that are used."""
UNUSED = 8
"""A window is unused if what mattered lies in an eighth of it."""


def gates_stuck(gates: Gates, options: ModelOptions, season: int) -> Iterator[Finding]:
    """Forget gates that keep everything or nothing, whatever is read."""
    wanted = season if season > 1 else 12
    for one in gates.layers:
        if one.keeps is None:
            continue
        low, high = one.saturated(KEEPS[one.cell])
        mean = float(one.seen(KEEPS[one.cell]).mean(dtype=np.float64))
        for share, state, does, first in (
            (float((high >= ALWAYS).mean()), "open", f"keep everything (above {HIGH})", ForgetGate(value=1.0)),
            (float((low >= ALWAYS).mean()), "shut", f"keep nothing (below {LOW})", ForgetGate(retain_steps=wanted)),
        ):
            if share < STUCK:
                continue
            forget = first if first != options.forget else ForgetGate(retain_steps=wanted + 1)
            yield Finding(
                f"forget gates stuck {state}",
                "warning",
                f"In {_place(one)}, {share:.0%} of the gates that keep the memory {does} at nearly every step: "
                + ("old and new are added up without end." if state == "open" else "it has no memory."),
                {**_where(one), "share stuck": share, "mean activation": mean} | _half_life(mean, one.stride),
                f"Begin with another bias of that gate, so that half is kept for {_steps(forget)}.",
                said_gate(replace(options, forget=forget)),
            )


def units_lost(gates: Gates, options: ModelOptions, *, pretrained: bool = False) -> Iterator[Finding]:
    """Units that hand on nothing, or always the same extreme.

    Args:
        gates: of series that change.
        options: what the model is.
        pretrained: whether it began with weights for every kind of series, of which one kind leaves some units idle.
    """
    for one in gates.layers:
        dead = float(one.dead.mean())
        if dead >= (DEAD if pretrained else SOME_DEAD):
            yield Finding(
                "dead units",
                "warning" if dead >= DEAD else "note",
                f"In {_place(one)}, {dead:.0%} of the units hand on the same whatever is read.",
                {**_where(one), "dead": int(one.dead.sum()), "units": len(one.dead)},
                *_to_keep_alive(dead, len(one.dead), options, pretrained=pretrained),
            )
        share = float((_extreme(one) >= ALWAYS).mean())
        if share >= SATURATED:
            yield Finding(
                "saturated units",
                "warning",
                f"In {_place(one)}, {share:.0%} of the units lie at an end of their range at nearly every step, where "
                "they hardly learn.",
                {**_where(one), "share": share, "units": len(one.dead)},
                "Smaller weights keep units within their range: a lower rate, and more decay.",
                'options={"rate": 1e-3, "training": {"decay": 0.01}}',
            )


def _to_keep_alive(dead: float, units: int, options: ModelOptions, *, pretrained: bool) -> tuple[str, str]:
    """Advice where units are dead, and the setting: pretrained weights would be lost with another size."""
    if pretrained:
        return "A lower learning rate keeps units alive.", 'options={"rate": 1e-3}'
    setting = (
        said_model(replace(options, cell="lstm"))
        if options.cell == "rnn-relu"
        else f'options={{"rate": 1e-3, "hidden": {max(1, int((1 - dead) * units))}}}'
    )
    return "A lower learning rate keeps units alive, and a smaller network does without them.", setting


def lookback(
    rows_used: int, rows_back: int, reach: int | None, seasons: Sequence[int], options: ModelOptions
) -> Iterator[Finding]:
    """Rows that a model could look back on and does not.

    Args:
        rows_used: rows before the origin, read by the encoder, within which nearly all lies that moved forecasts.
        rows_back: rows of a window or of attention; 0 where a state is carried.
        reach: rows back from which an observation still moves the forecast by any way; None where not measured.
        seasons: that the model was told, in rows.
        options: what the model is.
    """
    if rows_back and rows_used * UNUSED < rows_back:
        shorter = max(2 * rows_used, max(seasons, default=1), 8)
        yield Finding(
            "lookback not used",
            "note",
            f"Of the {rows_back} rows that it looks back on, {WITHIN:.0%} of what moves forecasts lies in the last "
            f"{rows_used + 1}.",
            {"rows": rows_back, f"rows with {WITHIN:.0%}": rows_used + 1, "seasons": list(seasons)},
            "A shorter window costs less and forecasts the same.",
            said_model(replace(options, lookback=min(shorter, rows_back - 1), patch=None)),
        )
    season = min(seasons, default=0)
    if season and reach is not None and reach < season - 1:
        yield Finding(
            "season not used",
            "warning",
            f"It looks {reach} rows back, less than the season of {season}: forecasts do not know where in it they "
            "are.",
            {"reach": reach, "season": season},
            "Train longer, or begin with gates that keep a season.",
            said_gate(replace(options, forget=ForgetGate(retain_steps=season)))
            if options.cell in KEEPS
            else 'effort="best"',
        )


def _extreme(one: LayerGates) -> NDArray[np.float64]:
    """(H,) share of the steps at which each unit shows an extreme."""
    if one.cell == "rnn-relu":  # has no upper end
        return np.zeros(len(one.dead))
    name, end = {"lstm": ("memory", FULL), "gru": ("candidate", HIGH)}.get(one.cell, ("output", HIGH))
    seen = one.seen(name)
    share = np.maximum((seen > end).mean(0, dtype=np.float64), (seen < -end).mean(0, dtype=np.float64))
    return np.asarray(share, np.float64)


def _where(one: LayerGates) -> dict[str, str | int]:
    """Which layer, and of which network where there are several."""
    return ({"network": one.network} if one.network != "network" else {}) | {"layer": one.layer}


def _place(one: LayerGates) -> str:
    return f"{one.network}, layer {one.layer}" if one.network != "network" else f"layer {one.layer}"


def _half_life(mean: float, stride: int) -> dict[str, float]:
    return {"half-life in rows": stride * float(np.log(2) / max(-np.log(min(max(mean, 1e-12), 1.0)), 1e-12))}


def _steps(forget: ForgetGate) -> str:
    return "2.2 steps" if forget.value == 1.0 else f"{forget.retain_steps:g} steps"
