"""RESULTS.md and the README's scoreboard from the lines of `benchmarks.run`: what was measured, losses left in.

python -m benchmarks.results_page            # writes both
python -m benchmarks.results_page --print    # RESULTS.md on the screen, validation parts too
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cases import CASES, Case
from benchmarks.contenders.names import CONTENDERS
from benchmarks.run import ROOT, logged

__all__ = ["BEGIN", "END", "PAGE", "README", "newest", "page", "readme", "scoreboard"]

Line = dict[str, Any]

PAGE = ROOT / "RESULTS.md"
README = ROOT / "README.md"
BEGIN, END = "<!-- scoreboard: python -m benchmarks.results_page -->", "<!-- end of scoreboard -->"
HEAD = """# Results

Every row is one contender on one set: the same files for all, each in a program of its own, the mean over the seeds
that were run. Official test parts of the competitions, and rolling origins at the end of the other sets; no setting was
chosen by them. Best of a column in bold; in the order of the figure that a set is judged by. Efforts of Foregate may
have options after their names; with history=96 the same fitted model reads no more than the last 96 rows before each
origin, and otherwise all of them. Rerun any row:

    python -m benchmarks.run SET --with NAME --test      # then: python -m benchmarks.results_page

MASE and CRPS are relative to the mean absolute seasonal change of the past; OWA is the M4 competition's, relative to
its Naive2. Seconds compare within one session of runs only: machines, and what else ran on them, differ; lines with
their times, machines, versions and notes are in `benchmarks/results/runs.jsonl`."""
NOTHING = "\nNo set has been run yet."
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
OF_OTHERS = ("mase", "crps", "covers80", "covers95")
EFFORTS = ("instant", "standard", "best")
"""Of the scoreboard."""
PEERS = {"statistical": "best statistical", "recurrent": "best recurrent peer"}
LEGEND = """
*Instant*, *standard* and *best* are efforts of Foregate: nothing fitted, the default, and several networks; coverage
and seconds of fitting are those of *standard*. Lowest of a row in bold, the mean over the seeds that were run; of the
long-horizon sets the mean over 96, 192, 336 and 720 steps ahead. An empty cell was not run."""


def page(lines: Iterable[Line], part: str = "test") -> str:
    """The tables of one part, set by set, as Markdown: everyone who has a line; and means over long horizons."""
    text = [HEAD] if part == "test" else []
    found = newest(line for line in lines if line["part"] == part)
    note = "" if part == "test" else f", {part}"
    for names in _sets():
        case = CASES[names[0]]
        everyone: dict[str, None] = {}
        for name in names:
            rows = {who: row for (of, who), row in found.items() if of == name}
            everyone |= dict.fromkeys(rows)
            text += _table(f"{name}{note}", f"{case.words}; {CASES[name].horizon} steps ahead.", case, rows)
        if len(names) > 1:
            means = {who: _together([found.get((name, who)) for name in names]) for who in everyone}
            whole = {who: row | {"seeds": ""} for who, row in means.items() if row is not None}
            text += _table(f"{case.data}, mean{note}", f"{case.words}; the mean of all four horizons.", case, whole)
    return "\n".join(text if found or part != "test" else [HEAD, NOTHING]) + "\n"


def _table(title: str, words: str, case: Case, rows: dict[str, Line]) -> list[str]:
    """A section, in the order of the figure that the set is judged by; nothing where there is no row."""
    if not rows:
        return []
    shown = [case.headline, *(key for key in (OF_LONG if case.split else OF_OTHERS) if key != case.headline)]
    text = [f"\n## {title}\n\n{words}\n"]
    text.append("| | " + " | ".join([COLUMNS[key] for key in shown] + list(COSTS.values())) + " | seeds |")
    text.append("|---" * (len(shown) + len(COSTS) + 2) + "|")
    columns = {key: [row.get(key) for row in rows.values()] for key in shown}
    texts = {key: _covers(column) if key.startswith("covers") else _bold(column) for key, column in columns.items()}
    cells = dict(zip(rows, zip(*texts.values(), strict=True), strict=True))
    for who, row in sorted(rows.items(), key=lambda item: item[1].get(case.headline, np.inf)):
        if "failed" in row:
            text.append(f"| {who} | failed: {row['failed']} |" + " |" * (len(shown) + len(COSTS)))
        else:
            costs = [_seconds(row[key]) for key in COSTS]
            text.append(f"| {who} | " + " | ".join([*cells[who], *costs, row["seeds"]]) + " |")
    return text


def scoreboard(lines: Iterable[Line]) -> str:
    """The README's table of the test parts: a row per set, what is not there empty."""
    found = newest(line for line in lines if line["part"] == "test")
    heads = ["", *EFFORTS, *PEERS.values(), "*standard* covers 80 / 95 %", "fits in, s"]
    text = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for names in _sets():
        case = CASES[names[0]]
        rows = {who: _together([found.get((name, who)) for name in names]) for who in CONTENDERS}
        said = {who: row[case.headline] for who, row in rows.items() if row is not None}
        of_kind = {kind: [who for who in said if CONTENDERS[who].kind == kind] for kind in PEERS}
        peers = [min(group, key=lambda who: said[who], default="") for group in of_kind.values()]
        figures = _bold([said.get(who) for who in (*EFFORTS, *peers)])
        if not any(figures):
            continue
        cells = [
            f"{figure} {who}".strip() for figure, who in zip(figures, [*("",) * len(EFFORTS), *peers], strict=True)
        ]
        own = rows["standard"]
        costs = ["", ""]
        if own is not None:
            costs = [f"{own['covers80']:.0f} / {own['covers95']:.0f} %", _seconds(own["fit_seconds"])]
        text.append("| " + " | ".join([f"{case.words}, {COLUMNS[case.headline]}", *cells, *costs]) + " |")
    return "\n".join(text) + "\n" + LEGEND


