"""Whether it lives, whether it is ready, and what it counts of itself."""

import asyncio

import pytest

from foregate.service.context import Check
from foregate.service.problems import Problem
from tests.service.fakes import lab


async def fails():
    raise ValueError("postgresql://me:hunter2@host is gone")


async def hangs():
    await asyncio.sleep(60)


async def works():
    pass


def test_it_lives_whatever_is_broken(bare):
    """Liveness asks nobody."""
    bare.service.checks["model"] = Check(fails)
    assert bare.ask("GET", "/livez").status_code == 200


@pytest.mark.parametrize("broken", [fails, hangs])
def test_it_is_ready_when_all_that_is_vital_is(bare, broken):
    """A vital check that fails or hangs is 503; another one degrades; nothing of the error is told to strangers."""
    bare.service.checks["model"] = Check(works)
    assert bare.ask("GET", "/readyz").json() == {"status": "ok", "checks": {"model": "ok"}}
    bare.service.checks["disk"] = Check(broken, vital=False)
    degraded = bare.ask("GET", "/readyz")
    assert (degraded.status_code, degraded.json()["status"]) == (200, "degraded")
    bare.service.checks["model"] = Check(broken)
    refused = bare.ask("GET", "/readyz")
    assert refused.status_code == 503
    assert set(refused.json()["checks"]) == {"model", "disk"}
    assert "hunter2" not in refused.text


def test_a_check_that_knows_what_is_wrong_tells_its_name(bare):
    """What is a problem of the service is told by the name that programs rely on, and no more of it."""

    async def gone():
        raise Problem(404, "no-such-version", "the version hunter2 must be there.")

    bare.service.checks["model"] = Check(gone)
    refused = bare.ask("GET", "/readyz")
    assert refused.json()["checks"] == {"model": "no-such-version"}
    assert "hunter2" not in refused.text


def test_one_that_is_about_to_stop_is_not_ready(bare):
    """A load balancer sends nothing more, but what comes is answered."""
    bare.service.draining = True
    assert bare.ask("GET", "/readyz").status_code == 503
    assert bare.ask("GET", "/v1/keys", scope="admin").status_code == 200


def test_metrics_need_their_scope_unless_told_otherwise(tmp_path):
    """Who counts needs a key for that; a setting opens them."""
    (tmp_path / "open").mkdir()
    with lab(tmp_path) as closed, lab(tmp_path / "open", settings={"access": {"public_metrics": True}}) as opened:
        assert closed.ask("GET", "/metrics").status_code == 401
        assert closed.ask("GET", "/metrics", scope="read").status_code == 403
        text = closed.ask("GET", "/metrics", scope="metrics").text
        assert "# TYPE foregate_http_request_duration_seconds histogram" in text
        assert opened.ask("GET", "/metrics").status_code == 200
