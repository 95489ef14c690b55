"""Laws of many processes that start together on a database that is empty."""

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from foregate.service.access.keys import Order, add, add_first
from foregate.service.problems import Problem
from foregate.service.store.database import Database
from tests.service.databases import database, server, server_url, url
from tests.service.process import Process
from tests.service.site import SECRET

__all__ = ["database", "server", "server_url", "url"]

MANY = 8


def at_once(database, work):
    """What many get who do it in one moment, each from a database that was opened for itself."""
    gate = threading.Barrier(4)

    def alone(_):
        own = Database(str(database.engine.url.render_as_string(hide_password=False)))
        try:
            own.read_now(lambda c: None)
            gate.wait()
            return own.write_now(work)
        finally:
            own.close()

    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(alone, range(4)))


def test_the_first_key_is_one(database):
    """Of those who make the first key in one moment one does; and of those who use one name, one gets it."""

    def first(connection):
        time.sleep(0.05)
        made = add_first(connection, Order("admin", ("admin",), "tests", 1))
        time.sleep(0.1)
        return made

    def named(connection):
        try:
            made = add(connection, Order("same", ("read",), "tests", 1))
        except Problem:
            return None
        time.sleep(0.1)
        return made

    assert [bool(key) for key in at_once(database, first)].count(True) == 1
    assert [bool(key) for key in at_once(database, named)].count(True) == 1


@pytest.mark.slow
def test_eight_processes_start_on_nothing(url, tmp_path):
    """Eight services that start in one moment all serve, with one key, one champion and one set of tables."""
    shared = url.startswith("sqlite")
    more = {} if shared else {"DATABASE": url, "ACCESS__SECRET": SECRET}
    (tmp_path / "site").mkdir()
    folders = [tmp_path / "site" / ("one" if shared else f"replica{i}") for i in range(MANY)]
    began = time.monotonic()
    processes = [Process(each, name=f"process{i}", **more) for i, each in enumerate(folders)]
    try:
        for one in processes:
            one.wait()
        keys = [found for one in processes for found in re.findall(r"fg_\S+", one.said(one.errors))]
        assert len(keys) == 1
        time.sleep(2.5)  # until the key is known to all
        for one in processes:
            base = f"http://127.0.0.1:{one.port}"
            assert httpx.get(f"{base}/readyz", timeout=30).json()["status"] == "ok"
            asking = httpx.Client(base_url=base, headers={"X-API-Key": keys[0]}, timeout=30)
            with asking:
                assert [key["name"] for key in asking.get("/v1/keys").json()["keys"]] == ["admin"]
                history = asking.get("/v1/models/pretrained/history").json()
                assert len(history["moves"]) == 1, history
                body = {"histories": [{"name": "a", "values": [1.0, 2.0] * 20}], "horizon": 2}
                assert asking.post("/v1/forecasts", json=body).json()["version"] == 1
        print(f"{MANY} processes serve after {time.monotonic() - began:.1f} s")
    finally:
        for one in processes:
            one.kill()
