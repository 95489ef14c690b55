"""Pretraining runs as files."""

import polars as pl
import pytest
import torch

from foregate.core import UsageError
from foregate.persistence.runs import Watched, read_run, run_facts
from foregate.persistence.shipped import shipped_sizes
from foregate.pipeline.pretraining import Pretraining, Validation
from foregate.training.options import TrainingOptions

RUN = """
hidden = 8
kinds = { monthly = 2, yearly = 1 }
[training]
steps = 4
batch = 16
[[validation]]
data = "sales.csv"
horizon = 3
season_length = [4]
"""


def test_a_file_says_what_to_make(tmp_path):
    """Every table of the file ends in its place, and what is left out has its default."""
    (tmp_path / "run.toml").write_text(RUN)
    run = read_run(tmp_path / "run.toml")
    assert (run.hidden, run.layers, run.training.steps, run.training.batch) == (8, 2, 4, 16)
    assert run.kinds == {"monthly": 2.0, "yearly": 1.0}
    assert run.validation == (Validation("sales.csv", 3, (4,)),)
    assert run_facts(run)["kinds"] == run.kinds
    assert "validation" not in run_facts(run), "what was only looked at is no part of the weights"


@pytest.mark.parametrize("size", shipped_sizes())
def test_every_weight_that_is_shipped_has_its_run(size):
    """The recipe behind the weights of the package comes with them."""
    assert read_run(size).training.steps > 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hidde = 8\n[training]\nsteps = 4", r"the run must have the fields .*'hidden'.* Mend .*run\.toml"),
        ("[training]\nsteps = 'many'", r"the run\.training\.steps must be int, but got 'many'\. Mend"),
        ("kinds = { hourlie = 1 }\n[training]\nsteps = 4", "kinds must be among yearly, .* but got 'hourlie'"),
        ("kinds = { hourly = 'x' }\n[training]\nsteps = 4", r"kinds\.hourly must be float, but got 'x'"),
        (
            "hidden = 8",
            r"the run must have the fields 'training', and may have the fields .*'kinds'.*, but got 'hidden'\.",
        ),
        ("", r"the run must have the fields 'training', .* but got nothing\."),
        ("hidden = ", "the run must be a TOML file or one of tiny"),
    ],
)
def test_files_that_make_no_sense_are_refused(tmp_path, text, said):
    """Before anything is made, with the place and the fix."""
    (tmp_path / "run.toml").write_text(text)
    with pytest.raises(UsageError, match=said):
        read_run(tmp_path / "run.toml")


def test_a_file_that_is_not_there():
    """The sizes that would do are named."""
    with pytest.raises(UsageError, match=r"must be a TOML file or one of tiny, base, but got nothing\.toml"):
        read_run("nothing.toml")


def test_watching_compares_with_the_seasonal_naive_forecast(tmp_path):
    """On a ramp with a season the naive forecast is as wrong as it always was, which is 1."""
    y = [float(10 + i + i % 4) for i in range(40)]
    pl.DataFrame({"unique_id": ["a"] * 40, "ds": list(range(40)), "y": y}).write_csv(tmp_path / "s.csv")
    watched = Watched.of(Validation(str(tmp_path / "s.csv"), 4, (4,)))
    network = Pretraining(TrainingOptions(steps=1), hidden=8).network()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    own, naive = watched.mase(network, 12)
    assert own > 0
    assert naive == pytest.approx(1)
    assert network.training, "it goes on training afterwards"
    assert all(value.equal(before[name]) for name, value in network.state_dict().items())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_network_on_a_gpu_is_watched_and_stays_there(tmp_path):
    """What is in training elsewhere is judged by a copy."""
    pl.DataFrame({"ds": list(range(40)), "y": [float(i % 4) for i in range(40)]}).write_csv(tmp_path / "s.csv")
    network = Pretraining(TrainingOptions(steps=1), hidden=8).network().to("cuda")
    assert Watched.of(Validation(str(tmp_path / "s.csv"), 4, (4,))).mase(network, 12)[0] > 0
    assert {value.device.type for value in network.state_dict().values()} == {"cuda"}
