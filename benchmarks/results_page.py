"""RESULTS.md from the lines of `benchmarks.run`: what was measured, losses left in.

python -m benchmarks.results_page            # writes RESULTS.md
python -m benchmarks.results_page --print    # the same on the screen, validation parts too
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cases import CASES
from benchmarks.contenders.names import CONTENDERS
from benchmarks.run import LOG, ROOT

__all__ = ["page"]

PAGE = ROOT / "RESULTS.md"
HEAD = """# Results

Every row is one contender on one set: the same files for all, each in a program of its own on the same machine, the
mean over the seeds that were run. Official test parts of the competitions, and rolling origins at the end of the other
sets; no setting was chosen by them. Best of a column in bold; in the order of the figure that a set is judged by.
Rerun any row:

    python -m benchmarks.run SET --with NAME --test      # then: python -m benchmarks.results_page

MASE and CRPS are relative to the mean absolute seasonal change of the past; OWA is the M4 competition's, relative to
its Naive2. Seconds and memory compare within a set: see the machine in `benchmarks/results/runs.jsonl`.
"""
COLUMNS = {
    "owa": "OWA",
    "mse": "MSE",
    "mae": "MAE",
    "pinball": "pinball",
    "mase": "MASE",
    "crps": "CRPS",
    "covers80": "80 % covers",
    "covers95": "95 % covers",
}
COSTS = {"fit_seconds": "fit, s", "predict_seconds": "forecast, s", "peak_mib": "peak, MiB"}
OF_LONG = ("mse", "mae", "covers80", "covers95")


def page(lines: Iterable[dict[str, Any]], part: str = "test") -> str:
    """The tables of one part, set by set, as Markdown."""
    text = [HEAD] if part == "test" else []
    found = newest(line for line in lines if line["part"] == part)
    for name, case in CASES.items():
        rows = {who: found[name, who] for who in CONTENDERS if (name, who) in found}
        if not rows:
            continue
        shown = OF_LONG if case.split else [key for key in COLUMNS if key not in ("mse", "mae", "pinball", "owa")]
        shown = [case.headline, *(key for key in shown if key != case.headline)]
        text.append(f"\n## {name}{'' if part == 'test' else ', ' + part}\n")
        text.append("| | " + " | ".join([COLUMNS[key] for key in shown] + list(COSTS.values())) + " | seeds |")
        text.append("|---" * (len(shown) + len(COSTS) + 2) + "|")
        able = [row for row in rows.values() if "failed" not in row]
        best = {key: min(row[key] for row in able) for key in shown if not key.startswith("covers")} if able else {}
        for who, row in sorted(rows.items(), key=lambda item: item[1].get(case.headline, np.inf)):
            if "failed" in row:
                text.append(f"| {who} | failed: {row['failed']} |" + " |" * (len(shown) + len(COSTS)))
                continue
            cells = [_cell(key, row[key], best.get(key)) for key in shown]
            cells += [f"{row[key]:,.0f}" if row[key] >= 10 else f"{row[key]:.1f}" for key in COSTS]
            text.append(f"| {who} | " + " | ".join(cells) + f" | {row['seeds']} |")
    return "\n".join(text) + "\n"


def newest(lines: Iterable[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    """Figures of each set and contender: the mean over the newest line of every seed."""
    by_seed: dict[tuple[str, str], dict[int, dict[str, Any]]] = {}
    for line in lines:
        by_seed.setdefault((line["set"], line["contender"]), {})[line["seed"]] = line
    out = {}
    for key, runs in by_seed.items():
        able = [run["figures"] | {name: run[name] for name in COSTS} for run in runs.values() if "failed" not in run]
        if not able:
            out[key] = {"failed": next(iter(runs.values()))["failed"][:80]}
            continue
        mean = {name: float(np.mean([row[name] for row in able])) for name in able[0]}
        out[key] = mean | {"seeds": len(able)}
    return out


def _cell(key: str, value: float, best: float | None) -> str:
    text = f"{value:.0f} %" if key.startswith("covers") else f"{value:.3f}"
    return f"**{text}**" if best is not None and value <= best else text


def main() -> None:
    """Write, or print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--log", type=Path, default=LOG, metavar="FILE")
    parser.add_argument("--print", action="store_true")
    given = parser.parse_args()
    lines = [json.loads(line) for line in given.log.read_text().splitlines()]
    if given.print:
        print(page(lines), page(lines, "validation"))
    else:
        PAGE.write_text(page(lines))


if __name__ == "__main__":
    main()
