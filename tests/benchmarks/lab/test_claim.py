"""Figures compare what shares data and seed, and nothing is chosen by what it is judged by."""

import json

import pytest

from benchmarks.lab.claim import Claim, Experiment, Found, best, gain, more, name_of, points, told
from benchmarks.lab.claims import CLAIMS, DEFAULTS
from benchmarks.lab.kinds import KINDS
from benchmarks.lab.scale import SCALES

TINY = SCALES["tiny"]


def found_of(errors, together=False):
    """What is found where contenders have these errors: contender -> data -> errors by seed."""
    contenders = {name: {"who": name} for name in errors}
    data = tuple(dict.fromkeys(each for places in errors.values() for each in places))
    claim = Claim("c", "", "", "", (Experiment("forecast", data, contenders, together=together),), ())
    lines = {}
    for name, places in errors.items():
        for place, seeds in places.items():
            for seed, value in enumerate(seeds):
                if together:
                    key = name_of("forecast", contenders, place, seed, "tiny")
                    lines.setdefault(key, {"figures": {}})["figures"][name] = {"mase": value}
                elif value is not None:
                    key = name_of("forecast", contenders[name], place, seed, "tiny")
                    lines[key] = {"figures": {"mase": value}}
    return Found(claim, lines, "tiny")


def test_figures_compare_the_same_seed():
    """A gain is in per cent of the other's error, and a seed that one of them lacks is left out."""
    found = found_of({"a": {"x": [1.0, 3.0, None]}, "b": {"x": [2.0, 4.0, 5.0], "y": [1.0]}})
    assert gain("a", "b")(found) == {"x": {0: 50.0, 1: 25.0}}
    assert more("b", "a")(found) == {"x": {0: pytest.approx(100), 1: pytest.approx(100 / 3)}}
    assert more("b", "a", percent=False)(found)["x"][0] == 2
    assert points("b", "a", "mase")(found) == {"x": {0: 1.0, 1: 1.0}}
    assert told("b", "mase")(found)["y"] == {0: 1.0}


def test_runs_of_several_at_once_are_taken_apart():
    """A line that holds all contenders gives each its own."""
    found = found_of({"a": {"x": [1.0, 2.0]}, "b": {"x": [4.0, 4.0]}}, together=True)
    assert more("b", "a", percent=False)(found) == {"x": {0: 4.0, 1: 2.0}}


def test_failed_runs_have_no_figures():
    """What failed is not there."""
    found = found_of({"a": {"x": [1.0]}})
    found._lines[name_of("forecast", {"who": "a"}, "x", 0, "tiny")] = {"failed": "it broke"}
    assert told("a", "mase")(found) == {}


def test_the_best_is_chosen_by_the_other_seeds():
    """One that is best on a single seed, and bad elsewhere, is not chosen there."""
    errors = {"steady": {"x": [2.0, 2.0, 2.0]}, "lucky": {"x": [0.5, 2.4, 2.4]}, "other": {"x": [4.0] * 3}}
    found = best(["steady", "lucky"], ["other"])(found_of(errors))["x"]
    assert found == {0: pytest.approx(50), 1: pytest.approx(40), 2: pytest.approx(40)}
    once = found_of({"a": {"x": [1.0]}, "b": {"x": [2.0]}})
    assert best(["a"], ["b"])(once) == {}


def test_claims_are_run_on_real_and_made_up_data():
    """Each on both, by three seeds or more, with contenders that their figures speak of."""
    for claim in CLAIMS:
        data = {name for experiment in claim.experiments for name in experiment.data}
        assert any(name.startswith("made") for name in data), claim.name
        assert any(not name.startswith("made") for name in data), claim.name
        assert all(experiment.seeds(SCALES["small"]) >= 3 for experiment in claim.experiments)
        assert claim.statements
        for statement in claim.statements:
            assert statement.low < statement.high


def test_every_statement_speaks_of_runs():
    """With a line for each of its runs, every statement of every claim has a figure for a place at least."""
    for claim in CLAIMS:
        lines = {}
        for run in claim.runs(SCALES["small"]):
            own = {"mase": 1.0, "rmsse": 1.0, "steps": [1.0, 2.0, 3.0], "right": 90.0, "cpu": 1.0, "trained": 0.5}
            own |= {"error saved": 1.0, "time saved": 1.0, "lengths": [1, 2], "ms": [1.0, 2.0], "MiB": [1.0, 2.0]}
            several = any(e.kind == run.kind and e.together for e in claim.experiments)
            figures = dict.fromkeys(run.settings, own) if several else own
            lines[run.key("small")] = {"figures": figures}
        found = Found(claim, lines, "small")
        for statement in claim.statements:
            assert statement.figure(found), (claim.name, statement.words)
        for default in (each for each in DEFAULTS if each.claim == claim.name):
            for who in (default.contender, *default.others):
                assert any(place.endswith(default.where) for place in found.of(who, "mase")), (default.words, who)


def test_runs_are_told_in_json():
    """Settings can be written into a line, and read from there they are the same run; kinds and names are known."""
    names = [claim.name for claim in CLAIMS]
    assert len(set(names)) == len(names)
    assert {default.claim for default in DEFAULTS} <= set(names)
    for claim in CLAIMS:
        for run in claim.runs(TINY):
            again = json.loads(json.dumps(dict(run.settings)))
            assert run.key("tiny") == name_of(run.kind, again, run.data, run.seed, "tiny")
            assert run.kind in KINDS


def test_contenders_have_one_name_and_one_meaning():
    """In a place no contender is told two things, so that no figure mixes two runs."""
    for claim in CLAIMS:
        said = {}
        for experiment in claim.experiments:
            for name, settings in experiment.contenders.items():
                for data in experiment.data:
                    key = (name, experiment.place(data), experiment.kind)
                    assert said.setdefault(key, settings) == settings
