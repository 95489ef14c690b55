"""docs/lab.md from the lines of the lab: a verdict on every claim, what was done, and what follows. No torch."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from benchmarks.lab.claim import Claim, Default, Found, Statement, name_of
from benchmarks.lab.claims import CLAIMS, DEFAULTS
from benchmarks.lab.data import WORDS
from benchmarks.lab.scale import SCALES
from benchmarks.lab.verdict import Interval, Verdict, interval, judge, overall
from benchmarks.run import ROOT

__all__ = ["LOG", "newest", "page", "shown", "verdict_of"]

Line = dict[str, Any]

LOG = ROOT / "benchmarks" / "results" / "lab.jsonl"
SCALE = "small"
"""Of the runs that the page shows."""
HEAD = """# What is said of LSTMs, measured

Tutorials say much about recurrent networks that few have measured. Here each claim is put to the test on real and
made-up data, with several seeds; what contenders are compared on shares the seed, and figures come with an interval.
This page is made by `python -m docs.build_lab` from `benchmarks/results/lab.jsonl`, a line per run, and says nothing
that those lines do not say. To run what the log does not have, one claim with more seeds, or all at a larger scale:

```text
python -m benchmarks.lab --missing
python -m benchmarks.lab --only gru --seeds 10
python -m benchmarks.lab --scale full --log build/lab.jsonl
```
"""
RULE = """## How a verdict is found

A claim says where a figure lies, such as a gain of 3 to 10 %. It is measured in places: a data set, read by the
textbook network or, where the name of the place says so, by Foregate's own.

1. In each place, the interval is Student's t over the seeds, at 95 %. It lies within what is claimed (*yes*), apart
   from it (*no*), or reaches across a bound (*open*).
2. Over all places, the figure is the mean of the places' means, with the variance that follows from theirs and the
   degrees of freedom of Welch and Satterthwaite. Places are taken as they are, not as a sample of others.
3. Where no place says no and the whole interval lies within what is claimed, the claim *held*. Where no place says yes
   and the whole interval lies apart, it *did not hold*. Otherwise it *depends on* the data where some place has an
   answer, and on the seed where none has: then these runs cannot tell it from chance.

