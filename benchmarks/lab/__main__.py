"""What is said of LSTMs, put to the test: runs, and one line of figures for each.

    python -m benchmarks.lab --missing                     # all that the log does not have: an hour of one core
    python -m benchmarks.lab --only gru forget --seeds 5   # some claims, with more seeds
    python -m benchmarks.lab --scale tiny --log build/lab.jsonl    # to see that all of it runs
    python -m benchmarks.lab --verdicts                    # what the log says so far, and run nothing

Each claim is run on real and made-up data with several seeds; runs that several claims need are run once. Lines are
appended to `--log`; `python -m docs.build_lab` makes docs/lab.md of them. Timed contenders take turns within a run, by
seconds of the processor; other programs may be running.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks.lab.claim import Claim, Found, Run
from benchmarks.lab.claims import CLAIMS
from benchmarks.lab.kinds import code, figures
from benchmarks.lab.page import LOG, newest, verdict_of
from benchmarks.lab.scale import SCALES
from benchmarks.run import code as of_package
from benchmarks.run import logged, machine


def main() -> None:
    """Parse, run, record, print."""
    given = _parsed()
    by_name = {claim.name: claim for claim in CLAIMS}
    chosen = [by_name[name] for name in given.only or by_name]
    if not given.verdicts:
        for run in _planned(chosen, given):
            line = answered(run, given.scale)
            given.log.parent.mkdir(parents=True, exist_ok=True)
            with given.log.open("a") as file:
                file.write(json.dumps(line) + "\n")
            print(_shown(line), flush=True)
    lines = newest(logged(given.log), given.scale)
    for claim in chosen:
        for statement in claim.statements:
            print(f"{claim.name:12} {statement.words:70} {verdict_of(statement, Found(claim, lines, given.scale))}")


def answered(run: Run, scale: str) -> dict[str, Any]:
    """The line of a run: figures, or why there are none."""
    about = {"at": datetime.now(UTC).isoformat(timespec="seconds")} | about_run(run, scale)
    about |= {"versions": _versions(), "machine": machine()}
    try:
        return about | figures(run, SCALES[scale])
    except Exception as error:  # the others go on
        print(f"{run.claim}, {run.data}: {type(error).__name__}: {error}", file=sys.stderr)
        return about | {"failed": f"{type(error).__name__}: {error}"}


def about_run(run: Run, scale: str) -> dict[str, Any]:
    """What makes a run the same as another: what `--missing` looks for."""
    settings = json.loads(json.dumps(dict(run.settings)))
    told = {"claim": run.claim, "kind": run.kind, "settings": settings, "data": run.data, "seed": run.seed}
    return told | {"scale": scale, "lab": code(run.kind), "code": of_package()}


def _planned(claims: Iterable[Claim], given: argparse.Namespace) -> list[Run]:
    """Runs of the claims, none twice, and none that the log has, if only the missing are wanted."""
    known = {_identity(line) for line in logged(given.log)} if given.missing else set()
    found: dict[str, Run] = {}
    for claim in claims:
        for run in claim.runs(SCALES[given.scale], given.seeds):
            if _identity(about_run(run, given.scale)) not in known:
                found.setdefault(run.key(given.scale), run)
    return list(found.values())


def _identity(line: dict[str, Any]) -> str:
    kept = ("kind", "settings", "data", "seed", "scale", "lab", "code")
    return json.dumps({name: line.get(name) for name in kept}, sort_keys=True)


def _versions() -> dict[str, str]:
    return {name: metadata.version(name) for name in ("foregate", "torch", "numpy")}


def _shown(line: dict[str, Any]) -> str:
    label = f"{line['claim']:12} {line['kind']:15} {line['data']:20} {line['seed']}"
    if "failed" in line:
        return f"{label} failed: {line['failed'][:100]}"
    text = json.dumps(line["settings"])[:70]
    return f"{label} {text} {json.dumps(line['figures'])[:100]} {line['cpu_seconds']} s"


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [claim.name for claim in CLAIMS]
    parser.add_argument("--only", nargs="+", choices=names, metavar="CLAIM", help=", ".join(names))
    parser.add_argument("--scale", choices=SCALES, default="small")
    parser.add_argument("--seeds", type=int, help="of every run; those of the scale if not given")
    parser.add_argument("--missing", action="store_true", help="leave out what the log has of the same code")
    parser.add_argument("--log", type=Path, default=LOG, metavar="FILE")
    parser.add_argument("--verdicts", action="store_true", help="print what the log says, and run nothing")
    given = parser.parse_args()
    if given.seeds is not None and given.seeds < 1:
        parser.error(f"seeds must be at least 1, but got {given.seeds}. Leave it out for those of the scale.")
    if not given.verdicts:
        import torch

        torch.set_num_threads(1)
    return given


if __name__ == "__main__":
    main()
