"""Several processes train one model as one process would."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from foregate.core import UsageError
from foregate.forecaster import load
from foregate.training.processes import Team, own_device, team_of
from tests.house import REPOSITORY
from tests.training.test_loop import new_crops

SCRIPT = """
import json, os, sys
from pathlib import Path
import numpy as np, torch
from tests.training.test_loop import OPTIONS, new_crops, new_network, score
from foregate.training.loop import train
from foregate.training.loggers import CsvLogger
from dataclasses import replace

folder, given, stop_at = Path(sys.argv[1]), json.loads(sys.argv[2]), int(sys.argv[3])
rank = int(os.environ.get("RANK", 0))
options = replace(OPTIONS, **given)
told = []

def tell(event):
    told.append(event.name)
    if event.name == "step" and event.step == stop_at:
        os._exit(3)  # as if the machine had gone

network = new_network(seed=rank)  # the first one's weights count
checkpoint = folder / "checkpoint"
callbacks = [CsvLogger(folder / "log.csv"), tell]
result = train(network, new_crops(options), score=score, callbacks=callbacks, checkpoint=checkpoint)
weights = {name: value.tolist() for name, value in network.state_dict().items()}
facts = {"history": [record.facts() for record in result.history], "weights": weights, "told": told}
(folder / f"rank{rank}.json").write_text(json.dumps(facts))
"""
CRAFTS = [
    {},
    {"batch": 7, "optimizer": "sgd", "rate": 0.1, "l1": 1e-3, "averaging": 0.0},
    {"schedule": "plateau", "schedule_options": {"wait": 1}, "checks": 12, "clip_value": 0.05},
]


def run(folder: Path, processes: int, given, stop_at: int = -1) -> int:
    """Train in so many processes, which leave what they found in the folder."""
    folder.mkdir(exist_ok=True)
    script = folder / "script.py"
    script.write_text(SCRIPT)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    start = ["-m", "torch.distributed.run", "--nproc_per_node", str(processes), "--master_port", str(port)]
    command = [sys.executable, *(start if processes > 1 else []), script, folder, json.dumps(given), str(stop_at)]
    environment = {"PYTHONPATH": f"{REPOSITORY / 'src'}:{REPOSITORY}", "OMP_NUM_THREADS": "1", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=300, check=False)
    if stop_at < 0:
        assert done.returncode == 0, done.stderr.decode()[-4000:]
    return done.returncode


def found(folder: Path, rank: int = 0):
    return json.loads((folder / f"rank{rank}.json").read_text())


def numbers(facts, name):
    return [row[name] for row in facts["history"]]


@pytest.mark.slow
@pytest.mark.parametrize("given", CRAFTS, ids=str)
def test_two_processes_are_one(tmp_path, given):
    """At an equal batch two processes have the loss curve of one, and end with the same weights, both of them."""
    one, two = tmp_path / "one", tmp_path / "two"
    run(one, 1, given)
    run(two, 2, given)
    alone, first, second = found(one), found(two), found(two, 1)
    for name in ("loss", "score", "rate", "gradient_norm"):
        np.testing.assert_allclose(numbers(first, name), numbers(alone, name), rtol=1e-4, err_msg=name)
    assert first["weights"] == second["weights"]
    for name, values in alone["weights"].items():
        np.testing.assert_allclose(first["weights"][name], values, atol=1e-3, err_msg=name)
    assert (first["told"], second["told"]) == (alone["told"], []), "one tells, the other is quiet"


@pytest.mark.slow
def test_processes_that_were_stopped_are_taken_up_again(tmp_path):
    """Stopped and resumed equals never stopped, to the bit, whoever writes the checkpoint and the log."""
    whole, resumed = tmp_path / "whole", tmp_path / "resumed"
    run(whole, 2, {})
    assert run(resumed, 2, {}, stop_at=7) != 0
    assert not (resumed / "rank0.json").exists()
    run(resumed, 2, {})
    for rank in (0, 1):
        one, other = found(whole, rank), found(resumed, rank)
        assert other["weights"] == one["weights"]
        assert other["history"] == one["history"]
    assert (resumed / "log.csv").read_bytes() == (whole / "log.csv").read_bytes()


@pytest.mark.parametrize("size", [1, 2, 3, 6])
def test_shares_make_up_the_batch(size):
    """Every crop is in one share, in its order; a share has all that belongs to its crops."""
    batch = new_crops().draw(0)
    shares = [Team(rank, size).share(batch) for rank in range(size)]
    for name in vars(batch):
        whole, parts = getattr(batch, name), [getattr(share, name) for share in shares]
        if name in ("k", "carry"):  # which steps are looked ahead is the same for all crops; none goes on from others
            assert all(part is whole for part in parts)
            continue
        again = np.empty_like(whole)
        for rank, part in enumerate(parts):
            again[rank::size] = part
        np.testing.assert_array_equal(again, whole)


def test_more_processes_than_crops_are_refused():
    """The message has both numbers."""
    with pytest.raises(UsageError, match="batch must be at least the number of processes, 7, but got 6"):
        Team(0, 7).share(new_crops().draw(0))


def test_a_process_alone_is_a_team(monkeypatch):
    """Without torchrun there is one process, which leads; what only looks like it is not torchrun either."""
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.delenv("MASTER_ADDR", raising=False)
    team = team_of("cpu")
    assert (team.rank, team.size, team.leads) == (0, 1, True)
    assert own_device("cuda") == torch.device("cuda")


def test_every_process_has_its_own_gpu(monkeypatch):
    """Started by torchrun, a process takes the GPU of its number, unless another was named."""
    told = {"WORLD_SIZE": "2", "RANK": "3", "MASTER_ADDR": "localhost", "LOCAL_RANK": "1"}
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    assert own_device("cuda") == torch.device("cuda:1")
    assert own_device("cuda:0") == torch.device("cuda:0")
    assert own_device("cpu") == torch.device("cpu")


@pytest.mark.slow
def test_the_command_line_trains_one_model(tmp_path):
    """Started twice at once by torchrun, `foregate fit` writes one model and prints one page; it can be loaded."""
    table = "ds,y\n" + "".join(f"2024-01-{day:02},{10 + day % 7}\n" for day in range(1, 32))
    (tmp_path / "data.csv").write_text(table)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    start = ["-m", "torch.distributed.run", "--nproc_per_node", "2", "--master_port", str(port)]
    script = tmp_path / "main.py"
    script.write_text("from foregate.cli import main\nmain()\n")
    asked = ["fit", "data.csv", "--horizon", "3", "--effort", "fast", "--out", "model", "--season-length", "7"]
    environment = {"PYTHONPATH": f"{REPOSITORY / 'src'}:{REPOSITORY}", "OMP_NUM_THREADS": "1", "PATH": "/usr/bin:/bin"}
    command = [sys.executable, *start, script, *asked]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert done.stdout.count("foregate predict") == 1
    assert load(tmp_path / "model").predict().height == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data.csv", "main.py", "model"]
