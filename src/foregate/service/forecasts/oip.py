"""The Open Inference Protocol, version 2, as far as a forecast fits into it: for clients and platforms that speak it.

One input tensor holds the histories, one output tensor the forecasts; all else are parameters. What is asked goes the
same way as `POST /v1/forecasts`.
"""

from __future__ import annotations

from importlib import metadata
from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import UNSET, Meta, UnsetType

from foregate.core.errors import ForegateError
from foregate.service.api.bodies import said_of
from foregate.service.api.endpoints import PUBLIC, Call, Routes
from foregate.service.forecasts.bodies import ForecastRequest
from foregate.service.forecasts.models import Ready
from foregate.service.forecasts.routes import answer_to
from foregate.service.names import MOST
from foregate.service.problems import Problem

__all__ = ["routes"]

routes = Routes("Open Inference Protocol")
VALUES, QUANTILES, HORIZON, FORECAST = "values", "quantiles", "horizon", "forecast"
FLOATS, INTEGERS = ("FP64", "FP32"), ("INT64", "INT32")
LARGEST_RANK = 3
Parameters = dict[str, str | int | float | bool]


class Tensor(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An array by name."""

    name: Annotated[str, Meta(description="values, horizon or quantiles; or forecast.")]
    shape: Annotated[
        list[Annotated[int, Meta(ge=0, le=MOST)]], Meta(max_length=LARGEST_RANK, description="Length of each axis.")
    ]
    datatype: Annotated[str, Meta(description="FP64, FP32, INT64 or INT32.")]
    data: Annotated[list[Any], Meta(description="Row by row, flat or nested; null where a value is missing.")]
    parameters: Annotated[Parameters, Meta(description="None are read.")] = {}


class Wish(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An output that is wanted."""

    name: Annotated[str, Meta(description="forecast")]
    parameters: Annotated[Parameters, Meta(description="None are read.")] = {}


class InferRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is asked of a model."""

    inputs: Annotated[
        list[Tensor],
        Meta(
            description="values (series, rows), FP64 or FP32; and as they are needed horizon (1), INT64 or INT32, and "
            "quantiles (number of them), FP64 or FP32."
        ),
    ]
    id: Annotated[Annotated[str, Meta(max_length=200)] | UnsetType, Meta(description="Comes back in the answer.")] = (
        UNSET
    )
    parameters: Annotated[
        Parameters, Meta(description="horizon, freq, season_length: see POST /v1/forecasts; others are not read.")
    ] = {}
    outputs: Annotated[list[Wish], Meta(description="forecast, or nothing for all.")] = []


class InferAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a model said."""

    model_name: Annotated[str, Meta(description="Its name.")]
    model_version: Annotated[str, Meta(description="The version that said it.")]
    outputs: Annotated[list[Tensor], Meta(description="forecast (series, steps, quantiles), FP64.")]
    id: Annotated[str | UnsetType, Meta(description="Of the request.")] = UNSET
    parameters: Annotated[dict[str, str], Meta(description="quantiles: probabilities, parted by commas.")] = {}


class TensorKind(msgspec.Struct, frozen=True, kw_only=True):
    """What a tensor must be like."""

    name: Annotated[str, Meta(description="Its name.")]
    datatype: Annotated[str, Meta(description="Of its numbers.")]
    shape: Annotated[list[int], Meta(description="-1 for any length.")]


class ModelMetadata(msgspec.Struct, frozen=True, kw_only=True):
    """What a model is."""

    name: Annotated[str, Meta(description="Its name.")]
    versions: Annotated[list[str], Meta(description="The version that would answer.")]
    platform: Annotated[str, Meta(description="What runs it.")]
    inputs: Annotated[list[TensorKind], Meta(description="What it takes.")]
    outputs: Annotated[list[TensorKind], Meta(description="What it gives.")]


class ServerMetadata(msgspec.Struct, frozen=True, kw_only=True):
    """What the server is."""

    name: Annotated[str, Meta(description="foregate")]
    version: Annotated[str, Meta(description="Of the program.")]
    extensions: Annotated[list[str], Meta(description="None.")]


class ReadyAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whether it is ready; the protocol's documents call it now so, now so."""

    live: Annotated[bool, Meta(description="The same as ready.")]
    ready: Annotated[bool, Meta(description="Whether it answers.")]
    name: Annotated[str | UnsetType, Meta(description="Of the model.")] = UNSET


class LiveAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Whether it is alive."""

    live: Annotated[bool, Meta(description="True.")]


@routes.add("GET", "/v2", scope="read", answer=ServerMetadata)
async def oip_server(call: Call[None]) -> ServerMetadata:
    """What the server is."""
    return ServerMetadata(name="foregate", version=metadata.version("foregate"), extensions=[])


@routes.add("GET", "/v2/health/live", scope=PUBLIC, answer=LiveAnswer)
async def oip_live(call: Call[None]) -> LiveAnswer:
    """Whether the server is alive."""
    return LiveAnswer(live=True)


@routes.add("GET", "/v2/health/ready", scope=PUBLIC, answer=ReadyAnswer)
async def oip_ready(call: Call[None]) -> ReadyAnswer:
    """Whether the model answers that is asked where none is named."""
    await call.service.served.ready(call.service.settings.forecasts.model)
    return ReadyAnswer(live=True, ready=True)


@routes.add("GET", "/v2/models/{model}", scope="read", answer=ModelMetadata)
async def oip_model(call: Call[None]) -> ModelMetadata:
    """What a model is, by the version that is champion."""
    return _model(await _asked(call))


@routes.add("GET", "/v2/models/{model}/versions/{version}", scope="read", answer=ModelMetadata)
async def oip_version(call: Call[None]) -> ModelMetadata:
    """What a version of a model is."""
    return _model(await _asked(call))


@routes.add("GET", "/v2/models/{model}/ready", scope="read", answer=ReadyAnswer)
async def oip_model_ready(call: Call[None]) -> ReadyAnswer:
    """Whether a model answers."""
    return ReadyAnswer(live=True, ready=True, name=(await _asked(call)).version.model)


@routes.add("GET", "/v2/models/{model}/versions/{version}/ready", scope="read", answer=ReadyAnswer)
async def oip_version_ready(call: Call[None]) -> ReadyAnswer:
    """Whether a version of a model answers."""
    return ReadyAnswer(live=True, ready=True, name=(await _asked(call)).version.model)


EXAMPLES = {
    "two series": {
        "parameters": {"freq": "MS"},
        "inputs": [
            {"name": "horizon", "shape": [1], "datatype": "INT64", "data": [3]},
            {"name": "values", "shape": [2, 4], "datatype": "FP64", "data": [112, 118, None, 129, 5, 7, 6, 8]},
        ],
    }
}


@routes.add(
    "POST", "/v2/models/{model}/infer", scope="forecast", body=InferRequest, answer=InferAnswer, examples=EXAMPLES
)
async def oip_infer(call: Call[InferRequest]) -> InferAnswer:
    """Forecast by the champion of a model."""
    return await _infer(call)


@routes.add(
    "POST",
    "/v2/models/{model}/versions/{version}/infer",
    scope="forecast",
    body=InferRequest,
    answer=InferAnswer,
    examples=EXAMPLES,
)
async def oip_version_infer(call: Call[InferRequest]) -> InferAnswer:
    """Forecast by a version of a model."""
    return await _infer(call)


async def _infer(call: Call[InferRequest]) -> InferAnswer:
    """As the protocol wants it, what is wrong is also told as `error`."""
    try:
        asked = _request(call.body)
        ready = await _asked(call)
        said = await answer_to(call.service, ready, asked, call.deadline)
    except Problem as problem:
        raise Problem(
            problem.status, problem.slug, problem.detail, headers=problem.headers, error=problem.detail
        ) from None
    except ForegateError as error:
        raise Problem(422, "invalid-input", str(error), error=str(error)) from None
    values = np.array([each.values for each in said.forecasts])
    output = Tensor(name=FORECAST, shape=list(values.shape), datatype="FP64", data=values.ravel().tolist())
    return InferAnswer(
        model_name=said.model,
        model_version=str(said.version),
        outputs=[output],
        id=call.body.id,
        parameters={QUANTILES: ",".join(map(str, said.quantiles))},
    )


async def _asked(call: Call[Any]) -> Ready:
    version = call.path.get("version", "champion")
    return await call.service.served.ready(call.path["model"], int(version) if version.isdecimal() else version)


def _model(ready: Ready) -> ModelMetadata:
    kinds = ((VALUES, "FP64", [-1, -1]), (HORIZON, "INT64", [1]), (QUANTILES, "FP64", [-1]))
    return ModelMetadata(
        name=ready.version.model,
        versions=[str(ready.version.version)],
        platform="foregate_onnx",
        inputs=[TensorKind(name=name, datatype=kind, shape=shape) for name, kind, shape in kinds],
        outputs=[TensorKind(name=FORECAST, datatype="FP64", shape=[-1, -1, -1])],
    )


def _request(body: InferRequest) -> ForecastRequest:
    """The same, as `POST /v1/forecasts` has it.

    Raises:
        Problem: a tensor is not as it must be.
    """
    given = {tensor.name: tensor for tensor in body.inputs}
    unknown = sorted({*given} - {VALUES, HORIZON, QUANTILES} | {wish.name for wish in body.outputs} - {FORECAST})
    if unknown or VALUES not in given or len(given) < len(body.inputs):
        raise _wrong(f"inputs must be {VALUES}, {HORIZON} and {QUANTILES}, once each, and outputs {FORECAST}, but got "
                     f"{unknown or [tensor.name for tensor in body.inputs]}.")  # fmt: skip
    rows = _numbers(given[VALUES], FLOATS, 2)
    series = given[VALUES].shape[0]
    length = len(rows) // series if series else 0
    known: dict[str, Any] = {
        name: body.parameters[name] for name in ("freq", "season_length") if name in body.parameters
    }
    known[HORIZON] = _numbers(given[HORIZON], INTEGERS, 1)[0] if HORIZON in given else body.parameters.get(HORIZON)
    if QUANTILES in given:
        known[QUANTILES] = _numbers(given[QUANTILES], FLOATS, 1)
    known["histories"] = [{"values": rows[i * length : (i + 1) * length]} for i in range(series)]
    try:
        return msgspec.convert(known, ForecastRequest)
    except msgspec.ValidationError as error:
        raise _wrong(said_of(error, "what inputs and parameters say")) from None


def _numbers(tensor: Tensor, kinds: tuple[str, ...], axes: int) -> list[Any]:
    """The numbers of a tensor, row by row."""
    flat: list[Any] = tensor.data
    for _ in range(axes - 1):
        if flat and all(isinstance(each, list) for each in flat):
            flat = [number for each in flat for number in each]
    size = int(np.prod(tensor.shape, dtype=np.float64))
    if tensor.datatype not in kinds or len(tensor.shape) != axes or len(flat) != size or not size:
        raise _wrong(
            f"{tensor.name} must have {axes} axes, numbers of {' or '.join(kinds)} and as much data as its shape says, "
            f"but got {tensor.datatype:.20} {tensor.shape} and {len(flat)} numbers."
        )
    return flat


def _wrong(detail: str) -> Problem:
    return Problem(422, "invalid-input", detail)
