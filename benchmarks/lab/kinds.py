"""Who runs what: the kinds of runs, and the code that their figures come from."""

from __future__ import annotations

import ast
import hashlib
import importlib
import time
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.lab.claim import Run
from benchmarks.lab.scale import Scale

__all__ = ["KINDS", "code", "figures", "without_words"]

KINDS = {
    "forecast": ("learn", "forecast"),
    "classify": ("learn", "classify"),
    "own": ("own", "forecast"),
    "pace": ("pace", "training"),
    "written": ("pace", "written_out"),
    "pace of own": ("pace", "own"),
    "lengths": ("lengths", "costs"),
    "gradient": ("gradients", "textbook"),
    "gradient of own": ("gradients", "own"),
    "rival": ("rivals", "forecast"),
    "search": ("searches", "textbook"),
    "tune": ("searches", "own"),
}
"""Name of a kind -> module of the lab, and its function: of settings, data, scale and seed, which gives figures."""
COMMON = ("data", "scale", "settings", "network", "learn", "own")


def figures(run: Run, scale: Scale) -> dict[str, Any]:
    """What a run comes to, with its seconds of the processor and of the clock."""
    module, function = KINDS[run.kind]
    called = getattr(importlib.import_module(f"benchmarks.lab.{module}"), function)
    began, spent = time.perf_counter(), time.process_time()
    found = called(dict(run.settings), run.data, scale, run.seed)
    seconds = {"seconds": round(time.perf_counter() - began, 2), "cpu_seconds": round(time.process_time() - spent, 2)}
    return {"figures": found} | seconds


@cache
def code(kind: str) -> str:
    """Of the modules of the lab that a kind's figures come from: eight digits that change when what they do does."""
    digest = hashlib.sha256()
    for name in sorted({*COMMON, KINDS[kind][0]}):
        source = (Path(__file__).parent / f"{name}.py").read_text(encoding="utf-8")
        digest.update(name.encode() + b"\0" + without_words(source).encode())
    return digest.hexdigest()[:8]


def without_words(source: str) -> str:
    """What a program does: without comments, layout and strings that stand alone.

    Examples:
        >>> without_words("x = 1  # one") == without_words('"Numbers."\\nx=1') != without_words("x = 2")
        True
    """
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [each for each in body if not _is_text(each)] or [ast.Pass()]
    return ast.dump(tree)


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
