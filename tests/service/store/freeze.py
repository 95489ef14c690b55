"""Writes the first step of the tables anew from `tables`: until it is released, it may change.

python -m tests.service.store.freeze
"""

import re
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

'''
UPGRADE = '''

def upgrade() -> None:
    """Make them."""
'''


def main() -> None:
    with create_engine("sqlite://").connect() as connection:
        made = produce_migrations(MigrationContext.configure(connection), METADATA)
    lines = [line for line in render_python_code(made.upgrade_ops).splitlines() if "# ###" not in line]
    tables: dict[str, str] = {}  # a function of each, so that they can be read
    for part in ("\n" + "\n".join(line.removeprefix("    ") for line in lines)).split("\nop.")[1:]:
        name = re.findall(r"'(\w+)'", part)[0 if part.startswith("create_table") else 1]
        tables[name] = tables.get(name, "") + "".join(f"    {line}\n" for line in f"op.{part}".splitlines() if line)
    steps = "".join(f"\n\ndef _{name}() -> None:\n{body}" for name, body in tables.items())
    FIRST.write_text(HEADER + UPGRADE + "".join(f"    _{name}()\n" for name in tables) + steps)
    subprocess.run([sys.executable, "-m", "ruff", "format", "-q", FIRST], check=True)


if __name__ == "__main__":
    main()
