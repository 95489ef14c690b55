"""Any contender on any set: one line of figures, costs, versions and machine per run.

    python -m benchmarks.run m4_weekly                        # the defaults, on windows that are for choices
    python -m benchmarks.run nn5_daily --with instant best    # others of Foregate's efforts
    python -m benchmarks.run m4_hourly --with standard "neuralforecast LSTM" "statistical median"    # peers: make peers
    python -m benchmarks.run --all --test --with standard     # official test parts: the final print

Every contender answers in a program of its own, one after another, from the same files, which end where its knowledge
ends but for covariates that are known ahead. Lines are appended to `--log`; `python -m benchmarks.results_page` makes
RESULTS.md of them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cases import CASES
from benchmarks.contenders.names import CONTENDERS
from benchmarks.contenders.names import contender as named
from benchmarks.job import Job
from benchmarks.scoring import figures

ROOT = Path(__file__).resolve().parents[1]
LOG = ROOT / "benchmarks" / "results" / "runs.jsonl"
PEERS = ROOT / "build" / "peers" / "bin" / "python"
"""Of the environment that ``make peers`` makes."""


def main() -> None:
    """Parse, run, print, record."""
    given = _parsed()
    names = list(CASES) if given.all else given.sets
    if not names:
        sys.exit("a set must be named, or --all, but got none. Choose from: " + ", ".join(CASES))
    for name in names:
        job = CASES[name].job(name, test=given.test)
        for contender in given.contenders:
            line = _about(given, name, contender) | answered(job, contender, given.seed, given.keep)
            given.log.parent.mkdir(parents=True, exist_ok=True)
            with given.log.open("a") as file:
                file.write(json.dumps(line) + "\n")
            print(_shown(line), flush=True)


def answered(job: Job, contender: str, seed: int, keep: Path | None = None) -> dict[str, Any]:
    """Figures and costs of one contender."""
    python = sys.executable if not named(contender).peer else str(PEERS)
    if not Path(python).exists():
        sys.exit(f"{contender} must have the environment of the peers, but got none at {python}. Run `make peers`.")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        job.save(folder)
        began = time.perf_counter()
        command = [python, "-m", "benchmarks.contenders", contender, place, str(seed)]
        done = subprocess.run(command, cwd=ROOT, env=_environment(), capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - began
        if done.returncode:
            print(f"{job.name}, {contender}: failed\n{done.stderr[-2000:]}", file=sys.stderr)
            return {"failed": (done.stderr.strip().splitlines() or ["without a word"])[-1]}
        mean = folder / "mean.npy"
        found = figures(job, np.load(folder / "said.npy"), np.load(mean) if mean.exists() else None)
        if keep is not None:
            keep.mkdir(parents=True, exist_ok=True)
            shutil.copy(folder / "said.npy", keep / f"{job.name}, {contender}, seed {seed}.npy")
        facts = json.loads((folder / "facts.json").read_text())
    return {"figures": {key: round(value, 5) for key, value in found.items()}, "seconds": round(seconds, 2), **facts}


def _environment() -> dict[str, str]:
    """This one's, with the repository to import from, and no progress bars."""
    paths = [str(ROOT), str(ROOT / "src")]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths), "NIXTLA_ID_AS_COL": "1", "TQDM_DISABLE": "1"}


def _about(given: argparse.Namespace, name: str, contender: str) -> dict[str, Any]:
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "set": name,
        "part": "test" if given.test else "validation",
        "contender": contender,
        "seed": given.seed,
        "machine": {"cpu": _processor(), "cores": os.cpu_count(), "threads": os.environ.get("OMP_NUM_THREADS")},
    }


def _processor() -> str:
    """What the system calls it."""
    place = Path("/proc/cpuinfo")
    lines = place.read_text().splitlines() if place.exists() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())


def _shown(line: dict[str, Any]) -> str:
    label = f"{line['set']:18} {line['part']:11} {line['contender']:26}"
    if "failed" in line:
        return f"{label} failed: {line['failed'][:100]}"
    found = line["figures"]
    headline = CASES[line["set"]].headline
    told = {headline: found[headline]} | {key: found[key] for key in ("mase", "crps", "mse")}
    text = "  ".join(f"{key} {value:.4f}" for key, value in told.items())
    cover = f"covers {found['covers80']:.0f} / {found['covers95']:.0f} %"
    costs = f"fit {line['fit_seconds']:.1f} s, forecast {line['predict_seconds']:.1f} s, {line['peak_mib']} MiB"
    return f"{label} {text}  {cover}  {costs}"


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", metavar="SET", help=", ".join(CASES))
    parser.add_argument("--all", action="store_true", help="all sets")
    parser.add_argument(
        "--with",
        nargs="+",
        dest="contenders",
        default=["standard"],
        metavar="NAME",
        help=", ".join(CONTENDERS) + "; options may follow one of Foregate's: 'standard, start=scratch, model=gru'",
    )
    parser.add_argument("--test", action="store_true", help="official test parts and newest windows: the final print")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--log", type=Path, default=LOG, metavar="FILE")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="for what was forecast, to be looked into")
    given = parser.parse_args()
    for name in given.contenders:
        try:
            named(name)
        except ValueError as error:
            parser.error(str(error))
    unknown = [name for name in given.sets if name not in CASES]
    if unknown:
        parser.error(f"sets must be among {', '.join(CASES)}, but got {', '.join(unknown)}")
    return given


if __name__ == "__main__":
    main()
