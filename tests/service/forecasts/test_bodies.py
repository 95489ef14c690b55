"""Laws of what is asked and answered."""

import msgspec
import pytest

from foregate.service.forecasts import oip, routes
from foregate.service.forecasts.bodies import ForecastAnswer, ForecastRequest


@pytest.mark.parametrize(
    "example",
    [each for endpoint in (*routes.routes.endpoints, *oip.routes.endpoints) for each in endpoint.examples.items()],
    ids=lambda example: example[0],
)
def test_examples_are_what_they_show(example):
    """Every example of the API document can be sent as it is."""
    kind = oip.InferRequest if "inputs" in example[1] else ForecastRequest
    assert msgspec.convert(example[1], kind)


@pytest.mark.parametrize("kind", [ForecastRequest, ForecastAnswer, oip.InferRequest, oip.InferAnswer])
def test_every_field_is_explained(kind):
    """The API document says of every field what it means."""
    _, components = msgspec.json.schema_components([kind])
    for name, schema in components.items():
        for field, said in schema["properties"].items():
            assert "description" in said or "$ref" in said, (name, field)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e999", '"5"', "true", "[1]", "{}"])
def test_what_is_no_number_is_no_value(value):
    """Values are numbers that JSON knows, or null."""
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(f'{{"horizon": 1, "histories": [{{"values": [{value}]}}]}}', type=ForecastRequest)
