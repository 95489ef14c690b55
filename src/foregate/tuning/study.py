"""A study on disk or on a server: its trials, who works on them, and what became of those who were stopped."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foregate.core import DataError, MissingExtraError, UsageError, listed
from foregate.core.addresses import shown_address
from foregate.tuning.presence import FileLock, FilePresence, Presence, ServerPresence
from foregate.tuning.samplers import new_pruner, new_sampler
from foregate.tuning.search import Search
from foregate.tuning.space import Point, Space

if TYPE_CHECKING:
    from optuna import Study
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial, Trial

__all__ = ["INTERRUPTED", "Book", "check_address", "is_server", "open_book", "require_optuna"]

SERVER = ("postgresql://", "postgres://", "postgresql+psycopg://")
"""How the address of a server begins."""
INTERRUPTED = "interrupted"
"""Why a trial failed whose process was stopped: another one goes on in its place."""


@dataclass(frozen=True)
class Book:
    """An open study, and that this process works on it."""

    study: Study
    storage: BaseStorage
    presence: Presence
    space: Space
    search: Search

    def begin(self) -> None:
        """Line up the default and the points of a grid, as far as they are not there."""
        with self.presence.alone():
            there = self.trials()
            if not any(trial.user_attrs.get("default") for trial in there):
                self.study.enqueue_trial({}, user_attrs={"default": True})
            if self.search.sampler == "grid":
                known = {_key(trial.system_attrs.get("fixed_params", trial.params)) for trial in there}
                for point in map(self.space.stored, self.space.grid()):
                    if _key(point) not in known:
                        self.study.enqueue_trial(point)

    def trials(self) -> list[FrozenTrial]:
        """All of them, those that were interrupted too, in order."""
        return self.study.get_trials(deepcopy=False)

    def counted(self) -> list[FrozenTrial]:
        """Those that were not interrupted and are not waiting: what the budget is spent on."""
        return [each for each in self.trials() if each.state.name != "WAITING" and not _interrupted(each)]

    def next(self) -> tuple[Trial, Point | None] | str:
        """A trial to be run and its point, None for the default; ``wait`` for others to be done; or ``done``."""
        with self.presence.alone():
            self._take_up()
            trials = self.trials()
            waiting = sum(trial.state.name == "WAITING" for trial in trials)
            running = sum(trial.state.name == "RUNNING" for trial in trials)
            begun = len(trials) - waiting - sum(map(_interrupted, trials))
            most = self.search.n_trials or (50 if self.search.sampler != "grid" else begun + waiting)
            if begun >= most or (self.search.sampler == "grid" and not waiting):
                return "wait" if running else "done"
            self.study.sampler = new_sampler(self.search, begun)
            trial = self.study.ask()
            trial.set_user_attr("worker", self.presence.name)
            if trial.user_attrs.get("default"):
                return trial, None
            return trial, self.space.suggested(trial)

    def known(self, trial: Trial) -> FrozenTrial | None:
        """A complete trial with the same settings, if there is one."""
        alike = (each for each in self.trials() if each.state.name == "COMPLETE" and each.params == trial.params)
        return next(alike, None)

    def finish(self, trial: Trial, value: float | None, state: str, **facts: Any) -> None:
        """Write down what came of a trial, unless it was taken for dead and given to another."""
        from optuna.exceptions import UpdateFinishedTrialError
        from optuna.trial import TrialState

        with self.presence.alone():
            try:
                for name, fact in facts.items():
                    trial.set_user_attr(name, fact)
                self.study.tell(trial, value, TrialState[state])
            except (UpdateFinishedTrialError, ValueError):
                if self.study.trials[trial.number].state.name in ("RUNNING", "WAITING"):
                    raise

    def _take_up(self) -> None:
        """Line up anew what was running in processes that are gone."""
        from optuna.trial import TrialState

        trials = self.trials()
        again = {trial.user_attrs.get("again") for trial in trials}
        for trial in trials:
            worker = trial.user_attrs.get("worker", "")
            if trial.state.name != "RUNNING" or (worker and self.presence.lives(worker)):
                continue
            if trial.number not in again:  # a process may have been stopped between these two steps as well
                facts = {"again": trial.number} | {k: True for k in ("default",) if trial.user_attrs.get(k)}
                point = trial.system_attrs.get("fixed_params", trial.params)
                self.study.enqueue_trial(point, user_attrs=facts)
            self.storage.set_trial_user_attr(trial._trial_id, "reason", INTERRUPTED)
            self.study.tell(trial.number, state=TrialState.FAIL)


def require_optuna() -> None:
    """Load optuna, which otherwise is silent about its doings.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import optuna
    except ImportError:
        raise MissingExtraError("tuning", "tune") from None
    optuna.logging.set_verbosity(logging.ERROR)


