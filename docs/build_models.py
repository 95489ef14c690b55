"""Write the tables of docs/models.md: names from the code, figures from benchmarks/results/family.jsonl.

    python -m docs.build_models

The text is written by hand; what stands between two marks is made.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.figures import figures
from foregate.models.options import PARTS

PAGE = Path(__file__).with_name("models.md")


def parts() -> str:
    """What a model is made of, by name."""
    rows = ["| part | name | what it does |", "|---|---|---|"]
    rows += [f"| {part} | `{name}` | {what} |" for part, names in PARTS.items() for name, what in names.items()]
    return "\n".join(rows)


def page(text: str | None = None) -> str:
    """The page with what is made put in its places."""
    text = PAGE.read_text(encoding="utf-8") if text is None else text
    for name, made in (("parts", parts()), ("figures", figures())):
        begin, end = f"<!-- {name} -->\n", f"\n<!-- end of {name} -->"
        before, rest = text.split(begin)
        text = before + begin + made + end + rest.split(end)[1]
    return text


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE}")
