"""`foregate audit`: what is in a table, and what is odd about it."""

from __future__ import annotations

from foregate.cli.options import Data, Output, Reading
from foregate.cli.screen import Page, audit_lines, audit_table, panel_lines, print_json, source_name, stage

__all__ = ["audit"]


def audit(data: Data, reading: Reading, output: Output) -> None:
    """Say what is in a table, and what is odd about it.

    Frequency, gaps, repeated times, missing values, outliers, seasons, and the strength of trend and season.
    Nothing is changed and nothing is written.

    Example:

        $ foregate audit sales.csv --id-col shop --time-col date --target-col units
    """
    from foregate.data import audit as look
    from foregate.data import split_known_future

    reading.check()
    stage(output, f"reading {source_name(data)}")
    panel, _ = split_known_future(reading.read(data))
    stage(output, "auditing")
    found = look(panel)
    if output.json:
        print_json({"data": source_name(data), **found.to_dict()})
        return
    page = Page()
    page.add("Read", *panel_lines(panel, data))
    page.add("Audit", audit_table(found))
    page.add("Findings", *(audit_lines(found, "error", "warning", "info") or ["Nothing odd."]))
    page.show()
