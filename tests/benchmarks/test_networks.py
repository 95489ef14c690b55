"""Weights to look at come from where they are said to be, whole."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from benchmarks.networks import start_of
from foregate.persistence.shipped import SHIPPED, check_forecast, load_shipped
from foregate.pipeline.pretraining import Pretraining
from foregate.training.checkpoints import FILE, Checkpoint, write_checkpoint
from foregate.training.options import TrainingOptions


@pytest.fixture
def checkpoint(tmp_path):
    """Of a run of a small network: its folder, and the network's weights."""
    run = Pretraining(TrainingOptions(9), hidden=8, layers=3, decoder=5, recent=4)
    weights = run.network().state_dict()
    kept = {
        f"{part}.{name}": value + shift
        for part, shift in (("best", 0), ("network", 1))
        for name, value in weights.items()
    }
    write_checkpoint(tmp_path, Checkpoint(run.training, 0, 9, 6, 0.5, (), kept))
    return tmp_path, weights


def test_a_checkpoint_is_read_whole(checkpoint):
    """Its shape is read off its weights, the best or the last ones."""
    folder, weights = checkpoint
    start = start_of(str(folder))
    assert (start.shape.hidden, start.shape.built.layers, start.shape.decoder, start.recent) == (8, 3, 5, 4)
    assert "best at step 6" in start.label
    assert np.isfinite(check_forecast(start)).all()
    last = start_of(str(folder), "network")
    for name, value in weights.items():
        np.testing.assert_array_equal(start.weights[name], value)
        np.testing.assert_array_equal(last.weights[name], value + 1)


def test_shipped_weights_go_by_name_or_folder():
    """The same, wherever they lie."""
    assert start_of("tiny").version == start_of(str(SHIPPED / "tiny")).version == load_shipped("tiny").version


def test_what_is_no_network_of_today_is_refused(checkpoint):
    """A checkpoint of anything else, and a place where there is nothing."""
    folder, _ = checkpoint
    metadata = {"run": "{}"}
    kept = load_file(folder / FILE)
    save_file(kept | {"best.decoder.step.weight": torch.zeros(5, 1)}, folder / FILE, metadata)
    with pytest.raises(SystemExit, match="today's network and inputs"):
        start_of(str(folder))
    with pytest.raises(SystemExit, match="weights must be one of tiny, base"):
        start_of(str(folder / "nowhere"))
