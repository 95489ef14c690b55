"""The runner of the lab records a line per run, and asks for nothing twice."""

import json
import sys

import pytest

from benchmarks.lab import __main__ as lab
from benchmarks.lab.claim import Claim, Experiment, Statement, gain
from benchmarks.lab.claims import CLAIMS

MADE = Claim(
    "made",
    "Made",
    "",
    "",
    (
        Experiment("forecast", ("made waves",), {"lstm": {}, "gru": {"cell": "gru"}}),
        Experiment("pace", ("made waves",), {"lstm": {}, "gru": {"cell": "gru"}}, "timed", together=True),
    ),
    (Statement("A GRU is better", gain("gru", "lstm"), 0, 100),),
)
SAME = Claim("same", "Same", "", "", MADE.experiments[:1], MADE.statements)
BROKEN = Claim("broken", "Broken", "", "", (Experiment("forecast", ("nowhere",), {"lstm": {}}),), ())


@pytest.fixture
def ask(tmp_path, monkeypatch):
    """The lines of the log after a run of small claims."""
    monkeypatch.setattr(lab, "CLAIMS", (MADE, SAME, BROKEN))
    log = tmp_path / "lab.jsonl"

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["lab", "--scale", "tiny", "--log", str(log), *words])
        lab.main()
        return [json.loads(line) for line in log.read_text().splitlines()]

    return run


def test_a_line_per_run(ask, capsys):
    """With all that makes it the same as another, what it found and what it took; runs of two claims are run once."""
    lines = ask("--only", "made", "same")
    assert len(lines) == 6  # two seeds of two contenders, and of one run that times both
    assert {line["claim"] for line in lines} == {"made"}
    first = lines[0]
    assert {"at", "kind", "settings", "data", "seed", "scale", "lab", "code", "versions", "machine"} <= set(first)
    assert {"figures", "seconds", "cpu_seconds"} <= set(first)
    assert "A GRU is better" in capsys.readouterr().out


def test_what_is_missing_is_run_alone(ask):
    """A log that has all gets nothing new; another seed is run by itself."""
    before = ask("--only", "made")
    assert ask("--only", "made", "--missing") == before
    after = ask("--only", "made", "--missing", "--seeds", "3")
    assert [line["seed"] for line in after[len(before) :]] == [2, 2, 2]
    assert len(ask("--only", "same")) == len(after) + 4


def test_what_fails_is_recorded(ask):
    """With the reason, and the others go on."""
    lines = ask("--only", "broken", "same")
    failed = [line for line in lines if "failed" in line]
    assert {line["data"] for line in failed} == {"nowhere"}
    assert failed[0]["failed"].startswith("KeyError")
    assert len(lines) > len(failed)


def test_verdicts_run_nothing(ask, tmp_path, capsys):
    """They are printed of what is there."""
    (tmp_path / "lab.jsonl").write_text("")
    assert ask("--verdicts") == []
    assert "None" in capsys.readouterr().out


def test_seeds_that_are_none_are_refused(ask, capsys):
    """With what to do."""
    with pytest.raises(SystemExit):
        ask("--seeds", "0")
    assert "seeds must be at least 1" in capsys.readouterr().err


def test_claims_can_be_named():
    """Each has a name that `--only` takes."""
    assert {"gru", "gradient", "bidirectional", "attention", "forget", "horizon", "length", "cost", "layers"} <= {
        claim.name for claim in CLAIMS
    }
    assert {"batch", "tuning", "rivals", "regularisation", "scaling", "truncation"} <= {claim.name for claim in CLAIMS}
