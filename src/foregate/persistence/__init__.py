"""Models on disk: the one door to the file format."""

from foregate.persistence.artifact import Artifact, load_model, save_model
from foregate.persistence.engines import as_torch
from foregate.persistence.folder import require_replaceable
from foregate.persistence.outline import outline_of
from foregate.persistence.packing import pack_folder, unpack_folder
from foregate.persistence.runtime import OnnxEngine
from foregate.persistence.shipped import (
    load_shipped,
    read_start,
    require_size,
    shipped_facts,
    shipped_folder,
    shipped_sizes,
    write_shipped,
)

__all__ = [
    "Artifact",
    "OnnxEngine",
    "as_torch",
    "load_model",
    "load_shipped",
    "outline_of",
    "pack_folder",
    "read_start",
    "require_replaceable",
    "require_size",
    "save_model",
    "shipped_facts",
    "shipped_folder",
    "shipped_sizes",
    "unpack_folder",
    "write_shipped",
]
