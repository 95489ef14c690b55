"""Writes the dashboard of Grafana: `python deploy/grafana/build.py`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

TO = Path(__file__).parent / "dashboards" / "foregate.json"
SOURCE = {"type": "prometheus", "uid": "${source}"}
WIDTH, HEIGHT, ACROSS = 8, 7, 3
SECONDS, SHARE, PER_SECOND, BYTES, COUNT = "s", "percentunit", "reqps", "bytes", "short"
RATE = "$__rate_interval"


def quantile(q: float, metric: str, by: str = "le", where: str = "") -> str:
    """The expression of a quantile of a histogram."""
    return f"histogram_quantile({q}, sum by ({by}) (rate({metric}_bucket{where}[{RATE}])))"


ERRORS = "foregate_forecast_abs_error_scaled"
REQUESTS = "foregate_http_request_duration_seconds"
ANSWERED = '{route!="/v1/events", status!="503"}'
"""Neither what goes on for hours, nor what is refused in no time."""
ROWS: dict[str, list[tuple[str, str, dict[str, str]]]] = {
    "Requests": [
        ("Requests by route", PER_SECOND, {"{{route}}": f"sum by (route) (rate({REQUESTS}_count[{RATE}]))"}),
        (
            "Time of a request",
            SECONDS,
            {q: quantile(p, REQUESTS, where=ANSWERED) for q, p in (("median", 0.5), ("99 of 100", 0.99))},
        ),
        (
            "Errors and refusals",
            SHARE,
            {
                "errors": f'sum(rate({REQUESTS}_count{{status=~"5.."}}[{RATE}])) / sum(rate({REQUESTS}_count[{RATE}]))',
                "refused: {{reason}}": f"sum by (reason) (rate(foregate_rejected_total[{RATE}]))"
                f" / scalar(sum(rate({REQUESTS}_count[{RATE}])))",
            },
        ),
        ("Being answered", COUNT, {"{{instance}}": "foregate_inflight_requests"}),
        (
            "Answered together",
            COUNT,
            {
                "mean": f"sum(rate(foregate_inference_batch_size_sum[{RATE}]))"
                f" / sum(rate(foregate_inference_batch_size_count[{RATE}]))"
            },
        ),
        (
            "Waiting and computing",
            SECONDS,
            {
                "waiting, 99 of 100": quantile(0.99, "foregate_queue_wait_seconds"),
                "computing, 99 of 100": quantile(0.99, "foregate_inference_seconds"),
            },
        ),
    ],
    "Live sessions and observations": [
        (
            "Sessions",
            COUNT,
            {"stored": "max(foregate_sessions_active)", "in memory: {{instance}}": "foregate_sessions_resident"},
        ),
        (
            "From an observation to its acknowledgement",
            SECONDS,
            {
                "median": quantile(0.5, "foregate_session_step_seconds"),
                "99 of 100": quantile(0.99, "foregate_session_step_seconds"),
            },
        ),
        (
            "Observations by what became of them",
            PER_SECOND,
            {"{{result}}": f"sum by (result) (rate(foregate_actuals_ingested_total[{RATE}]))"},
        ),
        ("Since the last observation", SECONDS, {"{{instance}}": "time() - foregate_last_ingest_timestamp_seconds"}),
        (
            "Moved on by another process",
            PER_SECOND,
            {"conflicts": f"sum(rate(foregate_state_cas_conflicts_total[{RATE}]))"},
        ),
        (
            "Commits",
            SECONDS,
            {
                "median": quantile(0.5, "foregate_db_commit_seconds"),
                "99 of 100": quantile(0.99, "foregate_db_commit_seconds"),
            },
        ),
    ],
    "Forecasts and drift": [
        (
            "Error by scale, median",
            COUNT,
            {
                "{{model}}, {{horizon_bucket}}": quantile(
                    0.5, "foregate_forecast_abs_error_scaled", "le, model, horizon_bucket"
                )
            },
        ),
        ("Share of actuals inside", SHARE, {"{{model}}, {{level}} %": "foregate_interval_coverage"}),
        ("Detectors, 1 is an alarm", COUNT, {"{{model}}, {{detector}}": "foregate_drift_score"}),
        ("Alarms in an hour", COUNT, {"{{model}}, {{detector}}": "increase(foregate_drift_alarms_total[1h])"}),
        (
            "Champions",
            COUNT,
            {
                "{{model}}": "max by (model) (foregate_champion_version)",
                "moves of {{model}}: {{reason}}": "increase(foregate_model_swaps_total[1h])",
            },
        ),
        ("Age of the champion", SECONDS, {"{{model}}": "max by (model) (foregate_model_age_seconds)"}),
    ],
    "Store and jobs": [
        ("Log of the database", BYTES, {"{{instance}}": "foregate_wal_bytes"}),
        ("Space left", BYTES, {"{{instance}}": "foregate_disk_free_bytes"}),
        (
            "Jobs and failed commits",
            COUNT,
            {"{{state}}": "max by (state) (foregate_jobs)", "failed commits": "increase(foregate_db_errors_total[1h])"},
        ),
    ],
}


def dashboard() -> dict[str, Any]:
    """All of it, as Grafana reads it."""
    panels: list[dict[str, Any]] = []
    y = 0
    for title, row in ROWS.items():
        panels.append({"type": "row", "title": title, "id": len(panels) + 1, "gridPos": _place(0, y, 24, 1)})
        for i, (name, unit, expressions) in enumerate(row):
            place = _place(i % ACROSS * WIDTH, y + 1 + i // ACROSS * HEIGHT, WIDTH, HEIGHT)
            panels.append(_panel(len(panels) + 1, name, unit, expressions) | {"gridPos": place})
        y += 1 + -(-len(row) // ACROSS) * HEIGHT
    return {
        "title": "Foregate",
        "uid": "foregate",
        "tags": ["foregate"],
        "schemaVersion": 39,
        "editable": False,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [{"name": "source", "type": "datasource", "query": "prometheus", "label": "Source"}]},
        "panels": panels,
    }


def _place(x: int, y: int, w: int, h: int) -> dict[str, int]:
    return {"x": x, "y": y, "w": w, "h": h}


def _panel(number: int, title: str, unit: str, expressions: dict[str, str]) -> dict[str, Any]:
    targets = [
        {"refId": chr(ord("A") + i), "expr": expression, "legendFormat": legend, "datasource": SOURCE}
        for i, (legend, expression) in enumerate(expressions.items())
    ]
    return {
        "id": number,
        "type": "timeseries",
        "title": title,
        "datasource": SOURCE,
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
        "targets": targets,
    }


if __name__ == "__main__":
    TO.write_text(json.dumps(dashboard(), indent=2) + "\n")
