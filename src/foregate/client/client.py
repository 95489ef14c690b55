"""A client of the service."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from foregate.client.errors import ServiceError, UnreachableError
from foregate.client.retries import Retries
from foregate.core import MissingExtraError

if TYPE_CHECKING:
    import httpx

__all__ = ["Client", "Forecasts", "Step"]

Value = str | float | None
"""Of a covariate; None: missing."""
Row = tuple[str, str | int, float | None] | tuple[str, str | int, float | None, Mapping[str, Value]]
"""Series, time and value, None where it is missing; and covariates by name where there are any."""
Moment = tuple[str | int, float | None] | tuple[str | int, float | None, Mapping[str, Value]]
"""Time and value, and covariates where there are any."""
Coming = tuple[str | int, Mapping[str, Value]]
"""A time to come, and what is known of it: covariates by name."""
SAFE = frozenset({"DELETE", "GET", "HEAD", "PUT"})
"""Methods that may be repeated: doing them twice does what doing them once does."""


@dataclass(frozen=True)
class Forecasts:
    """Forecasts, and who made them."""

    model: str
    version: int
    """That made them."""
    quantiles: tuple[float, ...]
    """Probabilities, ascending: Q."""
    values: dict[str, list[list[float]]]
    """Name of a series -> (K, Q): one list per step, with one value per quantile."""
    times: dict[str, list[str | int]]
    """Name of a series -> time of each step (K), where the service was told times."""
    recorded: bool = False
    """Whether stored series were forecast, and these forecasts will be scored when their actuals come."""


@dataclass(frozen=True)
class Step:
    """What became of a step of a session: it is stored."""

    seq: int
    """Observations that the session has read."""
    version: int
    """That read them."""
    counts: Mapping[str, int]
    """Observations by what became of them."""
    forecast: Forecasts | None
    """From there on, where one was asked for and can be made."""


class Client:
    """Asks a service. It may be shared by threads, and is closed when it is done with.

    What fails for a moment is tried again: where the service says when, then; otherwise after growing pauses. What has
    an effect is sent with a key of its own, so that it is done once however often it is sent.

    Args:
        url: of the service: ``http://127.0.0.1:8000``.
        key: an API key, or a token.
        timeout: seconds that a request may take; the service is told, and gives up then as well.
        retries: how patient it is.
        transport: what httpx sends with, instead of the network.
        sleep: waits.

    Raises:
        MissingExtraError: httpx is not installed.

    Examples:
        >>> import httpx
        >>> answers = httpx.MockTransport(lambda request: httpx.Response(200, json={"models": []}))
        >>> with Client("http://127.0.0.1:8000", "a key", transport=answers) as client:
        ...     client.models()
        []
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        timeout: float = 30.0,
        retries: Retries | None = None,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        try:
            import httpx
        except ImportError:
            raise MissingExtraError("speaking to a service", "client") from None
        headers = {"Authorization": f"Bearer {key}", "Foregate-Deadline-Ms": str(int(timeout * 1000))}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=timeout, transport=transport)
        self._errors: type[Exception] = httpx.TransportError
        self._retries, self._sleep = retries or Retries(), sleep

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of all connections."""
        self._http.close()

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: Mapping[str, str | int | float] | None = None,
        headers: Mapping[str, str] | None = None,
        once: bool = False,
    ) -> Any:
        """Ask anything.

        Args:
            method: of HTTP.
            path: of the API document; see `path`.
            body: what becomes JSON; None: none.
            query: name -> value.
            headers: further ones.
            once: whether the route knows idempotency keys, so that it may be repeated.

        Returns:
            What the answer's JSON says; None where it is empty.

        Raises:
            ServiceError: the service refuses.
            UnreachableError: it does not answer.
        """
        told = dict(headers or {})
        if once:
            told["Idempotency-Key"] = uuid.uuid4().hex
        content = None
        if body is not None:
            content, told["Content-Type"] = json.dumps(body, allow_nan=False), "application/json"
        request = self._http.build_request(method, path, content=content, params=query, headers=told)
        answer = self._sent(request, safe=once or method in SAFE)
        return json.loads(answer.content) if answer.content else None

    def forecast(
        self,
        histories: Mapping[str, Sequence[float | None]],
        *,
        horizon: int,
        times: Mapping[str, Sequence[str | int]] | None = None,
        **said: Any,
    ) -> Forecasts:
        """Forecast series that come with the request.

        Args:
            histories: name -> values, the newest last; None: missing.
            horizon: K, steps ahead.
            times: name -> time of each row, ISO 8601 or whole numbers.
            said: further members of the request: freq, season_length, quantiles, level, model, version.

        Raises:
            ServiceError: the service refuses.
            UnreachableError: it does not answer.
        """
        given = times or {}
        sent = [
            {"name": name, "values": list(values), **({"times": list(given[name])} if name in given else {})}
            for name, values in histories.items()
        ]
        # A forecast changes nothing, so it may be asked for again.
        return self._forecasts({"histories": sent, "horizon": horizon, **said})

    def forecast_stored(self, series: Sequence[str], *, horizon: int, **said: Any) -> Forecasts:
        """Forecast series that the service keeps; see `forecast`.

        The service keeps these forecasts too, and scores them when their actuals come, unless ``record=False`` is said
        or the request brings a future or seasons of its own.
        """
        return self._forecasts({"series": list(series), "horizon": horizon, **said})

    def put_series(self, name: str, *, freq: str, **said: Any) -> None:
        """Make a series, or change what is said of it: season_length, segment, attributes.

        Args:
            name: of the series.
            freq: step between its rows: an offset such as 30min, h or D, or a whole number.
            said: further members of the request.
        """
        self.request("PUT", self.path("v1", "series", name), {"freq": freq, **said})

    def observe(self, rows: Iterable[Row], *, revise: bool = False) -> dict[str, int]:
        """Send observations of any series, in any order. The same ones again do nothing.

        Args:
            rows: name, time and value of each, None: missing; and covariates by name where there are any.
            revise: let another value take the place of the one before, which is kept as a revision.

        Returns:
            how many rows there were of each outcome, such as stored, duplicate or conflict.
        """
        sent = [{"series": name, **_moment(row)} for name, *row in rows]
        body = {"observations": sent, "revise": revise}
        found: dict[str, int] = json.loads(self._posted("/v1/observations", body).content)["counts"]
        return found

    def announce(self, future: Mapping[str, Iterable[Coming]]) -> int:
        """Tell what is known ahead of series: covariates of times to come, in place of what was told of them before.

        Args:
            future: name of a series -> times after its newest row, each with covariates by name.

        Returns:
            how many values are new, or others than before.
        """
        sent = [
            {"series": name, "time": when, "covariates": dict(told)}
            for name, coming in future.items()
            for when, told in coming
        ]
        changed: int = json.loads(self._posted("/v1/future", {"future": sent}).content)["changed"]
        return changed

    def open_sessions(self, series: Sequence[str], **said: Any) -> None:
        """Open live sessions of series that are stored: model, alias, version, late, horizon."""
        self._posted("/v1/sessions", {"series": list(series), **said})

    def step(
        self,
        series: str,
        rows: Iterable[Moment],
        *,
        expected_seq: int | None = None,
        forecast: bool = True,
        future: Iterable[Coming] = (),
    ) -> Step:
        """Let a session read observations; the answer comes when they are stored. The same again: the same answer.

        Args:
            series: name of the session's series.
            rows: time and value of each, and covariates by name where there are any.
            expected_seq: observations that it has read before; another number is refused.
            forecast: whether to answer with a forecast.
            future: what is known ahead; see `announce`.
        """
        coming = [{"time": when, "covariates": dict(told)} for when, told in future]
        body = {
            "observations": [_moment(row) for row in rows],
            "forecast": forecast,
            "expected_seq": expected_seq,
            **({"future": coming} if coming else {}),
        }
        said = json.loads(self._posted(self.path("v1", "sessions", series, "observations"), body).content)
        return Step(
            said["seq"], said["version"], said["counts"], None if said["forecast"] is None else _said(said["forecast"])
        )

    def session_forecast(self, series: str, *, horizon: int | None = None) -> Forecasts:
        """What a session says now; nothing is changed."""
        query = {} if horizon is None else {"horizon": horizon}
        return _said(self.request("GET", self.path("v1", "sessions", series, "forecast"), query=query))

    def train(self, model: str, *, horizon: int, **said: Any) -> int:
        """Ask for a training, whose result takes over if it is better: series, season_length, effort, rows, held_out,
        since and others, see `/openapi.json`.

        Returns:
            number of the job.
        """
        number: int = self.request("POST", "/v1/jobs", {"model": model, "horizon": horizon, **said})["id"]
        return number

    def job(self, number: int) -> dict[str, Any]:
        """A job: state, progress, and what came of it."""
        found: dict[str, Any] = self.request("GET", self.path("v1", "jobs", number))
        return found

    def jobs(self, **query: str | int) -> list[dict[str, Any]]:
        """Jobs, the newest first; of one model or state."""
        found: list[dict[str, Any]] = self.request("GET", "/v1/jobs", query=query)["jobs"]
        return found

    def cancel(self, number: int) -> None:
        """Let a job end."""
        self.request("DELETE", self.path("v1", "jobs", number))

    def errors(self, **query: str | int) -> list[dict[str, Any]]:
        """Live error, bias and coverage of forecasts whose actuals have come: model, version, segment, days, by."""
        found: list[dict[str, Any]] = self.request("GET", "/v1/errors", query=query)["errors"]
        return found

    def drift(self, **query: str | int) -> dict[str, Any]:
        """Detectors as they stand, and alarms, the newest first."""
        found: dict[str, Any] = self.request("GET", "/v1/drift", query=query)
        return found

    def models(self) -> list[dict[str, Any]]:
        """All models that there are."""
        found: list[dict[str, Any]] = self.request("GET", "/v1/models")["models"]
        return found

    def versions(self, model: str) -> list[dict[str, Any]]:
        """The versions of a model, the newest last."""
        found: list[dict[str, Any]] = self.request("GET", self.path("v1", "models", model, "versions"))["versions"]
        return found

    def ready(self) -> bool:
        """Whether the service takes requests now; asked once."""
        try:
            return bool(self._http.get("/readyz").status_code == 200)
        except self._errors:
            return False

    @staticmethod
    def path(*parts: str | int) -> str:
        """A path of parts, each of which may hold any character.

        Examples:
            >>> Client.path("v1", "series", "a/b c")
            '/v1/series/a%2Fb%20c'
        """
        return "".join("/" + quote(str(part), safe=":") for part in parts)

    def _posted(self, path: str, body: Mapping[str, Any]) -> httpx.Response:
        """The answer to what may be sent twice: it has no effect, or the same."""
        return self._sent(self._http.build_request("POST", path, json=body), safe=True)

    def _forecasts(self, body: Mapping[str, Any]) -> Forecasts:
        said = json.loads(self._posted("/v1/forecasts", body).content)
        found = said["forecasts"]
        return Forecasts(
            said["model"],
            said["version"],
            tuple(said["quantiles"]),
            {one["series"]: one["values"] for one in found},
            {one["series"]: one["times"] for one in found if "times" in one},
            said.get("recorded", False),
        )

    def _sent(self, request: httpx.Request, *, safe: bool) -> httpx.Response:
        tried = 0
        while True:
            tried += 1
            answer, failure = None, None
            try:
                answer = self._http.send(request)
            except self._errors as error:
                failure = error
            if answer is not None and answer.is_success:
                return answer
            status = answer.status_code if answer is not None else None
            wait = self._retries.after(
                tried, status, answer.headers.get("retry-after") if answer is not None else None, safe=safe
            )
            if wait is not None:
                self._sleep(wait)
            elif answer is None:
                said = f"{request.url} must answer, but got {type(failure).__name__} in {tried} tries: {failure}."
                raise UnreachableError(said) from failure
            else:
                raise ServiceError(answer.status_code, _problem(answer))


def _moment(row: Sequence[Any]) -> dict[str, Any]:
    """Time, value and perhaps covariates as they are sent."""
    when, value, *covariates = row
    return {"time": when, "value": value, **({"covariates": dict(covariates[0])} if covariates else {})}


def _said(said: Mapping[str, Any]) -> Forecasts:
    """The forecast of a session."""
    name = said["series"]
    values, times = {name: said["values"]}, {name: said["times"]}
    return Forecasts(said["model"], said["version"], tuple(said["quantiles"]), values, times)


def _problem(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        said = answer.json()
    except ValueError:  # of something in between
        return {"detail": f"the service must say what is wrong, but got: {answer.text[:200]!r}."}
    return said if isinstance(said, dict) else {}
