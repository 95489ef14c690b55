"""Where things are."""

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
"""The root of the repository."""


def modules() -> list[str]:
    """The dotted names of all modules of the package."""
    source = REPOSITORY / "src"
    paths = sorted((source / "foregate").rglob("*.py"))
    return [".".join(path.relative_to(source).with_suffix("").parts).removesuffix(".__init__") for path in paths]
