"""Answer a job in this program: ``python -m benchmarks.contenders NAME FOLDER [SEED]``; `benchmarks.run` starts it.

Writes ``said.npy`` (S, W, K, Q), ``mean.npy`` where there is one, and ``facts.json`` into the folder.
"""

from __future__ import annotations

import json
import platform
import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from benchmarks.contenders.names import contender as named
from benchmarks.job import Job
from benchmarks.process import held

LIBRARIES = ("torch", "numpy", "lightning", "pytorch-lightning")


def main() -> None:
    """Load, run, write."""
    name, folder, seed = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0
    contender = named(name)
    job = Job.load(folder)
    said = import_module(f"benchmarks.contenders.{contender.module}").answer(job, contender.settings, seed)
    np.save(folder / "said.npy", said.values.astype(np.float32))
    if said.mean is not None:
        np.save(folder / "mean.npy", said.mean.astype(np.float32))
    facts = {
        "fit_seconds": round(said.fit_seconds, 2),
        "predict_seconds": round(said.predict_seconds, 2),
        "peak_mib": round(held()),
        "versions": {"python": platform.python_version(), **_versions(contender.library, *LIBRARIES)},
        "notes": list(said.notes),
    }
    (folder / "facts.json").write_text(json.dumps(facts))


def _versions(*names: str) -> dict[str, str]:
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


if __name__ == "__main__":
    main()
