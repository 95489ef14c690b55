"""Looking into a forecaster: what its gates do, how far back it looks, where gradients go, what attention looks at."""

from foregate.inspection.section import Entry, Picture, Section

__all__ = ["Entry", "Picture", "Section"]
