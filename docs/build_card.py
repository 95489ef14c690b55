"""Write the figures of docs/weights.md that follow from the shipped weights: python docs/build_card.py.

The text is written by hand; what stands between the two marks of each size is made.
"""

from __future__ import annotations

from pathlib import Path

from foregate.persistence.shipped import check_forecast, load_shipped, shipped_facts, shipped_sizes

PAGE = Path(__file__).with_name("weights.md")


def facts_of(size: str) -> str:
    """A table of facts, and the forecast of the fixed series as a block that asserts it."""
    start, facts = load_shipped(size), shipped_facts(size)
    training = facts["training"]
    shape = start.shape
    rows = {
        "weights": f"{sum(value.size for value in start.weights.values()):,} float32, checksum {start.version}",
        "network": f"{shape.built.layers} residual LSTM layers of {shape.hidden}, step decoder of {shape.decoder}",
        "quantiles": ", ".join(map(str, shape.levels)),
        "steps": f"{training['steps']:,} of up to {training['batch']} series; the best was {facts['best_step']:,}",
        "highest rate, memory of the average": f"{training['rate']}, {training['averaging']}",
        "seed": str(training["seed"]),
        "score on held-back series": f"{facts['held_back_score']:.4f}",
    }
    table = "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items())])
    said = "\n".join(f"    {[round(value, 2) for value in step]}," for step in check_forecast(start).tolist())
    return f"""{table}

```python
said = forecast_of("{size}")
assert said == [
{said}
]
```"""


def page(text: str | None = None) -> str:
    """The page with what is made put in its places."""
    text = PAGE.read_text(encoding="utf-8") if text is None else text
    for size in shipped_sizes():
        begin, end = f"<!-- {size} -->\n", f"\n<!-- end of {size} -->"
        before, rest = text.split(begin)
        text = before + begin + facts_of(size) + end + rest.split(end)[1]
    return text


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE}")
