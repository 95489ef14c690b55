"""Any contender on any set: one line of figures, costs, versions and machine per run.

    python -m benchmarks.run m4_weekly                        # the defaults, on windows that are for choices
    python -m benchmarks.run nn5_daily --with instant best    # others of Foregate's efforts
    python -m benchmarks.run m4_hourly --with standard "neuralforecast LSTM" "statistical median"    # peers: make peers
    python -m benchmarks.run --all --test --with standard     # official test parts: the final print
    python -m benchmarks.run --all --test --with standard --missing --limit 900    # only what the log does not have

Every contender answers in a program of its own, one after another, from the same files, which end where its knowledge
ends but for covariates that are known ahead. Lines are appended to `--log`; `python -m benchmarks.results_page` makes
RESULTS.md and the README's scoreboard of them.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from functools import cache
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
        wanted = [(who, _about(given, name, who)) for who in given.contenders]
        if given.missing:
            lines = logged(given.log)
            wanted = [(who, about) for who, about in wanted if not _has(lines, about)]
        if not wanted:
            continue
        job = CASES[name].job(name, test=given.test)
        for contender, about in wanted:
            at = datetime.now(UTC).isoformat(timespec="seconds")
            line = {"at": at} | about | answered(job, contender, given.seed, limit=given.limit, keep=given.keep)
            given.log.parent.mkdir(parents=True, exist_ok=True)
            with given.log.open("a") as file:
                file.write(json.dumps(line) + "\n")
            print(_shown(line), flush=True)


def logged(log: Path = LOG) -> list[dict[str, Any]]:
    """All lines, oldest first."""
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []


def answered(
    job: Job, contender: str, seed: int, *, limit: float | None = None, keep: Path | None = None
) -> dict[str, Any]:
    """Figures and costs of one contender, or why there are none."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        job.save(folder)
        began = time.perf_counter()
        failed = _run([*program(contender), contender, place, str(seed)], folder / "stderr", limit)
        seconds = time.perf_counter() - began
        if failed is not None:
            said = (folder / "stderr").read_text(errors="replace")[-2000:]
            print(f"{job.name}, {contender}: failed: {failed}\n{said}", file=sys.stderr)
            return {"failed": failed}
        mean = folder / "mean.npy"
        found = figures(job, np.load(folder / "said.npy"), np.load(mean) if mean.exists() else None)
        if keep is not None:
            keep.mkdir(parents=True, exist_ok=True)
            shutil.copy(folder / "said.npy", keep / f"{job.name}, {contender}, seed {seed}.npy")
        facts = json.loads((folder / "facts.json").read_text())
    return {"figures": {key: round(value, 5) for key, value in found.items()}, "seconds": round(seconds, 2), **facts}


def program(contender: str) -> list[str]:
    """What answers for a contender: is told its name, the folder of the job, and the seed."""
    return [python_of(contender), "-m", "benchmarks.contenders"]


def python_of(contender: str) -> str:
    """Of the environment that a contender runs in."""
    python = str(PEERS) if named(contender).peer else sys.executable
    if not Path(python).exists():
        sys.exit(f"{contender} must have the environment of the peers, but got none at {python}. Run `make peers`.")
    return python


def _run(command: list[str], stderr: Path, limit: float | None) -> str | None:
    """None, or how it failed. Whatever it has started itself ends with it."""
    with stderr.open("w") as file:
        child = subprocess.Popen(
            command, cwd=ROOT, env=environment(), stdout=subprocess.DEVNULL, stderr=file, start_new_session=True
        )
        try:
            code = child.wait(limit)
        except subprocess.TimeoutExpired:
            return f"took longer than {limit:g} s"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
    if code == 0:
        return None
    return ([line for line in stderr.read_text(errors="replace").splitlines() if line.strip()] or [f"exit {code}"])[-1]


@cache
def _version(library: str, python: str) -> str:
    """Of a package, as installed there."""
    asks = "import sys; from importlib.metadata import version; print(version(sys.argv[1]))"
    done = subprocess.run([python, "-c", asks, library], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _has(lines: list[dict[str, Any]], about: dict[str, Any]) -> bool:
    """Whether one is of the same set, part, contender and seed, and of the same version and code of its library."""
    same, versions = ("set", "part", "contender", "seed", "code"), about["versions"].items()
    return any(
        all(line.get(key) == about.get(key) for key in same) and versions <= line.get("versions", {}).items()
        for line in lines
    )


@cache
def code() -> str:
    """Of what is in the package, weights too: eight digits that change when a byte does."""
    digest = hashlib.sha256()
    package = ROOT / "src" / "foregate"
    for file in sorted(package.rglob("*")):
        if file.is_file() and "__pycache__" not in file.parts:
            digest.update(file.relative_to(package).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:8]


def environment() -> dict[str, str]:
    """This one's, with the repository to import from, and no progress bars."""
    paths = [str(ROOT), str(ROOT / "src")]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths), "NIXTLA_ID_AS_COL": "1", "TQDM_DISABLE": "1"}


def _about(given: argparse.Namespace, name: str, contender: str) -> dict[str, Any]:
    library = named(contender).library
    return {
        "set": name,
        "part": "test" if given.test else "validation",
        "contender": contender,
        "seed": given.seed,
        "versions": {library: _version(library, python_of(contender))},
        **({} if named(contender).peer else {"code": code()}),
        "machine": machine(),
    }


def machine() -> dict[str, Any]:
    """What figures of cost depend on."""
    return {"cpu": _processor(), "cores": os.cpu_count(), "threads": os.environ.get("OMP_NUM_THREADS")}


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
    parser.add_argument(
        "--missing", action="store_true", help="leave out what the log has, failures too, of the same version and code"
    )
    parser.add_argument("--limit", type=float, metavar="SECONDS", help="of a contender on a set; none if not given")
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
