"""Models on disk: the one door to the file format."""

from foregate.persistence.artifact import Artifact, load_model, save_model
from foregate.persistence.folder import require_replaceable
from foregate.persistence.runtime import OnnxEngine

__all__ = ["Artifact", "OnnxEngine", "load_model", "require_replaceable", "save_model"]
