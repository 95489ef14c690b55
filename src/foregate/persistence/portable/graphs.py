"""A whole model as two graphs: one reads an observation, the other forecasts from what is carried.

They are the formulas of `foregate.data` and `foregate.forecasting` themselves, which write operations when they are
given nodes, and the networks as `foregate.persistence.export` writes them.

Letters: B series, U kinds of units, W rows of a tape, F features, K steps ahead, Q quantiles, P those asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, cast

import numpy as np

from foregate.core import Ahead
from foregate.data.columns import no_columns
from foregate.data.input_spec import InputSpec
from foregate.data.inputs import View
from foregate.data.statistics import carried_on, positive_so_far, told
from foregate.data.tracks import LINEAR, LOG, Tracks
from foregate.forecasting.distributions import Distribution
from foregate.forecasting.fitted import LEAST_OBSERVATIONS, Fitted
from foregate.forecasting.intervals import interpolate_quantiles
from foregate.persistence.engines import stored
from foregate.persistence.export import Port, Ports, decoder_ports
from foregate.persistence.export.decoders import decoded
from foregate.persistence.export.encoders import encoded
from foregate.persistence.export.writing import Graph
from foregate.persistence.portable.covariates import Told, ahead_ports, future_of, named, row_ports
from foregate.persistence.portable.layout import NEXT, PHASES, TAPE, UNITS, Carry, packed, state_of, unpacked
from foregate.persistence.runtime import StoredNetwork
from foregate.persistence.tracing import KINDS, Begin, Every, Place, Trace, Traced

__all__ = ["Portable"]


class Portable:
    """Writes the graphs of a model."""

    def __init__(self, fitted: Fitted) -> None:
        """Of a model that can be written so, see `require_portable`."""
        self.fitted, self.spec = fitted, fitted.spec
        self.networks, self.shares = stored(fitted.engine)
        self.state = state_of(fitted.spec, fitted.engine.carries, fitted.engine.width)
        self.covariates = named(fitted.spec.columns, {"value", "days", "quantiles", *self.state})

    def row(self, days: str) -> dict[str, Carry]:
        """What the graph of a step takes besides the state; `days` says how the time is told."""
        given = {"value": Carry("float32", (), "The observation of each series; NaN where it is missing.")}
        if self.spec.clock:
            given["days"] = Carry("float64", (), days)
        return given | row_ports(self.covariates)

    def kept(self) -> dict[str, Carry]:
        """The arrays of the state that the graph of a forecast takes."""
        return {name: each for name, each in self.state.items() if name != "hidden"}

    def step(self) -> Graph:
        """The graph of an observation of each series and the state before it to that after it."""
        given = self.row("")
        outputs = {NEXT + name: each for name, each in self.state.items()}
        trace, nodes = self._begun("step", given | self.state, outputs)
        after = self._carried(trace, nodes)
        for name in after:
            after[name] = trace.spread(after[name], (trace.batch, *self.state[name].shape), self.state[name].dtype)
        features = self._view(trace, nodes | after).features(_every(trace)).astype(np.float32)
        output, hidden = self._encoded(trace, features, nodes["hidden"])
        begun = after["series"][:, 0] > 0
        hidden = np.where(begun[:, None], hidden, nodes["hidden"])
        after |= {"hidden": hidden, "output": output, "features": features}
        trace.graph.give(**{NEXT + name: node.name for name, node in after.items()})
        return trace.graph

    def ahead(self, horizon: int, quantiles: Sequence[float]) -> Graph:
        """The graph of the state to quantiles (B, K, P) of the steps ahead, in the units of the data."""
        said = Carry("float64", (horizon, len(quantiles)), "")
        given = ahead_ports(self.covariates, horizon) | self.kept()
        trace, nodes = self._begun("forecast", given, {"quantiles": said}, horizon)
        fitted, view, rows, k = self.fitted, self._view(trace, nodes), _every(trace), np.arange(1, horizon + 1)
        raw = self._decoded(trace, nodes, Ahead(k, *view.steps(rows, k), *view.units(rows)))
        calibrated = fitted.calibration.apply(raw.astype(np.float64))
        values = view.restore(rows, interpolate_quantiles(calibrated, fitted.levels, quantiles))
        few = view.tracks.age[rows][:, None, None] < LEAST_OBSERVATIONS
        values = np.where(few, fitted.simple(view, rows, k, quantiles), values)
        trace.graph.give(quantiles=trace.spread(values, (trace.batch, *said.shape), np.float64).name)
        return trace.graph

    def _carried(self, trace: Trace, nodes: dict[str, Traced]) -> dict[str, Traced]:
        """What is carried of the series themselves after a row, all tracks read as one."""
        B, U, value, series = trace.batch, UNITS, nodes["value"], nodes["series"]
        mask, before = ~np.isnan(value), cast("Traced", unpacked(_flat(nodes["statistics"])))
        y = np.where(mask, value.astype(np.float64), 0.0)
        values, seen = (_flat(trace.spread(each[:, None], (B, U)))[:, None] for each in (y, mask))
        is_log: Traced = _flat(trace.spread(np.arange(U) == LOG, (B, U), np.bool_))
        latest = _Latest(nodes, self.spec)
        running, kept = carried_on(values, seen, is_log, self.spec.seasons, self.spec.window, before, latest)
        own: Traced = {name: each.reshape(B, U, *each.shape[1:])[:, LINEAR] for name, each in before.items()}
        positive = positive_so_far(y[:, None], mask[:, None], own)[:, 0] & (series[:, 2] <= 0)
        begun = running["seen"].reshape(B, U)[:, LINEAR] > 0
        rows, days = np.where(begun, series[:, 0] + 1, 0.0), nodes.get("days", np.zeros(B))
        counts = trace.spread(kept["count"], (B * U, 1, 2)).reshape(B, U, 2)[:, LINEAR]
        after = {
            "series": np.stack([rows, days, ~positive, series[:, 3] + 1], -1),
            "statistics": packed(running).reshape(B, U, -1),
            "tape": _moved(nodes["tape"], _column(kept).reshape(B, U, len(TAPE), 1)),
            "phases": _moved(nodes["phases"], np.concatenate([mask[:, None], counts], -1)[..., None]),
        }
        if "known" in nodes:
            now = np.stack([nodes[each.port][:, 0] for each in future_of(self.covariates)], -1)[..., None]
            first = (series[:, 3] <= 0)[:, None, None]  # what lies before the first row is as it was there
            after["known"] = np.where(first, now, _moved(nodes["known"], now))
        return after

    def _begun(
        self, name: str, inputs: dict[str, Carry], outputs: dict[str, Carry], horizon: int = 1
    ) -> tuple[Trace, dict[str, Traced]]:
        """A graph of these arrays, and its inputs as nodes."""
        ports = Ports(name, *({of: _port(each) for of, each in some.items()} for some in (inputs, outputs)))
        lengths = {n for each in (*self.state.values(), *inputs.values()) for n in each.shape} | {horizon}
        trace = Trace(Graph(ports), lengths)
        return trace, {of: trace.given(of, each.dtype, (trace.batch, *each.shape)) for of, each in inputs.items()}

    def _view(self, trace: Trace, state: dict[str, Any]) -> View:
        """The latest rows of all series, each read in its own units."""
        spec, every, series = self.spec, _every(trace), state["series"]
        W, is_log = spec.lookback + 1, series[:, 2] <= 0

        def chosen(of: Traced) -> Traced:
            """The units that a series is read in."""
            return np.where(is_log.unsqueezed(*range(1, of.ndim - 1)), of[:, LOG], of[:, LINEAR])

        told_of = told(unpacked(chosen(state["statistics"])), is_log)
        columns = [_Read(state["tape"], i, chosen) for i in range(len(TAPE))]
        phases = [_Read(state["phases"], i, lambda found: found) for i in range(len(PHASES))]
        fields: dict[str, Any] = {name: each.astype(np.float32) for name, each in told_of.items()}
        place = Place(trace, np.array(W - 1))
        fields |= {"row": place, "here": every, "begin": Begin(series[:, 0], W), "end": place + 1}
        fields |= {"unit": is_log.astype(np.int64), "mask": _Read(state["phases"], 0, lambda found: found > 0)}
        fields |= {"z": columns[0], "season_mean": _Columns(columns[1:3]), "profile": _Columns(columns[3:])}
        tracks = Tracks(**fields, count=_Columns(phases[1:]))  # type: ignore[arg-type]
        told_too: Any = Told(trace, self.covariates, state, state.get("known")) if spec.columns else no_columns()
        return View(tracks, spec, every, told_too, series[:, 1] if spec.clock else None)

    def _encoded(self, trace: Trace, features: Traced, hidden: Traced) -> tuple[Traced, Traced]:
        """What all networks say of a row and carry on: (B, W) and (B, C)."""
        zeros = trace.spread(np.zeros((), np.int64), (trace.batch, 1), np.int64)
        given = {"features": features[:, None].name, "columns": zeros.name}
        states, after = [], []
        for network, own in zip(self.networks, _parts(hidden, [n.shape.carries for n in self.networks]), strict=True):
            shape, g = network.shape, trace.graph.calling(**given, carried=own.name)
            state, kept = encoded(g, shape, network.weights)
            states.append(trace.given(state, np.float32, (trace.batch, 1, shape.width))[:, 0])
            after.append(trace.given(kept, np.float32, (trace.batch, shape.carries)))
        return np.concatenate(states, -1), np.concatenate(after, -1)

    def _decoded(self, trace: Trace, state: dict[str, Traced], ahead: Ahead) -> Traced:
        """Quantiles (B, K, Q) in units of the scale above the level; see `Ensemble.decode`."""
        given = {"features": state["features"].name, "k": trace.graph.whole(ahead.k)}
        steps, paths = cast("tuple[Traced, Traced]", (ahead.steps, ahead.paths))
        given |= {"steps": steps.name, "paths": paths.name}
        parts = _parts(state["output"], [network.shape.width for network in self.networks])
        said = [
            self._said(trace, network, given, own, ahead) for network, own in zip(self.networks, parts, strict=True)
        ]
        if len(said) == 1:
            return said[0]
        if self.shares is None:
            return _median(trace, said).astype(np.float32)
        weighed = [share * each for share, each in zip(self.shares, said, strict=True)]
        together: Traced = reduce(np.add, weighed)
        return together.astype(np.float32)

    def _said(self, trace: Trace, network: StoredNetwork, given: dict[str, str], state: Traced, ahead: Ahead) -> Traced:
        """Quantiles (B, K, Q) of one network."""
        raw = decoded(trace.graph.calling(**given, states=state.name), network.shape, network.weights)
        levels, numbers = network.shape.levels, decoder_outputs(network)
        node: Traced = trace.given(raw, np.float32, (trace.batch, len(ahead.k), numbers))
        return Distribution.of(network.shape.manner).quantiles(node, levels, ahead.k, ahead.level, ahead.scale)


class _Latest:
    """The latest rows of all tracks; see `foregate.data.statistics.Latest`."""

    def __init__(self, state: dict[str, Traced], spec: InputSpec) -> None:
        self.tape, self.phases, self.spec = state["tape"], state["phases"], spec

    def __call__(self, season: int, width: int) -> tuple[Any, Any, Any, Any]:
        """See `Latest`."""
        begin = self.spec.lookback + 1 - self.spec.seasons[season]
        where = slice(begin, begin + width)
        tape, phases = self.tape[..., where], self.phases[..., where]
        (B, U), memory = tape.shape[:2], 3 + 2 * season
        every = self.tape.trace.spread(phases[:, None], (B, U, *phases.shape[1:]))
        profile = np.moveaxis(_flat(tape[:, :, memory : memory + 2]), 1, 2)
        return _flat(tape[:, :, 0]), _flat(every[:, :, 0]) > 0, profile, _flat(every[:, :, 1 + season])


class _Read:
    """A column of rows, the newest last, that is looked up at places and then made what it stands for."""

    def __init__(self, rows: Traced, column: int, then: Callable[[Traced], Traced]) -> None:
        self.rows, self.column, self.then = rows, column, then

    def __getitem__(self, place: Place) -> Traced:
        found, behind = self.rows[..., place.places], place.ndim - 1  # first, so that little is copied
        return self.then(found[(..., self.column, *[slice(None)] * behind)])


class _Columns:
    """Columns as one array that is indexed by row and column."""

    def __init__(self, columns: list[_Read]) -> None:
        self.columns = columns

    def __getitem__(self, key: tuple[Place, int]) -> Traced:
        return self.columns[key[1]][key[0]]


def decoder_outputs(network: StoredNetwork) -> int:
    """N, how many numbers a network says of a step."""
    return int(decoder_ports(network.shape).outputs["said"].axes[-1])


def _every(trace: Trace) -> Traced:
    return Every(trace)


def _port(each: Carry) -> Port:
    return Port(KINDS[each.dtype], ("B", *each.shape))


def _parts(x: Traced, widths: list[int]) -> list[Traced]:
    """Columns side by side, of each network its own."""
    return np.split(x, np.cumsum(widths)[:-1].tolist(), -1)


def _flat(x: Traced) -> Traced:
    """Numbers (B, U, …) of all tracks (B·U, …)."""
    return x.reshape(x.shape[0] * x.shape[1], *x.shape[2:])


def _column(kept: dict[str, Any]) -> Any:
    """What is kept of a row (B·U, 1, 7), as the tape has it."""
    return np.concatenate([kept["z"][..., None], kept["season_mean"].astype(np.float32), kept["profile"]], -1)


def _moved(tape: Traced, column: Any) -> Any:
    """A tape without its oldest row, and with a new one."""
    return np.concatenate([tape[..., 1:], column.astype(np.float32)], -1)


def _median(trace: Trace, said: list[Traced]) -> Traced:
    """Number by number."""
    together: Traced = np.stack(said, -1)
    M, shape = len(said), (*said[0].shape, len(said))
    ordered, _ = trace.graph.ops(2, "TopK", together.name, trace.graph.whole([M]))
    node = trace.given(ordered, said[0].dtype, shape)
    return (node[..., (M - 1) // 2] + node[..., M // 2]) / 2
