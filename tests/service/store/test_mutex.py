"""A lock that one thread of one process holds."""

import threading
import time

import pytest

from foregate.service.store.mutex import Mutex


def test_one_holds_it_at_a_time(tmp_path):
    """Threads with one lock or with two on one file are never inside together."""
    first = Mutex(tmp_path / "lock")
    inside, most, lock = [], [], threading.Lock()

    def enter(mutex):
        for _ in range(20):
            with mutex:
                inside.append(1)
                with lock:
                    most.append(len(inside))
                time.sleep(0.0005)
                inside.pop()

    others = [first, first, Mutex(tmp_path / "lock"), Mutex(tmp_path / "lock")]
    threads = [threading.Thread(target=enter, args=(each,)) for each in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1
    assert len(most) == 80
    for each in {id(each): each for each in others}.values():
        each.close()


def test_patience_ends(tmp_path):
    """Whoever waits too long is told for what, and leaves the lock as it is."""
    held, waiting = Mutex(tmp_path / "lock"), Mutex(tmp_path / "lock", patience=0.05)
    with held, pytest.raises(TimeoutError, match=r"lock must be free within 0\.05 s"), waiting:
        pass
    with waiting:
        pass
    held.close()
    waiting.close()


def test_an_error_inside_lets_go(tmp_path):
    """Whatever happens inside, the lock is free afterwards."""
    mutex = Mutex(tmp_path / "lock", patience=0.1)
    with pytest.raises(KeyError), mutex:
        raise KeyError
    with mutex:
        pass
    mutex.close()