def readme(text: str, lines: Iterable[Line]) -> str:
    """The README with the scoreboard between its marks; as it was where nothing has been run on a test part."""
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise SystemExit(f"{README} must have both marks, {BEGIN} and {END}, but got others. Put them in, once each.")
    lines = list(lines)
    if not any(line["part"] == "test" for line in lines):
        return text
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n{scoreboard(lines)}\n{END}{rest.split(END)[1]}"


def newest(lines: Iterable[Line]) -> dict[tuple[str, str], Line]:
    """Figures of each set and contender: the mean over the newest line of every seed, of one code alone."""
    by_seed: dict[tuple[str, str], dict[int, Line]] = {}
    for line in lines:
        runs = by_seed.setdefault((line["set"], line["contender"]), {})
        if any(run.get("code") != line.get("code") for run in runs.values()):
            runs.clear()  # what another code has said no longer counts
        runs[line["seed"]] = line
    out = {}
    for key, runs in by_seed.items():
        able = [run["figures"] | {name: run[name] for name in COSTS} for run in runs.values() if "failed" not in run]
        if not able:
            out[key] = {"failed": next(iter(runs.values()))["failed"].replace("|", "/")[:80]}
            continue
        off = len(runs) - len(able)
        out[key] = _mean(able) | {"seeds": f"{len(able)}, {off} failed" if off else f"{len(able)}"}
    return out


def _sets() -> list[list[str]]:
    """Names of the cases of each row: one, or all horizons of a long-horizon set."""
    rows: dict[str, list[str]] = {}
    for name, case in CASES.items():
        rows.setdefault(case.words if case.split else name, []).append(name)
    return list(rows.values())


def _together(rows: list[Line | None]) -> Line | None:
    """The mean of rows; None where one is missing or failed."""
    there = [row for row in rows if row is not None and "failed" not in row]
    if len(there) < len(rows):
        return None
    return _mean([{key: value for key, value in row.items() if key != "seeds"} for row in there])


def _mean(rows: list[Line]) -> Line:
    return {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}


def _bold(values: list[float | None]) -> list[str]:
    """Figures as texts, empty where there is none; the lowest in bold, and what shows the same."""
    texts = ["" if value is None else f"{value:.3f}" for value in values]
    lowest = min((float(text) for text in texts if text), default=None)
    return [f"**{text}**" if text and float(text) == lowest else text for text in texts]


def _covers(values: list[float | None]) -> list[str]:
    return ["" if value is None else f"{value:.0f} %" for value in values]


def _seconds(value: float) -> str:
    """Seconds, or MiB: a decimal where they are few."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def main() -> None:
    """Write, or print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--log", type=Path, metavar="FILE", help="of the runner, the repository's if not given")
    parser.add_argument("--print", action="store_true")
    given = parser.parse_args()
    lines = logged(given.log) if given.log else logged()
    if given.print:
        print(page(lines), page(lines, "validation"))
        return
    PAGE.write_text(page(lines), encoding="utf-8")
    README.write_text(readme(README.read_text(encoding="utf-8"), lines), encoding="utf-8")


if __name__ == "__main__":
    main()
