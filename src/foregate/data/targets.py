"""Several targets per series, predicted together: a panel with a row of series per series and target.

One network reads every series, whatever it measures, so a second target is another series that it reads, beside which
it is told what the other targets of the same series have done. In the panel that comes of it, series ``a`` with the
targets ``load`` and ``price`` is two series, ``a / load`` and ``a / price``. Each has the past covariates ``load`` and
``price``, of which its own is empty (it reads itself anyway), and a static category ``target``. Covariates of the table
are shared. `FrameSpec.target_cols` says that a panel is such a one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foregate.core import Covariate, FrameSpec, Panel, Role, UsageError, listed

__all__ = [
    "SEPARATOR",
    "TARGET",
    "check_targets",
    "given_roles",
    "group_targets",
    "one_of_each",
    "stack_targets",
    "wide_targets",
]

TARGET = "target"
"""The static category that tells the targets apart."""
SEPARATOR = " / "
"""Between the id of a series and the name of a target."""
LONG = "y"
"""What the values are called where each target has rows of its own."""

IntArray = NDArray[np.int64]


def check_targets(given: object) -> None:
    """Refuse what are no names of several targets.

    Raises:
        UsageError: says what they must be.

    Examples:
        >>> check_targets(["load", "price"])
    """
    names = list(given) if isinstance(given, Sequence) and not isinstance(given, str) else []
    if not names or not all(isinstance(name, str) for name in names):
        raise UsageError(
            f"target_cols must be a list of names of columns, but got {given!r}. "
            'Give for example target_cols=["load", "price"].'
        )
    if len(set(names)) < len(names):
        raise UsageError(f"target_cols must be different columns, but got {listed(names)}. Name each of them once.")
    odd = [name for name in names if SEPARATOR in name or name == TARGET]
    if odd and len(names) > 1:
        raise UsageError(
            f"target_cols must not be called {TARGET!r} or have {SEPARATOR!r} in their names, but got {listed(odd)}. "
            "Rename these columns."
        )


def stack_targets(parts: Mapping[str, Panel]) -> Panel:
    """One panel of several that differ in their target alone: see the module for what it looks like.

    Args:
        parts: name of each target -> panel with the same series, times and covariates.

    Raises:
        UsageError: a covariate is called ``target``.

    Examples:
        >>> load, price = (Panel.from_arrays([np.array(v)], ids=["a"]) for v in ([1.0, 2.0], [9.0, np.nan]))
        >>> both = stack_targets({"load": load, "price": price})
        >>> both.ids.tolist(), both.values.tolist(), both.covariates["price"].values.tolist()
        (['a / load', 'a / price'], [1.0, 2.0, 9.0, 0.0], [9.0, nan, nan, nan])
    """
    names, first = tuple(parts), next(iter(parts.values()))
    if TARGET in first.covariates:
        raise UsageError(
            f"covariates must not be called {TARGET!r} where there are several targets, but one is. Rename this column."
        )
    many = len(names)
    panel = first.take(np.repeat(np.arange(len(first)), many))
    number = panel.row_series % many
    values, mask = np.empty_like(panel.values), np.empty_like(panel.mask)
    others = {name: np.full(len(values), np.nan, np.float32) for name in names}
    for i, (name, part) in enumerate(parts.items()):
        values[number == i], mask[number == i] = part.values, part.mask
        seen = np.where(part.mask, part.values, np.float32(np.nan))
        for j in range(many):
            if j != i:
                others[name][number == j] = seen
    which = np.tile(np.arange(many, dtype=np.float32), len(first))
    told = {name: Covariate("past", column) for name, column in others.items()}
    ids = [name if not first.spec.has_ids else f"{one}{SEPARATOR}{name}" for one in first.ids for name in names]
    notes = dict.fromkeys(note for part in parts.values() for note in part.notes)
    return replace(
        panel,
        ids=np.array(ids, np.str_),
        values=values,
        mask=mask,
        covariates={**panel.covariates, **told, TARGET: Covariate("static", which, names)},
        spec=replace(first.spec, target_col=LONG, target_cols=names),
        notes=(*notes, f"{many} targets of each series, {listed(names)}, were read to be predicted together."),
    )


def group_targets(ids: NDArray[np.str_], spec: FrameSpec) -> tuple[NDArray[np.str_], IntArray, IntArray]:
    """The series that stand behind series of single targets.

    Args:
        ids: (S,) such as ``a / load``.
        spec: of a panel with several targets.

    Returns:
        (G,) ids as they came, in the order in which they first appear; (S,) which of them each series belongs to; and
        (S,) the number of its target.

    Examples:
        >>> spec = FrameSpec(target_cols=("load", "price"))
        >>> group_targets(np.array(["b / load", "b / price", "a / price"]), spec)
        (array(['b', 'a'], dtype='<U1'), array([0, 0, 1]), array([0, 1, 1]))
    """
    number = {name: i for i, name in enumerate(spec.target_cols)}
    groups: dict[str, int] = {}
    which, target = np.zeros((2, len(ids)), np.int64)
    for i, one in enumerate(ids.tolist()):
        base, _, name = one.rpartition(SEPARATOR) if spec.has_ids else ("", "", one)
        which[i], target[i] = groups.setdefault(base, len(groups)), number[name]
    return np.array(list(groups), np.str_), which, target


def one_of_each(panel: Panel) -> tuple[Panel, IntArray]:
    """A panel with one series in place of those of all its targets, and (S,) the place of each series in it.

    Its values are those of the first target, its covariates those of the table, and it has one target as far as its
    `spec` says.
    """
    groups, which, _ = group_targets(panel.ids, panel.spec)
    _, first = np.unique(which, return_index=True)
    one = panel.take(first)
    own = given_roles(((name, c.role) for name, c in panel.covariates.items()), panel.spec)
    covariates = {name: one.covariates[name] for name in own}
    return replace(one, ids=groups, covariates=covariates, spec=replace(panel.spec, target_cols=())), which


def wide_targets(values: NDArray[Any], ids: NDArray[np.str_], spec: FrameSpec) -> dict[str, NDArray[np.float64]]:
    """Values (S, ...) of series of single targets as one array (G, ...) per target; NaN where a series lacks it.

    Examples:
        >>> wide_targets(np.array([1.0, 2.0]), np.array(["a / x", "a / y"]), FrameSpec(target_cols=("x", "y")))
        {'x': array([1.]), 'y': array([2.])}
    """
    groups, which, target = group_targets(ids, spec)
    wide = {}
    for i, name in enumerate(spec.target_cols):
        wide[name] = np.full((len(groups), *values.shape[1:]), np.nan)
        wide[name][which[target == i]] = values[target == i]
    return wide


def given_roles(columns: Iterable[tuple[str, Role]], spec: FrameSpec) -> dict[str, Role]:
    """Name -> role of the covariates that a table must have: not those that were made of its targets.

    Examples:
        >>> spec = FrameSpec(target_cols=("load", "price"))
        >>> given_roles([("rain", "past"), ("price", "past"), ("target", "static")], spec)
        {'rain': 'past'}
    """
    made = {*spec.target_cols, TARGET} if spec.target_cols else set()
    return {name: role for name, role in columns if name not in made}
