"""The pretrained networks that come with the package: one folder per size, in the format of saved models."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foregate.core import ArtifactError, Panel, UsageError
from foregate.data.inputs import InputSpec
from foregate.models.spec import NetworkSpec
from foregate.persistence.codec import decode
from foregate.persistence.engines import (
    DECODER,
    ENCODER,
    WEIGHT,
    WEIGHTS,
    require_runtime,
    start_engine,
    stored_network,
)
from foregate.persistence.folder import MANIFEST, Document, read_folder, write_folder
from foregate.persistence.migrations import SCHEMA, refuse_newer
from foregate.persistence.runtime import StoredNetwork
from foregate.persistence.tensors import pack, unpack
from foregate.pipeline.instant import instant
from foregate.pipeline.recipe import LEVELS, Recipe
from foregate.pipeline.start import Start

if TYPE_CHECKING:
    from foregate.models.network import Network

__all__ = [
    "check_forecast",
    "is_start",
    "load_shipped",
    "read_start",
    "require_size",
    "shipped_facts",
    "shipped_folder",
    "shipped_sizes",
    "write_shipped",
]

SHIPPED = Path(__file__).parents[1] / "weights"
"""Where the folders are."""
CHECK_HORIZON, CHECK_SEASON = 6, 4


@dataclass(frozen=True)
class _Contents:
    """What the manifest says of a pretrained network."""

    network: NetworkSpec
    recent: int
    facts: dict[str, Any]
    check: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        told = InputSpec(recent=self.recent)
        widths = {
            "n_features": (self.network.n_features, told.n_features),
            "n_steps": (self.network.n_steps, told.n_steps),
            "n_profiles": (self.network.n_profiles, told.n_profiles),
            "levels": (self.network.levels, LEVELS),
        }
        other = {name: pair for name, pair in widths.items() if pair[0] != pair[1]}
        if other:
            said = ", ".join(f"{name} {theirs} instead of {ours}" for name, (theirs, ours) in other.items())
            raise ValueError(f"{said}: they were made for other inputs than those of this version of Foregate")


def shipped_sizes() -> tuple[str, ...]:
    """Names of the pretrained networks that came with the package, smallest first.

    Examples:
        >>> "tiny" in shipped_sizes()
        True
    """
    there = [path for path in SHIPPED.iterdir() if (path / MANIFEST).is_file()] if SHIPPED.is_dir() else []
    return tuple(path.name for path in sorted(there, key=lambda path: ((path / WEIGHTS).stat().st_size, path.name)))


@functools.lru_cache(maxsize=8)
def load_shipped(size: str = "tiny", *, runtime: str = "auto") -> Start:
    """A pretrained network of the package; loaded once per process.

    Args:
        size: one of `shipped_sizes`.
        runtime: ``torch``; ``onnx`` or ``auto`` for ONNX Runtime, which starts at once.

    Raises:
        UsageError: there is no such size or runtime.
        ArtifactError: the files are damaged, or of another version.

    Examples:
        >>> load_shipped("tiny").name
        'tiny'
    """
    require_runtime(runtime)
    return read_start(shipped_folder(size), runtime="torch" if runtime == "torch" else "onnx")


def shipped_facts(size: str = "tiny") -> Mapping[str, Any]:
    """What is known of a pretrained network: what it was trained on, how long, with what seed."""
    return _read(shipped_folder(size))[0].facts


def shipped_folder(size: str = "tiny") -> Path:
    """Where a pretrained network of the package is.

    Raises:
        UsageError: there is no such size.
    """
    return SHIPPED / require_size(size)


def is_start(folder: Path) -> bool:
    """Whether a folder holds a pretrained network, as `write_shipped` writes it, rather than a model."""
    try:
        document = json.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError):  # whoever reads it says what is wrong
        return False
    return isinstance(document, dict) and "network" in document


def read_start(folder: Path, *, runtime: str = "onnx") -> Start:
    """A pretrained network from a folder that `write_shipped` wrote; its name is that of the folder.

    Raises:
        ArtifactError: the files are damaged, or of another version.
    """
    contents, files = _read(folder)
    weights = unpack(files[WEIGHTS], WEIGHT, WEIGHTS)
    network = StoredNetwork(contents.network, weights, files[ENCODER], files[DECODER])
    return Start(
        shape=contents.network,
        weights=weights,
        engine=start_engine(network, runtime),
        recent=contents.recent,
        name=folder.name,
        version=hashlib.sha256(files[WEIGHTS]).hexdigest()[:8],
    )


def write_shipped(folder: Path, network: Network, facts: Mapping[str, Any], *, recent: int = InputSpec.recent) -> None:
    """Write a pretrained network, in place of the one that is there.

    The manifest also gets the forecast of a fixed series, so that it can be seen that the files say what they said
    when they were made, see `check_forecast`.

    Args:
        folder: ``…/weights/<size>``.
        network: without covariates.
        facts: what people should know of it, as JSON can say it.
        recent: see `InputSpec.recent`.

    Raises:
        ArtifactError: the network is not of the widths of this version's inputs, or the folder holds something else.
        MissingExtraError: the onnx package is not installed.
    """
    made = stored_network(network)
    files = {
        WEIGHTS: pack(made.weights, WEIGHT, WEIGHTS),
        ENCODER: made.encoder,
        DECODER: made.decoder,
    }
    start = Start(made.shape, made.weights, start_engine(made, "onnx"), recent, folder.name, "")
    contents: Document = {
        "network": asdict(made.shape),
        "recent": recent,
        "facts": dict(facts),
    }
    decode(_Contents, {**json.loads(json.dumps(contents)), "check": []}, "the network")  # before it is run
    contents["check"] = check_forecast(start).tolist()
    document = {"schema": SCHEMA, "foregate": metadata.version("foregate"), **contents}
    write_folder(folder, document, files, overwrite=True)


def check_forecast(start: Start) -> NDArray[np.float64]:
    """(K, Q) what a pretrained network says of a fixed series of 40 points: 10 % and 90 % bounds and the median."""
    t = np.arange(40.0)
    panel = Panel.from_arrays([100 + t + 10 * np.cos(t * np.pi / 2) + 3 * np.sin(t * t)])
    fitted, _ = instant(Recipe(CHECK_HORIZON, (CHECK_SEASON,), "instant", recent=start.recent), panel, start)
    values: NDArray[np.float64] = fitted.forecast(panel, CHECK_HORIZON, (0.1, 0.5, 0.9)).values[0]
    return values


def require_size(size: str) -> str:
    """The size, if there are weights of it.

    Raises:
        UsageError: lists the sizes that there are.
    """
    sizes = shipped_sizes()
    if size not in sizes:
        raise UsageError(f"weights must be one of {', '.join(sizes) or 'none'}, but got {size!r}. Choose one of these.")
    return size


def _read(folder: Path) -> tuple[_Contents, dict[str, bytes]]:
    document, files = read_folder(folder, lambda _: (WEIGHTS, ENCODER, DECODER), refuse_newer)
    try:
        contents = decode(_Contents, {each.name: document.get(each.name) for each in fields(_Contents)}, "the network")
    except ArtifactError as error:
        raise ArtifactError(f"{folder} must hold pretrained weights of this version, but: {error}") from error
    return contents, files
