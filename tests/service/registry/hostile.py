"""Looks at many packed models in one process, as `examine` does at one, and says what was tried meanwhile.

python -m tests.service.registry.hostile FOLDER
"""

import json
import resource
import sys
import tempfile
from pathlib import Path

import numpy as np

from foregate.core import Frequency
from foregate.core.errors import ForegateError
from foregate.persistence import outline_of, unpack_folder
from foregate.service.forecasts.bodies import History
from foregate.service.forecasts.models import open_ready
from foregate.service.forecasts.together import Kind, Part, compute
from foregate.service.registry.examine import FORBIDDEN
from foregate.service.registry.records import Version

MOST = 64 << 20
tried: list[str] = []


def watch(event, arguments):
    """Note what no model has a reason for."""
    if event.startswith((*FORBIDDEN, "ctypes.", "exec", "compile", "import", "marshal.", "shelve", "socket.")):
        code = arguments[0] if arguments else None
        tried.append(f"{event} {getattr(code, 'co_names', None) or arguments!r:.80}")
    elif event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        tried.append(f"open {arguments[0]}")


NAMED = Version("m", 1, "", 0, {}, {}, None, "upload", 0, "tests")
HISTORIES = [
    [1.0, 2, 3, 4] * 30,
    [0.0] * 50,
    [1e29, -1e29] * 20,
    [5e-324, 7.0, None, 3.0],
    [float(i**3) for i in range(300)],
]


def served(folder: Path) -> str:
    """What becomes of forecasts by a model that was accepted, as the service makes them."""
    ready = open_ready(NAMED, folder)
    found = set()
    for freq, seasons in ((ready.freq or Frequency.parse("h"), None), (ready.freq or Frequency.parse(1), (4,))):
        for horizon in (1, 30):
            kind = Kind(ready, freq, seasons, horizon, (0.05, 0.5, 0.95), 10_000, 10_000)
            for told in compute(kind, [Part([History(values=values)], ["a"], horizon) for values in HISTORIES]):
                if isinstance(told, Exception):
                    found.add("refused" if isinstance(told, ForegateError) else f"broken {told!r:.200}")
                else:
                    found.add("finite" if np.isfinite(told[0].values).all() else "not finite")
    return ", ".join(sorted(found))


def main(folder: Path) -> None:
    """One line of JSON for each file: what was said, and what was tried outside the folder for it."""
    sys.addaudithook(watch)
    for _ in range(2):  # what is loaded at first use is loaded; what is done for a sound model is no harm: type hints
        tried.clear()
        with tempfile.TemporaryDirectory() as first:
            unpack_folder(folder / "sound.tar", Path(first), most_bytes=MOST)
            outline_of(Path(first))
            served(Path(first))
    usual = {each for each in tried if not each.startswith("open")}
    for packed in sorted(folder.glob("*.tar")):
        with tempfile.TemporaryDirectory() as inside:
            tried.clear()
            try:
                unpack_folder(packed, Path(inside), most_bytes=MOST)
                said = {"accepted": outline_of(Path(inside))["kind"]}
                said["served"] = served(Path(inside))
            except (ForegateError, MemoryError) as error:
                said = {"refused": f"{type(error).__name__}: {error}"[:300]}
            except BaseException as error:
                said = {"broken": f"{type(error).__name__}: {error}"[:300]}
            outside = [each for each in tried if each not in usual and not each.startswith(f"open {inside}")]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(json.dumps({"name": packed.stem, **said, "tried": outside, "peak": peak}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
