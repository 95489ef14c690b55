"""Every table of the service, in one place.

Times are whole microseconds since 1970 in UTC. What is JSON is text. Names of series are looked up once: other tables
have their numbers. A number that was given is never given again, whatever was deleted since: others follow by it.
"""

from __future__ import annotations

from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    event,
)

__all__ = [
    "METADATA",
    "alias_events",
    "aliases",
    "announced",
    "api_keys",
    "arrivals",
    "audit_log",
    "drift_events",
    "drift_states",
    "events",
    "forecasts",
    "idempotency",
    "jobs",
    "marks",
    "model_pieces",
    "model_versions",
    "models",
    "observations",
    "outcomes",
    "revisions",
    "revoked_tokens",
    "series",
    "session_states",
    "sessions",
]

METADATA = MetaData()
Time = BigInteger
Number = BigInteger().with_variant(Integer, "sqlite")  # so that SQLite counts up by itself

models = Table(
    "models",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("created_at", Time, nullable=False),
)
model_versions = Table(
    "model_versions",
    METADATA,
    Column("model", Text, ForeignKey("models.name"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("sha256", Text, nullable=False),  # of the blob: the folder of the model as one file
    Column("size", BigInteger, nullable=False),  # bytes of the blob
    Column("facts", Text, nullable=False),  # JSON: what the model says of itself
    Column("metrics", Text, nullable=False),  # JSON: how it was scored
    Column("reference", LargeBinary),  # what its training inputs and errors looked like, for drift
    Column("source", Text, nullable=False),  # shipped, upload or job:NUMBER
    Column("created_at", Time, nullable=False),
    Column("created_by", Text, nullable=False),
    PrimaryKeyConstraint("model", "version"),
)
model_pieces = Table(  # of blobs, where they are in the database
    "model_pieces",
    METADATA,
    Column("sha256", Text, nullable=False),  # of the whole blob
    Column("number", Integer, nullable=False),  # from 0
    Column("content", LargeBinary, nullable=False),
    Column("at", Time, nullable=False),  # when it was written, or last looked at by somebody who names the blob
    PrimaryKeyConstraint("sha256", "number"),
)
aliases = Table(
    "aliases",
    METADATA,
    Column("model", Text, ForeignKey("models.name"), nullable=False),
    Column("alias", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("revision", Integer, nullable=False),  # counts its moves, for If-Match
    PrimaryKeyConstraint("model", "alias"),
)
alias_events = Table(
    "alias_events",
    METADATA,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("model", Text, nullable=False),
    Column("alias", Text, nullable=False),
    Column("before", Integer),
    Column("after", Integer),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Time, nullable=False),
    Index("alias_events_of", "model", "alias", "id"),
    sqlite_autoincrement=True,
)

series = Table(
    "series",
    METADATA,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("name", Text, nullable=False, unique=True),
    Column("freq", Text, nullable=False),  # a pandas offset such as 30min, or a whole number
    Column("season_length", Integer),
    Column("segment", Text, nullable=False, server_default=""),  # the group that errors and drift are told by
    Column("attributes", Text, nullable=False, server_default="{}"),  # JSON: static covariates
    Column("anchor", Time),  # of the first observation that came: all others lie whole steps away from it
    Column("created_at", Time, nullable=False),
    sqlite_autoincrement=True,
)
observations = Table(
    "observations",
    METADATA,
    Column("series", BigInteger, nullable=False),
    Column("time", Time, nullable=False),  # a whole number where the frequency is one
    Column("value", Double),  # null: missing
    Column("covariates", Text),  # JSON
    Column("revision", Integer, nullable=False),  # 0, then one more with every change
    Column("seq", BigInteger),  # its number among what the session of the series reads; null: it reads it not
    Column("received_at", Time, nullable=False),
    PrimaryKeyConstraint("series", "time"),
    sqlite_with_rowid=False,
)
announced = Table(
    "announced",
    METADATA,
    Column("series", BigInteger, nullable=False),
    Column("time", Time, nullable=False),
    Column("name", Text, nullable=False),  # of the covariate
    Column("value", Text, nullable=False),  # JSON: a number, a text or null
    Column("at", Time, nullable=False),  # when it was told last
    PrimaryKeyConstraint("series", "time", "name"),
    sqlite_with_rowid=False,
)
"""Covariates that were told ahead of their rows; fixed from the time on at which a row there or later is stored."""
revisions = Table(
    "revisions",
    METADATA,
    Column("series", BigInteger, nullable=False),
    Column("time", Time, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("value", Double),
    Column("covariates", Text),
    Column("received_at", Time, nullable=False),
    PrimaryKeyConstraint("series", "time", "revision"),
    sqlite_with_rowid=False,
)

sessions = Table(
    "sessions",
    METADATA,
    Column("series", BigInteger, primary_key=True, autoincrement=False),
    Column("model", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("alias", Text),  # that it follows to other versions; null: it stays
    Column("seq", BigInteger, nullable=False),  # observations that it reads: what compare-and-set compares
    Column("last_time", Time),  # of the last of them
    Column("late", Text, nullable=False),  # reject, record or rebuild
    Column("horizon", Integer, nullable=False),  # steps of the forecast that is made after every observation; 0: none
    Column("created_at", Time, nullable=False),
    Index("sessions_of", "model", "version"),
)
session_states = Table(
    "session_states",
    METADATA,
    Column("series", BigInteger, primary_key=True, autoincrement=False),
    Column("version", Integer, nullable=False),  # of the model that read it
    Column("seq", BigInteger, nullable=False),  # observations behind it; later ones are read again
    Column("time", Time),  # of the last of them
    Column("blob", LargeBinary, nullable=False),  # see foregate.streaming.records
    Column("crc", BigInteger, nullable=False),
)

forecasts = Table(
    "forecasts",
    METADATA,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("series", BigInteger, nullable=False),
    Column("origin", Time, nullable=False),  # time of the last row that was known
    Column("until", Time, nullable=False),  # time of its last step
    Column("model", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("horizon", Integer, nullable=False),
    Column("quantiles", Text, nullable=False),  # JSON
    Column("values", LargeBinary, nullable=False),  # (K, Q) float32
    Column("scale", Double),  # what errors are divided by: the typical change from row to row, or season to season
    Column("made_at", Time, nullable=False),
    Column("source", Text, nullable=False, server_default="session"),  # who had it made: session or request
    UniqueConstraint("series", "origin", "model", "version"),
    Index("forecasts_due", "series", "until"),
    sqlite_autoincrement=True,
)
arrivals = Table(
    "arrivals",
    METADATA,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("series", BigInteger, nullable=False),
    Column("time", Time, nullable=False),
    Column("value", Double, nullable=False),  # as it came first: a later revision changes no score
    Column("at", Time, nullable=False),  # when it came
    sqlite_autoincrement=True,
)
"""Actuals that forecasts wait for: triggers on observations put them here, whoever scores them takes them away."""
outcomes = Table(
    "outcomes",
    METADATA,
    Column("model", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("segment", Text, nullable=False),
    Column("step", Integer, nullable=False),
    Column("day", Integer, nullable=False),  # days since 1970 of when the actual came
    Column("n", BigInteger, nullable=False),
    Column("error", Double, nullable=False),  # sum of |forecast - actual| / scale
    Column("bias", Double, nullable=False),  # sum of (forecast - actual) / scale
    Column("pinball", Double, nullable=False),  # sum of the mean quantile loss / scale
    Column("covered", Text, nullable=False),  # JSON: level -> how many actuals lay inside
    PrimaryKeyConstraint("model", "version", "segment", "step", "day"),
)

drift_states = Table(
    "drift_states",
    METADATA,
    Column("model", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("segment", Text, nullable=False),
    Column("detector", Text, nullable=False),
    Column("state", Text, nullable=False),  # JSON
    Column("score", Double, nullable=False),  # 1 is an alarm
    Column("updated_at", Time, nullable=False),
    PrimaryKeyConstraint("model", "version", "segment", "detector"),
)
drift_events = Table(
    "drift_events",
    METADATA,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("model", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("segment", Text, nullable=False),
    Column("kind", Text, nullable=False),  # input, residual or coverage
    Column("detector", Text, nullable=False),
    Column("score", Double, nullable=False),
    Column("detail", Text, nullable=False),  # JSON
    Column("at", Time, nullable=False),
    Index("drift_events_of", "model", "id"),
    sqlite_autoincrement=True,
)

jobs = Table(
    "jobs",
    METADATA,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("kind", Text, nullable=False),  # retrain or forecast
    Column("model", Text, nullable=False),
    Column("trigger", Text, nullable=False),  # drift, schedule, data or person
    Column("unique_key", Text, unique=True),  # two triggers of one window are one job
    Column("state", Text, nullable=False),  # queued, running, done, failed or cancelled
    Column("payload", Text, nullable=False),  # JSON
    Column("result", Text),  # JSON: what came of it, with the reason
    Column("progress", Double, nullable=False, server_default="0"),
    Column("cancel", Boolean, nullable=False, server_default="0"),
    Column("worker", Text),
    Column("lease_until", Time),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("created_at", Time, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("started_at", Time),
    Column("finished_at", Time),
    Index("jobs_waiting", "state", "id"),
    sqlite_autoincrement=True,
)

api_keys = Table(
    "api_keys",
    METADATA,
    Column("prefix", Text, primary_key=True),  # public; the client id of OAuth2 too
    Column("sha256", Text, nullable=False),  # of the whole key: 256 random bits need no slow hash
    Column("name", Text, nullable=False),
    Column("scopes", Text, nullable=False),  # JSON
    Column("created_at", Time, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("expires_at", Time),
    Column("revoked_at", Time),
)
revoked_tokens = Table(
    "revoked_tokens",
    METADATA,
    Column("jti", Text, primary_key=True),
    Column("until", Time, nullable=False),
)
audit_log = Table(
    "audit_log",
    METADATA,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("at", Time, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", Text, nullable=False),  # JSON
    Column("request", Text, nullable=False),
    sqlite_autoincrement=True,
)
marks = Table(
    "marks",
    METADATA,
    Column("name", Text, primary_key=True),  # of a cursor, or of whatever else outlives a process
    Column("value", Text, nullable=False),
)
idempotency = Table(
    "idempotency",
    METADATA,
    Column("principal", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("body", Text, nullable=False),  # SHA-256 of method, path and body
    Column("status", Integer, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    Column("at", Time, nullable=False),
    PrimaryKeyConstraint("principal", "key"),
)
events = Table(
    "events",
    METADATA,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("at", Time, nullable=False),
    Column("kind", Text, nullable=False),  # forecast, drift, job or alias
    Column("subject", Text, nullable=False),
    Column("data", Text, nullable=False),  # JSON
    sqlite_autoincrement=True,
)

_DUE = "EXISTS (SELECT 1 FROM forecasts WHERE series = NEW.series AND until >= NEW.time AND origin < NEW.time)"
_ARRIVE = "INSERT INTO arrivals (series, time, value, at) VALUES (NEW.series, NEW.time, NEW.value, NEW.received_at)"
ARRIVALS_SQLITE = (
    "CREATE TRIGGER observations_came AFTER INSERT ON observations "
    f"WHEN NEW.value IS NOT NULL AND {_DUE} BEGIN {_ARRIVE}; END",
    "CREATE TRIGGER observations_found AFTER UPDATE OF value ON observations "
    f"WHEN OLD.value IS NULL AND NEW.value IS NOT NULL AND {_DUE} BEGIN {_ARRIVE}; END",
)
ARRIVALS_POSTGRESQL = (
    "CREATE FUNCTION observation_arrives() RETURNS trigger LANGUAGE plpgsql AS $$ "
    f"BEGIN IF {_DUE} THEN {_ARRIVE}; END IF; RETURN NULL; END $$",
    "CREATE TRIGGER observations_came AFTER INSERT ON observations FOR EACH ROW "
    "WHEN (NEW.value IS NOT NULL) EXECUTE FUNCTION observation_arrives()",
    "CREATE TRIGGER observations_found AFTER UPDATE OF value ON observations FOR EACH ROW "
    "WHEN (OLD.value IS NULL AND NEW.value IS NOT NULL) EXECUTE FUNCTION observation_arrives()",
)
for _dialect, _statements in (("sqlite", ARRIVALS_SQLITE), ("postgresql", ARRIVALS_POSTGRESQL)):
    for _statement in _statements:
        event.listen(observations, "after_create", DDL(_statement).execute_if(dialect=_dialect))  # type: ignore[no-untyped-call]
