"""Everything that can be set: defaults, then a TOML file, then the environment, then flags.

The environment's names begin with ``FOREGATE_SERVE_`` and part levels by two underscores:
``FOREGATE_SERVE_LIMITS__BODY_BYTES=1000000``.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

__all__ = [
    "AccessSettings",
    "ForecastSettings",
    "IngestSettings",
    "KeepSettings",
    "LimitSettings",
    "Settings",
    "WatchSettings",
]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AccessSettings(_Part):
    """Who may do what."""

    required: bool = Field(
        default=True, description="whether requests need a key or a token; false only on a loopback address"
    )
    secret: SecretStr | None = Field(
        default=None, description="signs the tokens that this service gives out; made at first"
    )
    token_seconds: int = Field(default=3600, ge=60, description="how long such a token is good for")
    issuer: str | None = Field(default=None, description="issuer of foreign tokens")
    audience: str = Field(default="foregate", description="audience that every token must name")
    jwks_url: str | None = Field(default=None, description="where the issuer publishes its keys")
    refresh_seconds: float = Field(
        default=2.0, gt=0, description="after which a key that another process has added or revoked is known"
    )
    public_metrics: bool = Field(default=False, description="whether /metrics asks for no key")


class LimitSettings(_Part):
    """How much may be asked."""

    per_minute: int = Field(default=120_000, ge=1, description="requests of one principal")
    storage: str = Field(default="memory://", description="where they are counted; redis://… for several processes")
    trusted_proxies: tuple[str, ...] = Field(default=(), description="addresses whose X-Forwarded-For is believed")
    body_bytes: int = Field(
        default=8 << 20, ge=1024, description="of a request; models and tables have limits of their own"
    )
    upload_bytes: int = Field(default=512 << 20, ge=1024, description="of a model or a table")
    depth: int = Field(default=32, ge=4, description="levels of a JSON body")
    series: int = Field(default=1024, ge=1, description="of one request")
    rows: int = Field(default=200_000, ge=1, description="of history in one request")
    horizon: int = Field(default=1024, ge=1, description="steps of one forecast")
    seconds: float = Field(default=30.0, gt=0, description="that a request may take where it names no deadline")
    upload_seconds: float = Field(default=600.0, gt=0, description="that an upload may take")
    inflight: int = Field(default=128, ge=1, description="requests that are answered at once; then 503")
    uploads: int = Field(default=4, ge=1, description="uploads at once; then 503")
    held_bytes: int = Field(default=256 << 20, ge=1024, description="of bodies in memory, of all requests together")
    body_seconds: float = Field(default=10.0, gt=0, description="until a small body must be there")
    body_rate: float = Field(default=32768.0, gt=0, description="bytes a second at least of a large one")
    header_bytes: int = Field(default=32768, ge=1024, description="of the headers of a request")
    header_seconds: float = Field(default=10.0, gt=0, description="until the headers must be there")
    connections: int = Field(default=4096, ge=1, description="open at once; then 503")


class ForecastSettings(_Part):
    """How forecasts are made."""

    model: str = Field(default="pretrained", description="the model that is asked where none is named")
    batch: int = Field(default=32, ge=1, description="requests that are answered together at most")
    wait_ms: float = Field(
        default=5.0, ge=0, description="that the first of them waits for others, while requests come often"
    )
    queue: int = Field(default=256, ge=1, description="requests that wait at most; then 503")
    patience_ms: float = Field(
        default=250.0, gt=0, description="that a request waits at most, as far as can be told beforehand; else 503"
    )
    threads: int = Field(default=1, ge=1, description="of the runtime")
    spare: int = Field(default=4, ge=0, description="versions that are kept in memory besides those that have an alias")
    history: int = Field(default=4096, ge=1, description="latest rows that are read of a series")
    numbers: int = Field(default=500_000, ge=1, description="series times steps times quantiles of one answer at most")
    record: bool = Field(
        default=True,
        description="whether forecasts of stored series are kept until their actuals come, for live errors",
    )


class IngestSettings(_Part):
    """How observations come in, and how many live states are in memory."""

    resident: int = Field(
        default=6144, ge=1, description="live states in memory at most; of hourly series each takes about 30 kB"
    )
    snapshot_rows: int = Field(default=256, ge=1, description="rows between two stored states of a session")
    together: int = Field(default=256, ge=1, description="sessions that are moved on together at most")
    queue: int = Field(default=4096, ge=1, description="calls of sessions that wait at most; then 503")
    warm_rows: int = Field(default=4096, ge=1, description="rows that a state is made from where there is none yet")
    gap_rows: int = Field(default=10_000, ge=1, description="steps that a session may be without an observation")
    horizon: int = Field(
        default=24, ge=0, description="steps of the forecast that sessions make after every observation"
    )
    quantiles: tuple[float, ...] = Field(
        default=(0.025, 0.1, 0.5, 0.9, 0.975), description="of the forecasts that are kept until their actuals come"
    )
    parse_seconds: float = Field(default=30.0, gt=0, description="that reading a table may take")
    parse_bytes: int = Field(default=1 << 30, ge=1 << 26, description="of memory that reading a table may take")
    future_days: float = Field(default=1.0, ge=0, description="that a time may lie ahead of the clock")


class WatchSettings(_Part):
    """When errors are too large, and what is done about it."""

    retrain: bool = Field(default=True, description="whether drift, schedule and new data start training by themselves")
    every_hours: float = Field(default=0.0, ge=0, description="between scheduled trainings; 0: none")
    new_rows: int = Field(default=0, ge=0, description="new observations that start a training; 0: none")
    cooldown_hours: float = Field(default=1.0, ge=0, description="between two trainings of one model")
    review_rows: int = Field(
        default=200,
        ge=0,
        description="rows after a promotion until it is compared with the version before, then 2 and 4 times; 0: never",
    )
    nice: int = Field(default=10, ge=0, le=19, description="by how much a worker stands back behind other processes")
    poll_seconds: float = Field(default=0.1, gt=0, description="between two looks for actuals that came")
    margin: float = Field(default=0.02, ge=0, description="share of the champion's error that a challenger must save")
    false_alarms: int = Field(
        default=10_000, ge=100, description="observations in which one false alarm is expected at most"
    )


class KeepSettings(_Part):
    """How long what is no longer needed is kept. Models and their history are kept for good, and observations too where
    nothing else is said."""

    observation_days: float = Field(
        default=0.0,
        ge=0,
        description="observations, by their times, or by when they came where times are whole numbers; 0: for good",
    )
    observation_rows: int = Field(default=0, ge=0, description="newest observations of every series; 0: all")
    revision_days: float = Field(default=365.0, gt=0, description="values that others have taken the place of")
    error_days: float = Field(default=1095.0, gt=0, description="sums of live errors, day by day")
    forecast_days: float = Field(default=90.0, gt=0, description="forecasts that were made for stored series")
    event_days: float = Field(default=7.0, gt=0, description="events, and with them how far back one can resume")
    drift_days: float = Field(default=365.0, gt=0, description="alarms of drift")
    job_days: float = Field(default=365.0, gt=0, description="jobs that are over")
    audit_days: float = Field(default=365.0, gt=0, description="the audit log")
    answer_hours: float = Field(default=24.0, gt=0, description="answers to requests with an idempotency key")
    models_bytes: int = Field(default=64 << 30, ge=1 << 20, description="of all models together")
    models_in_folder: bool = Field(
        default=False,
        description="whether models are in the data folder, which all processes must see then, and not in PostgreSQL",
    )


class Settings(BaseSettings):
    """Of one service."""

    model_config = SettingsConfigDict(
        env_prefix="FOREGATE_SERVE_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
    )

    data_dir: Path = Field(
        default=Path("foregate-data"), description="folder of the database, the models and the secret"
    )
    database: str | None = Field(default=None, description="URL of PostgreSQL; without one, SQLite in the data folder")
    host: str = Field(default="127.0.0.1", description="address that is listened on")
    port: int = Field(default=8000, ge=0, le=65535, description="port; 0: any that is free")
    log_level: str = Field(
        default="info", pattern="^(debug|info|warning|error)$", description="least level that is logged"
    )
    drain_seconds: float = Field(
        default=0.0, ge=0, description="between being told to stop and no longer listening; not ready meanwhile"
    )
    access: AccessSettings = AccessSettings()
    limits: LimitSettings = LimitSettings()
    forecasts: ForecastSettings = ForecastSettings()
    ingest: IngestSettings = IngestSettings()
    watch: WatchSettings = WatchSettings()
    keep: KeepSettings = KeepSettings()

    @property
    def database_url(self) -> str:
        """Of the database, whichever it is."""
        return self.database or f"sqlite:///{self.data_dir / 'foregate.db'}"
