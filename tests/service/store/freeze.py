"""Writes the first step of the tables anew from `tables`: until it is released, it may change.

python -m tests.service.store.freeze
"""

import subprocess
import sys

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from foregate.service.store.schema import MIGRATIONS
from foregate.service.store.tables import METADATA

FIRST = MIGRATIONS / "m0001_first.py"
HEADER = '''"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make them."""
'''


def main() -> None:
    with create_engine("sqlite://").connect() as connection:
        made = produce_migrations(MigrationContext.configure(connection), METADATA)
    lines = render_python_code(made.upgrade_ops).splitlines()
    body = "\n".join(line for line in lines if "# ###" not in line)
    FIRST.write_text(HEADER + "    " + body.strip() + "\n")
    subprocess.run([sys.executable, "-m", "ruff", "format", "-q", FIRST], check=True)


if __name__ == "__main__":
    main()
