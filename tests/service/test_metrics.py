"""What the service counts of itself."""

from foregate.service.metrics import Metrics


def test_metrics_are_told_as_prometheus_reads_them():
    """Everything begins with the program's name, and what was counted is there."""
    metrics = Metrics()
    metrics.rejected.labels("overload").inc()
    text = metrics.text().decode()
    assert 'foregate_rejected_total{reason="overload"} 1.0' in text
    assert all(line.startswith(("#", "foregate_")) for line in text.splitlines())


def test_two_services_count_apart():
    """Metrics belong to one service: a second one in the same process begins at nothing."""
    one, other = Metrics(), Metrics()
    one.store_errors.inc()
    assert "foregate_db_errors_total 1.0" in one.text().decode()
    assert "foregate_db_errors_total 0.0" in other.text().decode()


def test_no_label_names_a_series():
    """Labels have few values: a label per series, session, path or key would fill the memory."""
    labels = {name for family in Metrics().registry.collect() for sample in family.samples for name in sample.labels}
    assert not labels & {"series", "session", "path", "key", "principal", "request_id"}
