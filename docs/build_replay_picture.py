"""Draw the picture of docs/streaming.md, the last frame of the example that replays a stream.

    python docs/build_replay_picture.py

Needs the real data, see `examples/replay.py`.
"""

from __future__ import annotations

import io
import re
import runpy
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console

HERE = Path(__file__).parent
WIDTH = 84


def main() -> None:
    """Run the example without a terminal, and keep what it prints."""
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    runpy.run_path(str(HERE.parent / "examples" / "replay.py"))["main"](console=console)
    alone = re.sub(r"@font-face {{.*?}}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)  # the fonts would be fetched
    alone = alone.replace("Fira Code, monospace", "'DejaVu Sans Mono', Menlo, Consolas, monospace")
    console.save_svg(str(HERE / "images" / "replay.svg"), title="foregate", code_format=alone)


if __name__ == "__main__":
    main()