def is_server(address: str | Path) -> bool:
    """Whether a study is on a server.

    Examples:
        >>> is_server("postgresql://user@host/name"), is_server("study.journal")
        (True, False)
    """
    return str(address).startswith(SERVER)


def check_address(address: str | Path) -> None:
    """Refuse a place where no study can be.

    Raises:
        UsageError: another server than PostgreSQL, a folder, or a file in no folder.
        MissingExtraError: what speaks with the server is not installed.
    """
    text = str(address)
    if is_server(text):
        try:
            import psycopg  # noqa: F401
        except ImportError:
            raise MissingExtraError("a study on PostgreSQL", "tune") from None
    elif "://" in text:
        raise UsageError(
            f"study must be a file or the address of a PostgreSQL server, but got {shown_address(text)!r}. Give for "
            "example 'study.journal' or 'postgresql://user:word@host/name'."
        )
    elif Path(text).is_dir() or not Path(text).absolute().parent.is_dir():
        raise UsageError(
            f"study must be a file in a folder that exists, but got {text!r}. Make the folder, or name another file."
        )


@contextmanager
def open_book(
    address: str | Path, prints: Mapping[str, str], space: Space, search: Search, *, checks: int = 20
) -> Iterator[Book]:
    """The study of a space and of data, new or gone on with.

    Args:
        address: path of a journal, or URL of a PostgreSQL server, which may have several studies.
        prints: what makes it the same study, see `foregate.tuning.search.fingerprint`.
        space: what is searched.
        search: how.
        checks: validation checks of a run.

    Raises:
        UsageError: the journal has a study of something else; says what differs.
        DataError: the file is no journal, or the server does not answer.
    """
    require_optuna()
    name = f"foregate-{hashlib.sha256(json.dumps(prints, sort_keys=True).encode()).hexdigest()[:12]}"
    presence: Presence
    if is_server(address):
        url = f"postgresql+psycopg://{str(address).partition('://')[2]}"
        presence, storage = _on_server(url, name)
    else:
        presence, storage = _on_disk(Path(address).absolute())
    try:
        with presence.alone():
            study = _study(address, storage, name, prints)
        study.pruner = new_pruner(search, checks)
        yield Book(study, storage, presence, space, search)
    finally:
        presence.close()


def _on_disk(path: Path) -> tuple[Presence, Any]:
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    lock = FileLock(path.with_name(f"{path.name}.writing"))
    lock.acquire()
    try:
        _mend(path)
    finally:
        lock.release()
    try:
        storage = JournalStorage(JournalFileBackend(str(path), lock_obj=lock))  # type: ignore[arg-type]
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path} must be the journal of a study, but got something else: {error}. Name another file."
        ) from error
    return FilePresence(path), storage


def _mend(path: Path) -> None:
    """Cut off a last line that was not written to its end, which would spoil the next one."""
    if not path.exists():
        return
    with path.open("rb+") as file:
        content = file.read()
        whole = content.rfind(b"\n") + 1
        if content and not content.startswith(b"{"):
            raise DataError(f"{path} must be the journal of a study, but got something else. Name another file.")
        if whole < len(content):
            file.truncate(whole)


def _on_server(url: str, name: str) -> tuple[Presence, Any]:
    from optuna.storages import RDBStorage
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.pool import NullPool

    try:
        presence = ServerPresence(url, name)
        everyone = ServerPresence(url, "foregate")  # tables are made once, whatever the study
        try:
            with everyone.alone():
                return presence, RDBStorage(url, engine_kwargs={"poolclass": NullPool})
        finally:
            everyone.close()
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", error)).strip().splitlines()[0]
        raise DataError(
            f"the server of the study must answer, but got: {reason}. Check the address, the name and the password."
        ) from None


def _study(address: str | Path, storage: Any, name: str, prints: Mapping[str, str]) -> Study:
    import optuna

    if not is_server(address):
        for other in optuna.get_all_study_summaries(storage):
            if other.study_name != name:
                before = other.user_attrs.get("prints", {})
                apart = [what for what in prints if before.get(what) != prints[what]]
                raise UsageError(
                    f"the study in {address} must be of what is asked for, but it differs in {listed(apart)}. Ask for "
                    "the same again to go on with it, or name another file for a new one."
                )
    study = optuna.create_study(storage=storage, study_name=name, load_if_exists=True, direction="minimize")
    if study.user_attrs.get("prints") != dict(prints):
        study.set_user_attr("prints", dict(prints))
    return study


def _interrupted(trial: FrozenTrial) -> bool:
    return trial.state.name == "FAIL" and trial.user_attrs.get("reason") == INTERRUPTED


def _key(params: Mapping[str, Any]) -> str:
    return json.dumps(dict(params), sort_keys=True)