What helps is claimed to be more than 0, however little. There are many claims, and at 95 % one interval in twenty
misses.
"""
SETTING = """The textbook network reads a window of the last values, scaled by the window's own mean and mean absolute
deviation, with one LSTM of {hidden} units, and says all steps ahead at once from its last state; {steps} steps of AdamW
on batches of 32 with a rate that falls from 1e-2 to nothing, by the mean absolute error. Foregate's network has two
layers of {hidden} units, random first weights, and {own_steps} steps at most. Both are small, so that there can be
many: a claim about networks of a thousand units is not tested here. Real data is what lies before the test parts of the
[benchmarks](../benchmarks/README.md#sets), and each seed draws other series or another stretch of it. Errors are MASE:
mean absolute errors, divided by the mean absolute seasonal change of what was trained on."""
FOLLOWS = """## What follows for the defaults

Each default of Foregate beside what else was run, on Foregate's own network but for the last row: by how much the other
has a lower error, over all places. A default *agrees* with what was measured where no other's interval lies above 0;
where one does, that is said, and the default is worth another look at a larger scale. These runs alone, which are short
and small, change none.

| default | instead: lower error (95 %) | |
|---|---|---|"""


def newest(lines: Iterable[Line], scale: str) -> dict[str, Line]:
    """The newest line of every run of a scale, by its key."""
    found = {}
    for line in lines:
        if line["scale"] == scale:
            found[name_of(line["kind"], line["settings"], line["data"], line["seed"], scale)] = line
    return found


def verdict_of(statement: Statement, found: Found) -> Verdict | None:
    """What is left of a statement; None where it was not run."""
    figures: Mapping[str, Mapping[int, float]] = statement.figure(found)
    if not figures:
        return None
    return judge({place: list(seeds.values()) for place, seeds in figures.items()}, statement.low, statement.high)


def page(
    lines: Iterable[Line],
    claims: Sequence[Claim] = CLAIMS,
    defaults: Sequence[Default] = DEFAULTS,
    scale: str = SCALE,
) -> str:
    """The whole page, as Markdown."""
    runs = newest(lines, scale)
    found = {claim.name: Found(claim, runs, scale) for claim in claims}
    text = [HEAD, *_summary(claims, found), "", RULE, *_setting(runs, scale)]
    for claim in claims:
        text += _section(claim, found[claim.name])
    text += _defaults([each for each in defaults if each.claim in found], found)
    return "\n".join(text).rstrip() + "\n"


def shown(found: Interval, unit: str) -> str:
    """A figure with its interval.

    Examples:
        >>> shown(Interval(-1.25, -2.0, -0.5), "%")
        '−1.2 % (−2.0 to −0.5)'
    """
    mean, low, high = (_number(each, unit) for each in (found.mean, found.low, found.high))
    space = "" if unit in ("", "×") else " "
    return f"{mean}{space}{unit.strip()} ({low} to {high})"


def _number(value: float, unit: str = "") -> str:
    if not math.isfinite(value):
        return "−∞" if value < 0 else "∞"
    text = f"{value:.1f}" if unit == "%" or unit.strip() == "points" else _significant(value)
    return "0.0" if text == "-0.0" else text.replace("-", "−")


def _significant(value: float) -> str:
    if value == 0:
        return "0"
    if abs(value) < 1e-3:
        return f"{value:.0e}"
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"


def _plain(value: float) -> str:
    """A mean of a table: three decimals, fewer of large ones."""
    if 0 < abs(value) < 0.01:
        return _significant(value).replace("-", "−")
    text = f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.3f}"
    return text.replace("-", "−")


def _summary(claims: Sequence[Claim], found: Mapping[str, Found]) -> list[str]:
    """The table that the page begins with."""
    text, said_of = ["| claim | verdict | figure (95 %) | |", "|---|---|---|---|"], Counter[str]()
    for claim in claims:
        for statement in claim.statements:
            verdict = verdict_of(statement, found[claim.name])
            said = "not run | | " if verdict is None else _verdict_cells(verdict, statement)
            text.append(f"| [{statement.words}](#{_anchor(claim.title)}) | {said} |")
            said_of.update([] if verdict is None else [f"{verdict.word} {verdict.on}".strip()])
    counts = ", ".join(f"{n} {word.replace('depends', 'depend')}" for word, n in said_of.most_common())
    return [*text, "", f"Of {said_of.total()} claims that were run, {counts}."] if counts else text


def _verdict_cells(verdict: Verdict, statement: Statement) -> str:
    word = f"**{verdict.word}**" + (f" {verdict.on}" if verdict.on else "")
    return f"{word} | {shown(verdict.figure, statement.unit)} | {statement.what}"


def _setting(runs: Mapping[str, Line], scale: str) -> list[str]:
    """Where and with what: data sets, and what all runs cost."""
    able = [line for line in runs.values() if "failed" not in line]
    hours = sum(line["cpu_seconds"] for line in able) / 3_600
    lost = f", {len(runs) - len(able)} of which failed" if len(able) < len(runs) else ""
    text = [
        "## What was run",
        "",
        SETTING.format(**asdict(SCALES[scale])),
        "",
        f"In all {len(runs):,} runs{lost}, {hours:.1f} hours of one core, while other programs were running: times are "
        "seconds of the processor, contenders took turns, and what is compared is their ratio.",
        "",
        "| data | what it is |",
        "|---|---|",
    ]
    used = dict.fromkeys(line["data"] for line in able)
    return [*text, *(f"| {name} | {words} |" for name, words in WORDS.items() if name in used), ""]


def _section(claim: Claim, found: Found) -> list[str]:
    """One claim: what is said, what was done, tables, and the conclusion."""
    text = [f"## {claim.title}", "", f"*What is said:* {claim.said}", "", f"*What was done:* {claim.done}", ""]
    verdicts = {statement: verdict_of(statement, found) for statement in claim.statements}
    there = {statement: verdict for statement, verdict in verdicts.items() if verdict is not None}
    if not there:
        return [*text, "Not run yet.", ""]
    for key, name in claim.tables:
        text += _contenders(found, key, name)
    text += _places(there, found)
    said = [f"{statement.words}: **{verdict}**" for statement, verdict in there.items()]
    return [*text, f"*What is left of it:* {'. '.join(said)}.", ""]


def _places(verdicts: Mapping[Statement, Verdict], found: Found) -> list[str]:
    """What every place says of every statement."""
    heads = [f"{statement.words}: {statement.what}" for statement in verdicts]
    text = ["| place | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
    for place in found.places():
        cells = []
        for statement, verdict in verdicts.items():
            own = next((each for each in verdict.places if each.name == place), None)
            cells.append("" if own is None else f"{shown(own.found, statement.unit)}, {own.answer}")
        if any(cells):
            text.append(f"| {place} | " + " | ".join(cells) + " |")
    whole = [f"**{shown(verdict.figure, statement.unit)}**" for statement, verdict in verdicts.items()]
    return [*text, "| **all** | " + " | ".join(whole) + " |", ""]


def _contenders(found: Found, key: str, name: str) -> list[str]:
    """Means over the seeds: a row per contender, a column per place; or per length, where that is what was measured."""
    values = {who: found.of(who, key) for who in found.contenders()}
    values = {who: places for who, places in values.items() if places}
    if not values:
        return []
    first = next(iter(next(iter(next(iter(values.values())).values())).values()))
    if isinstance(first, list):
        lengths = next(iter(next(iter(found.of(next(iter(values)), "lengths").values())).values()))
        rows = {
            who: np.mean([each for p in places.values() for each in p.values()], 0) for who, places in values.items()
        }
        heads: list[str] = [f"{each:,}" for each in lengths]
        cells = {who: [_plain(float(each)) for each in row] for who, row in rows.items()}
    else:
        heads = [place for place in found.places() if any(place in places for places in values.values())]
        cells = {
            who: [_plain(float(np.mean(list(places[each].values())))) if each in places else "" for each in heads]
            for who, places in values.items()
        }
    text = [f"| {name} | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
    return [*text, *(f"| {who} | " + " | ".join(row) + " |" for who, row in cells.items()), ""]


def _defaults(defaults: Sequence[Default], found: Mapping[str, Found]) -> list[str]:
    """Every default beside what else was tried."""
    text = [FOLLOWS]
    for default in defaults:
        gains = _instead(default, found[default.claim])
        if not gains:
            continue
        better = [default.others[who] for who, gain in gains.items() if gain.low > 0]
        told = "; ".join(f"{default.others[who]}: {shown(gain, '%')}" for who, gain in gains.items())
        says = f"**does not follow: {', '.join(better)} did better**" if better else "agrees"
        text.append(f"| {default.words} | {told} | {says} |")
    return [*text, ""]


def _instead(default: Default, found: Found) -> dict[str, Interval]:
    """By how many per cent the error of each other is lower than the default's."""
    usual, out = found.of(default.contender, "mase"), {}
    for who in default.others:
        groups = []
        for place, seeds in found.of(who, "mase").items():
            if not place.endswith(default.where) or place not in usual:
                continue
            pairs = [100 * (1 - value / usual[place][seed]) for seed, value in seeds.items() if seed in usual[place]]
            groups += [pairs] if pairs else []
        if groups:
            out[who] = overall(groups) if len(groups) > 1 else interval(groups[0])
    return out


def _anchor(title: str) -> str:
    """What a heading is called in a link."""
    kept = "".join(each for each in title.lower() if each.isalnum() or each in " -")
    return kept.replace(" ", "-")
