"""Write docs/lab.md from benchmarks/results/lab.jsonl.

    python -m docs.build_lab

All of it is made: its words are those of `benchmarks/lab/claims`.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.lab import page as lab
from benchmarks.run import logged

PAGE = Path(__file__).with_name("lab.md")


def page() -> str:
    """The page as it would be now."""
    return lab.page(logged(lab.LOG))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE}")
