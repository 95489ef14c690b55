"""Triggers that note the actuals for which forecasts wait."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

DUE = "EXISTS (SELECT 1 FROM forecasts WHERE series = NEW.series AND until >= NEW.time AND origin < NEW.time)"
ARRIVE = "INSERT INTO arrivals (series, time, value, at) VALUES (NEW.series, NEW.time, NEW.value, NEW.received_at)"
SQLITE = (
    "CREATE TRIGGER observations_came AFTER INSERT ON observations "
    f"WHEN NEW.value IS NOT NULL AND {DUE} BEGIN {ARRIVE}; END",
    "CREATE TRIGGER observations_found AFTER UPDATE OF value ON observations "
    f"WHEN OLD.value IS NULL AND NEW.value IS NOT NULL AND {DUE} BEGIN {ARRIVE}; END",
)
POSTGRESQL = (
    "CREATE FUNCTION observation_arrives() RETURNS trigger LANGUAGE plpgsql AS $$ "
    f"BEGIN IF {DUE} THEN {ARRIVE}; END IF; RETURN NULL; END $$",
    "CREATE TRIGGER observations_came AFTER INSERT ON observations FOR EACH ROW "
    "WHEN (NEW.value IS NOT NULL) EXECUTE FUNCTION observation_arrives()",
    "CREATE TRIGGER observations_found AFTER UPDATE OF value ON observations FOR EACH ROW "
    "WHEN (OLD.value IS NULL AND NEW.value IS NOT NULL) EXECUTE FUNCTION observation_arrives()",
)


def upgrade() -> None:
    """Make them."""
    for statement in POSTGRESQL if op.get_bind().dialect.name == "postgresql" else SQLITE:
        op.execute(statement)
