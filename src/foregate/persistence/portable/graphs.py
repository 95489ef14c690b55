"""A whole model as two graphs: one reads an observation, the other forecasts from what is carried.

They are the formulas of `foregate.data` and `foregate.forecasting` themselves, which write operations when they are
given nodes, and the networks as `foregate.persistence.export` writes them.

Letters: B series, U kinds of units, W rows of a tape, F features, K steps ahead, Q quantiles, P those asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any

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
from foregate.persistence.export import Port, Ports
from foregate.persistence.export.decoders import decoded
from foregate.persistence.export.encoders import encoded
from foregate.persistence.export.writing import Graph
from foregate.persistence.portable.layout import NEXT, PHASES, TAPE, UNITS, Carry, packed, state_of, unpacked
from foregate.persistence.runtime import StoredNetwork
from foregate.persistence.tracing import KINDS, Begin, Every, Node, Place, Trace

__all__ = ["Portable"]


class Portable:
    """Writes the graphs of a model."""

    def __init__(self, fitted: Fitted) -> None:
        """Of a model that can be written so, see `require_portable`."""
        self.fitted, self.spec = fitted, fitted.spec
        self.networks, self.shares = stored(fitted.engine)
        self.state = state_of(fitted.spec, fitted.engine.carries, fitted.engine.width)

    def step(self, given: Mapping[str, Carry]) -> Graph:
        """The graph of an observation (B,), with what else is given, and the state before it to that after it."""
        outputs = {NEXT + name: each for name, each in self.state.items()}
        trace, nodes = self._begun("step", {**given, **self.state}, outputs)
        value, state, U = nodes["value"], {name: nodes[name] for name in self.state}, UNITS
        seen, before = ~np.isnan(value), unpacked(_flat(state["statistics"]))
        y, mask = np.where(seen, value.astype(np.float64), 0.0), seen
        every = [_flat(trace.spread(each[:, None], (trace.batch, U)))[:, None] for each in (y, mask)]
        is_log = _flat(trace.spread(np.arange(U) == LOG, (trace.batch, U), np.bool_))
        latest = _Latest(state, self.spec)
        running, kept = carried_on(*every, is_log, self.spec.seasons, self.spec.window, before, latest)
        own = {name: each.reshape(trace.batch, U, *each.shape[1:])[:, 0] for name, each in before.items()}
        positive = positive_so_far(y[:, None], mask[:, None], own)[:, 0] & (state["series"][:, 2] <= 0)
        begun = running["seen"].reshape(trace.batch, U)[:, 0] > 0
        rows = np.where(begun, state["series"][:, 0] + 1, 0.0)
        days = nodes.get("days", np.zeros(trace.batch))
        counts = trace.spread(kept["count"], (U * trace.batch, 1, 2)).reshape(trace.batch, U, 2)[:, 0]
        after = {
            "series": np.stack([rows, days, ~positive], -1),
            "statistics": packed(running).reshape(trace.batch, U, -1),
            "tape": _moved(state["tape"], _column(kept).reshape(trace.batch, U, len(TAPE), 1)),
            "phases": _moved(state["phases"], np.concatenate([mask[:, None], counts], -1)[..., None]),
        }
        for name in after:
            after[name] = trace.spread(after[name], (trace.batch, *self.state[name].shape), self.state[name].dtype)
        features = self._view(trace, after).features(Every(trace)).astype(np.float32)
        output, hidden = self._encoded(trace, features, state["hidden"])
        after |= {"hidden": np.where(begun[:, None], hidden, state["hidden"]), "output": output, "features": features}
        trace.graph.give(**{NEXT + name: node.name for name, node in after.items()})
        return trace.graph

    def ahead(self, horizon: int, quantiles: Sequence[float]) -> Graph:
        """The graph of the state to quantiles (B, K, P) of the steps ahead, in the units of the data."""
        said = Carry("float64", (horizon, len(quantiles)), "")
        state = {name: each for name, each in self.state.items() if name != "hidden"}
        trace, nodes = self._begun("forecast", state, {"quantiles": said}, horizon)
        fitted, view, rows, k = self.fitted, self._view(trace, nodes), Every(trace), np.arange(1, horizon + 1)
        raw = self._decoded(trace, nodes, Ahead(k, *view.steps(rows, k), *view.units(rows)))
        calibrated = fitted.calibration.apply(raw.astype(np.float64))
        values = view.restore(rows, interpolate_quantiles(calibrated, fitted.levels, quantiles))
        few = view.tracks.age[rows][:, None, None] < LEAST_OBSERVATIONS
        values = np.where(few, fitted.simple(view, rows, k, quantiles), values)
        trace.graph.give(quantiles=trace.spread(values, (trace.batch, *said.shape), np.float64).name)
        return trace.graph

    def _begun(
        self, name: str, inputs: dict[str, Carry], outputs: dict[str, Carry], horizon: int = 1
    ) -> tuple[Trace, dict[str, Node]]:
        """A graph of these arrays, and its inputs as nodes."""
        ports = Ports(name, *({of: _port(each) for of, each in some.items()} for some in (inputs, outputs)))
        lengths = {n for each in (*self.state.values(), *inputs.values()) for n in each.shape} | {horizon}
        trace = Trace(Graph(ports), lengths)
        return trace, {of: trace.given(of, each.dtype, (trace.batch, *each.shape)) for of, each in inputs.items()}

    def _view(self, trace: Trace, state: dict[str, Any]) -> View:
        """The latest rows of all series, each read in its own units."""
        spec, every, series = self.spec, Every(trace), state["series"]
        W, is_log = spec.lookback + 1, series[:, 2] <= 0

        def chosen(of: Node) -> Node:
            """The units that a series is read in."""
            return np.where(is_log.unsqueezed(*range(1, of.ndim - 1)), of[:, LOG], of[:, LINEAR])

        told_of = told(unpacked(chosen(state["statistics"])), is_log)
        columns = [_Read(state["tape"], i, chosen) for i in range(len(TAPE))]
        phases = [_Read(state["phases"], i, lambda found: found) for i in range(len(PHASES))]
        place, fields = Place(trace, np.array(W - 1)), {name: each.astype(np.float32) for name, each in told_of.items()}
        tracks: Any = Tracks(  # typing: nodes stand for arrays
            row=place,
            here=every,
            begin=Begin(series[:, 0], W),
            end=place + 1,
            unit=is_log.astype(np.int64),
            mask=_Read(state["phases"], 0, lambda found: found > 0),
            z=columns[0],
            season_mean=_Columns(columns[1:3]),
            profile=_Columns(columns[3:]),
            count=_Columns(phases[1:]),
            **fields,
        )
        return View(tracks, spec, every, no_columns(), series[:, 1] if spec.clock else None)

    def _encoded(self, trace: Trace, features: Node, hidden: Node) -> tuple[Node, Node]:
        """What all networks say of a row and carry on: (B, W) and (B, C)."""
        zeros = trace.spread(np.zeros((), np.int64), (trace.batch, 1), np.int64)
        given = {"features": features[:, None].name, "columns": zeros.name}
        states, after = [], []
        for network, own in zip(self.networks, _parts(hidden, [n.shape.carries for n in self.networks]), strict=True):
            g = trace.graph.calling(**given, carried=own.name)
            state, kept = encoded(g, network.shape, network.weights)
            states.append(trace.given(state, np.float32, (trace.batch, 1, network.shape.width)).reshape(
                trace.batch, network.shape.width
            ))
            after.append(trace.given(kept, np.float32, (trace.batch, network.shape.carries)))
        return np.concatenate(states, -1), np.concatenate(after, -1)

    def _decoded(self, trace: Trace, state: dict[str, Node], ahead: Ahead) -> Node:
        """Quantiles (B, K, Q) in units of the scale above the level; see `Ensemble.decode`."""
        given = {"features": state["features"].name, "k": trace.graph.whole(ahead.k)}
        given |= {"steps": ahead.steps.name, "paths": ahead.paths.name}  # type: ignore[attr-defined]
        parts = _parts(state["output"], [network.shape.width for network in self.networks])
        said = [self._said(trace, network, given, own, ahead) for network, own in zip(self.networks, parts, strict=True)]
        if len(said) == 1:
            return said[0]
        if self.shares is None:
            return _median(trace, said).astype(np.float32)
        weighed = [share * each for share, each in zip(self.shares, said, strict=True)]
        together: Node = reduce(np.add, weighed)
        return together.astype(np.float32)

    def _said(self, trace: Trace, network: StoredNetwork, given: dict[str, str], state: Node, ahead: Ahead) -> Node:
        """Quantiles (B, K, Q) of one network."""
        raw = decoded(trace.graph.calling(**given, states=state.name), network.shape, network.weights)
        levels, numbers = network.shape.levels, decoder_outputs(network)
        node = trace.given(raw, np.float32, (trace.batch, len(ahead.k), numbers))
        said: Any = Distribution.of(network.shape.manner).quantiles(
            node, levels, ahead.k, ahead.level, ahead.scale  # type: ignore[arg-type]
        )
        quantiles: Node = said
        return quantiles


class _Latest:
    """The latest rows of all tracks; see `foregate.data.statistics.Latest`."""

    def __init__(self, state: dict[str, Node], spec: InputSpec) -> None:
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

    def __init__(self, rows: Node, column: int, then: Callable[[Node], Node]) -> None:
        self.rows, self.column, self.then = rows, column, then

    def __getitem__(self, place: Place) -> Node:
        found, behind = self.rows[..., place.places], place.ndim - 1  # first, so that little is copied
        return self.then(found[(..., self.column, *[slice(None)] * behind)])


class _Columns:
    """Columns as one array that is indexed by row and column."""

    def __init__(self, columns: list[_Read]) -> None:
        self.columns = columns

    def __getitem__(self, key: tuple[Place, int]) -> Node:
        return self.columns[key[1]][key[0]]


def decoder_outputs(network: StoredNetwork) -> int:
    """N, how many numbers a network says of a step."""
    from foregate.persistence.export import decoder_ports

    return int(decoder_ports(network.shape).outputs["said"].axes[-1])


def _port(each: Carry) -> Port:
    return Port(KINDS[each.dtype], ("B", *each.shape))


def _parts(x: Node, widths: list[int]) -> list[Node]:
    """Columns side by side, of each network its own."""
    parts: list[Node] = np.split(x, np.cumsum(widths)[:-1].tolist(), -1)  # type: ignore[assignment,call-overload]
    return parts


def _flat(x: Node) -> Node:
    """Numbers (B, U, …) of all tracks (B·U, …)."""
    return x.reshape(x.shape[0] * x.shape[1], *x.shape[2:])


def _column(kept: dict[str, Any]) -> Any:
    """What is kept of a row (B·U, 1, 7), as the tape has it."""
    return np.concatenate([kept["z"][..., None], kept["season_mean"].astype(np.float32), kept["profile"]], -1)


def _moved(tape: Node, column: Any) -> Any:
    """A tape without its oldest row, and with a new one."""
    return np.concatenate([tape[..., 1:], column.astype(np.float32)], -1)


def _median(trace: Trace, said: list[Node]) -> Node:
    """Number by number."""
    together = np.stack(said, -1)
    M, shape = len(said), (*said[0].shape, len(said))
    ordered, _ = trace.graph.ops(2, "TopK", together.name, trace.graph.whole([M]))  # type: ignore[attr-defined]
    node = trace.given(ordered, said[0].dtype, shape)
    return (node[..., (M - 1) // 2] + node[..., M // 2]) / 2
