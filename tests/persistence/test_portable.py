"""Exported graphs say what the model says, whoever runs them and whatever comes."""

import hashlib
import json
from dataclasses import replace
from functools import cache

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foregate.core import ArtifactError, Frequency, ModelError, Panel, UsageError
from foregate.data.clock import Clock, days_of
from foregate.data.columns import ColumnSpec
from foregate.data.inputs import Inputs, InputSpec
from foregate.forecasting.ensemble import Ensemble
from foregate.forecasting.fitted import Fitted
from foregate.forecasting.intervals import Calibration
from foregate.persistence.portable import save_portable
from foregate.persistence.portable.folder import require_portable
from tests.forecasting.networks import HORIZON, LEVELS, engine_of, model, told
from tests.persistence.strangers import Stranger
from tests.streaming.models import series

STEP = Frequency.parse(1)
SEASONS = [(1, 1), (3, 1), (3, 7)]
KINDS = (
    "lstm",
    "gru+stacked",
    "rnn-tanh+general+lookback=4",
    "dilated+gaussian",
    "windowed+point+lookback=6",
    "bidirectional+lookback=6",
    "patched+student-t+lookback=9",
    "multi-head+lookback=6",
    "direct+additive+lookback=5",
    "each+gru",
    "seq2seq+dot+lookback=8",
)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A function that gives a model, and a stranger who has it."""

    @cache
    def made(label="lstm", seasons=(3, 7)):
        fitted, folder = model(label, seasons=seasons, factor=1.5), tmp_path_factory.mktemp("exported") / "graphs"
        save_portable(folder, fitted, STEP)
        return fitted, Stranger(folder)

    return made


def batch(fitted, histories):
    """Forecasts after whole histories, in one pass."""
    panel = Panel.from_arrays([np.asarray(history, float) for history in histories])
    return fitted._at(Inputs(panel, fitted.spec), (panel.lengths - 1)[:, None], fitted.horizon, fitted.levels)[:, 0]


def assert_close(found, expected, histories):
    """Within 1e-5 of the size of what each series has held or is forecast to hold; nothing crosses."""
    size = np.array([np.nanmax(np.abs(np.append(history, 0))) for history in histories])[:, None, None]
    assert found.shape == expected.shape
    assert np.all(np.abs(found - expected) <= 1e-5 * np.maximum(size, np.abs(expected)))
    assert np.all(np.diff(found, axis=-1) >= 0)


def streamed(stranger, histories):
    """Forecasts after every row of histories of one length, that begin with an observation."""
    stranger.begin(len(histories))
    for row, values in enumerate(np.array(histories, np.float32).T):
        stranger.read(values)
        yield row + 1, stranger.forecast()


def lively(rows=70):
    """Series of every kind: positive, falling below zero, with gaps, around zero, constant, counts, nothing.

    One is not clearly positive for a while, and in plain values from then on.
    """
    rng, t = np.random.default_rng(0), np.arange(rows)
    wave = 100 + 10 * np.sin(t * 2 * np.pi / 3) + rng.normal(0, 2, rows)
    falling, holes, gap, late = wave.copy(), wave.copy(), wave.copy(), rng.normal(0, 50, rows)
    falling[30:] -= 100
    holes[1:][rng.random(rows - 1) < 0.4] = np.nan
    gap[20:50], late[1:9] = np.nan, np.nan
    spike = 2 + rng.random(rows)
    spike[10:13] = 3_000
    counts = rng.poisson(0.5, rows).astype(float)
    return [wave, falling, holes, gap, late, spike, np.full(rows, 5.0), counts, np.zeros(rows)]


@pytest.mark.parametrize("seasons", SEASONS)
@pytest.mark.parametrize("label", KINDS)
def test_a_stream_of_any_architecture_is_a_batch(exported, label, seasons):
    """Row by row from nothing, through gaps, zeros and a change of units, forecasts are those of one pass."""
    fitted, stranger = exported(label, seasons)
    histories = lively()
    for rows, found in streamed(stranger, histories):
        if rows < 6 or rows % 16 == 0 or rows == len(histories[0]):
            part = [history[:rows] for history in histories]
            assert_close(found, batch(fitted, part), part)


@settings(max_examples=40, deadline=None)
@given(history=series, seasons=st.sampled_from(SEASONS))
def test_any_stream_is_a_batch(exported, history, seasons):
    """Whatever values come, missing ones, zeros and negative ones among them, after a row or many."""
    fitted, stranger = exported("lstm", seasons)
    stranger.begin(1)
    for value in history:
        stranger.read([value])
    if not np.isnan(history).all():
        assert_close(stranger.forecast(), batch(fitted, [history]), [history])


def test_long_seasons_and_few_rows(exported):
    """A season that has not come round says nothing; one that has is remembered, for many rounds."""
    fitted, stranger = exported("lstm", (24, 168))
    t = np.arange(400)
    history = 50 + 10 * np.sin(t / 24 * 2 * np.pi) + 20 * (t // 24 % 7 > 4) + np.random.default_rng(1).normal(0, 1, 400)
    history[200:230] = np.nan
    for rows, found in streamed(stranger, [history]):
        if rows in (1, 2, 3, 23, 25, 49, 167, 170, 215, 336, 400):
            assert_close(found, batch(fitted, [history[:rows]]), [history[:rows]])


def test_several_series_are_each_alone(exported):
    """Whatever stands beside it, a series is forecast as if it were alone; series may come and go between two rows."""
    _, stranger = exported()
    histories = lively()
    *_, (_, together) = streamed(stranger, histories)
    for i, history in enumerate(histories):
        *_, (_, alone) = streamed(stranger, [history])
        np.testing.assert_allclose(alone[0], together[i], rtol=1e-5, atol=1e-5 * np.nanmax(np.abs(history)))
    for _ in streamed(stranger, histories[:1]):
        pass
    stranger.state = {name: np.concatenate([each, np.zeros_like(each)]) for name, each in stranger.state.items()}
    stranger.read([7.0, 7.0])
    stranger.state = {name: each[1:] for name, each in stranger.state.items()}
    found = stranger.forecast()
    *_, (_, expected) = streamed(stranger, [[7.0]])
    np.testing.assert_allclose(found, expected)


def test_a_stream_goes_on_from_what_was_put_aside(exported):
    """The state is all there is: written down and read again, it goes on as if nothing had been."""
    _, stranger = exported()
    histories = lively()
    *_, (_, expected) = streamed(stranger, histories)
    for _ in streamed(stranger, [history[:40] for history in histories]):
        pass
    texts = {name: json.dumps(each.tolist(), allow_nan=False) for name, each in stranger.state.items()}
    kinds = {name: each.dtype for name, each in stranger.state.items()}
    stranger.begin(1)
    stranger.state = {name: np.array(json.loads(text), kinds[name]) for name, text in texts.items()}
    for values in np.array(histories, np.float32).T[40:]:
        stranger.read(values)
    np.testing.assert_array_equal(stranger.forecast(), expected)


def test_what_comes_before_the_first_observation_changes_nothing(exported):
    """Missing rows at the beginning are as if they had not been, and are forecast as nothing."""
    fitted, stranger = exported()
    history = np.r_[np.full(9, np.nan), lively()[0]]
    for rows, found in streamed(stranger, [history]):
        if rows < 10:
            assert np.isfinite(found).all()
        elif rows in (10, 13, 40):
            assert_close(found, batch(fitted, [history[:rows]]), [history[:rows]])


def test_nothing_in_a_state_is_endless(exported):
    """A state holds numbers alone, so that it can be kept in any format."""
    _, stranger = exported()
    for _ in streamed(stranger, [np.full(5, np.nan), np.array([1, np.nan, 0, 2, -3])]):
        assert all(np.isfinite(each).all() for each in stranger.state.values())


def test_what_was_seen_is_not_forgotten_in_a_gap(tmp_path):
    """A gap so long that the weight of all that came before is nothing leaves the averages as they were."""
    spec = InputSpec((3, 1), recent=4, window=2)
    fitted = Fitted(engine_of("lstm", spec), spec, Calibration(np.ones((1, len(LEVELS)))), HORIZON, 0.1)
    save_portable(tmp_path / "graphs", fitted, STEP)
    stranger, history = Stranger(tmp_path / "graphs"), np.r_[lively()[0][:20], np.full(1_200, np.nan), 90.0]
    for value in history[:-1]:
        stranger.read([value])
    assert_close(stranger.forecast(), batch(fitted, [history[:-1]]), [history])
    stranger.read(history[-1:])
    assert_close(stranger.forecast(), batch(fitted, [history]), [history])


@pytest.mark.parametrize("shares", [None, (0.3, 0.7)])
@pytest.mark.parametrize("labels", [("lstm", "gru+stacked"), ("lstm", "direct+gaussian", "seq2seq+dot+lookback=8")])
def test_several_networks_are_one(tmp_path, labels, shares):
    """The mean of several networks, or their median, is what they say together."""
    spec = InputSpec((3, 7), recent=4, window=20)
    engines = [engine_of(label, spec, seed=i) for i, label in enumerate(labels)]
    weights = None if shares is None else (*shares[: len(labels) - 1], 1 - sum(shares[: len(labels) - 1]))
    fitted = Fitted(Ensemble(engines, weights), spec, Calibration(np.full((1, len(LEVELS)), 1.5)), HORIZON, 0.1)
    save_portable(tmp_path / "graphs", fitted, STEP)
    histories = lively(40)
    *_, (_, found) = streamed(Stranger(tmp_path / "graphs"), histories)
    assert_close(found, batch(fitted, histories), histories)


@pytest.mark.parametrize("freq", ["6h", "B"])
def test_the_time_is_told(tmp_path, freq):
    """Where the model is told the time, so is the graph, as the manifest says."""
    frequency, rows = Frequency.parse(freq), 30
    clock = Clock.of(0.25 if freq == "6h" else 1.4, 7.0)
    spec = InputSpec((4, 1), recent=4, window=20, clock=clock)
    fitted = Fitted(engine_of("lstm", spec), spec, Calibration(np.ones((1, len(LEVELS)))), HORIZON, 0.1)
    save_portable(tmp_path / "graphs", fitted, frequency)
    stranger, values = Stranger(tmp_path / "graphs"), lively()[1][:rows]
    start = np.datetime64("2024-03-06T00:00", "us")
    panel = Panel.from_arrays([values], freq=frequency, start=start)
    first = days_of(np.array([start]), frequency)
    for row, value in enumerate(values):
        stranger.read([value], days=first + row * stranger.manifest["days_per_row"])
    expected = fitted.forecast(panel, HORIZON, LEVELS).values
    assert_close(stranger.forecast(), expected, [values])


def test_covariates_are_given_as_they_are(tmp_path):
    """Covariates of every role, numbers and categories, missing and unknown ones too, are prepared within."""
    panel, columns = told(Panel.from_arrays([history[:30] for history in lively()[:3]], ids=["a", "b", "c"]))
    fitted = model(columns=columns)
    save_portable(tmp_path / "graphs", fitted, STEP)
    sky = replace(panel.covariates["sky"], categories=("clear", "cloudy", "storm"))
    panel = replace(panel, covariates={**panel.covariates, "sky": sky})
    stranger, given = Stranger(tmp_path / "graphs", 3), panel.covariates
    y = np.where(panel.mask, panel.values, np.nan).reshape(3, 30)
    rows = {name: given[name].values.reshape(3, 30) for name in ("seen", "sky", "price", "promo")}
    rows["sky"][0, 9] = rows["sky"][2, 1] = 2
    rows["price"][0, 4] = rows["promo"][1, 7] = rows["seen"][2, 3] = np.nan
    rng = np.random.default_rng(5)
    known = {"price": rng.normal(10, 1, (3, HORIZON)), "promo": rng.integers(0, 2, (3, HORIZON))}
    beyond = {name: np.concatenate([rows[name], each.astype(np.float32)], 1) for name, each in known.items()}
    lists = {each["name"]: each.get("categories") for each in stranger.inputs("step")}
    assert {name for name, each in lists.items() if each} == {"kind", "sky", "promo"}

    def own(name, values):
        """Categories by their places in the manifest."""
        if not lists[name]:
            return values
        places = [lists[name].index(one) if one in lists[name] else -1 for one in given[name].categories]
        return np.where(np.isnan(values), np.nan, np.take(places, np.nan_to_num(values).astype(int)))

    for row in range(30):
        now = {"kind": given["kind"].values} | {name: rows[name][:, row] for name in ("seen", "sky")}
        now |= {name: each[:, row : row + 2] for name, each in beyond.items()}
        stranger.read(y[:, row], **{name: own(name, each) for name, each in now.items()})
        if row in (0, 1, 9, 29):
            ahead = {name: each[:, row + 1 :][:, :HORIZON] for name, each in beyond.items()}
            expected = fitted.forecast(panel.cut(np.full(3, row + 1)), HORIZON, LEVELS, ahead).values
            found = stranger.forecast(**{name: own(name, each) for name, each in ahead.items()})
            assert_close(found, expected, y[:, : row + 1])


def test_other_steps_and_quantiles(tmp_path):
    """Any number of steps, and any quantiles, in ascending order."""
    fitted, history = model(), lively()[0]
    save_portable(tmp_path / "graphs", fitted, STEP, (9, (0.99, 0.5, 0.2)))
    stranger = Stranger(tmp_path / "graphs")
    assert (stranger.manifest["horizon"], stranger.manifest["quantiles"]) == (9, [0.2, 0.5, 0.99])
    *_, (_, found) = streamed(stranger, [history])
    assert_close(found, fitted.forecast(Panel.from_arrays([history]), 9, (0.2, 0.5, 0.99)).values, [history])


def test_graphs_are_sound_and_documented(exported, tmp_path):
    """Both files pass the checker with shapes inferred; every array has a name, a batch of any length and words."""
    save_portable(tmp_path / "graphs", model("each+gru"), STEP)
    document = json.loads((tmp_path / "graphs" / "manifest.json").read_text())
    for part in ("step", "forecast"):
        graph = onnx.load(tmp_path / "graphs" / document[part]["file"])
        onnx.checker.check_model(graph, full_check=True)
        ports = [*graph.graph.input, *graph.graph.output]
        assert all(port.doc_string for port in ports)
        assert all(port.type.tensor_type.shape.dim[0].dim_param == "B" for port in ports)
        kept = {each["name"]: each for each in document["state"]["arrays"]}
        listed = {each["name"]: each for each in document[part]["inputs"]}
        listed |= {name: kept[name] for name in document[part]["state"]}
        for port in graph.graph.input:
            shape = [dim.dim_param or dim.dim_value for dim in port.type.tensor_type.shape.dim]
            kind = onnx.helper.tensor_dtype_to_np_dtype(port.type.tensor_type.elem_type).name
            assert (kind, shape) == (listed[port.name]["type"], listed[port.name]["shape"])
        assert set(listed) == {port.name for port in graph.graph.input}
    for name, mark in document["files"].items():
        content = (tmp_path / "graphs" / name).read_bytes()
        assert mark == {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


@pytest.mark.parametrize(
    ("label", "reason"),
    [
        ("recursive+draws=0", "got a recursive one, which feeds its own draws back"),
        ("mixture", "got the head 'mixture', whose quantiles are searched for"),
        ("negative-binomial", "got the head 'negative-binomial'"),
    ],
)
def test_what_no_graph_can_say_is_refused(tmp_path, label, reason):
    """The message names why, and what to fit instead; nothing is written."""
    with pytest.raises(ModelError, match=reason):
        save_portable(tmp_path / "graphs", model(label), STEP)
    assert not (tmp_path / "graphs").exists()


def test_several_targets_are_refused():
    """A model that reads another target would have to be given what it was told of that."""
    with pytest.raises(ModelError, match=r"one target to be exported as graphs, but got one of several, .*'load'"):
        require_portable(model(columns=(ColumnSpec("load", "past", relative=True),)))


def test_wrong_questions_are_refused(tmp_path):
    """Steps beyond the reach of the model, none at all, and what is no probability."""
    for ahead, reason in (((6, None), "at most the 5 steps"), ((0, None), "horizon"), ((None, (1.5,)), "quantiles")):
        with pytest.raises(UsageError, match=reason):
            save_portable(tmp_path / "graphs", model("direct"), STEP, ahead)


def test_only_an_exported_model_is_replaced(tmp_path):
    """What is there stays, unless it is to be replaced and is nothing else."""
    folder = tmp_path / "graphs"
    save_portable(folder, model(), STEP)
    with pytest.raises(ArtifactError, match=r"of an exported model must be new.*overwrite=True"):
        save_portable(folder, model(), STEP)
    save_portable(folder, model(), STEP, (3, None), overwrite=True)
    assert json.loads((folder / "manifest.json").read_text())["horizon"] == 3
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(ArtifactError, match=r"only an exported model can be replaced.*notes.txt"):
        save_portable(folder, model(), STEP, overwrite=True)
