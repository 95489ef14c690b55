"""Laws of the Open Inference Protocol adapter."""

import numpy as np
import pytest

ROWS = [[112.0, 118.0, None, 129.0], [5.0, 7.0, 6.0, 8.0]]


def infer(service, inputs, path="/v2/models/pretrained/infer", **more):
    return service.ask("POST", path, scope="forecast", json={"inputs": inputs, **more})


def tensor(name, shape, kind, data):
    return {"name": name, "shape": shape, "datatype": kind, "data": data}


VALUES = tensor("values", [2, 4], "FP64", [x for row in ROWS for x in row])
HORIZON = tensor("horizon", [1], "INT64", [3])


@pytest.mark.parametrize("data", [VALUES["data"], ROWS])
def test_it_says_what_forecasts_say(service, data):
    """A tensor of histories gives the numbers of `POST /v1/forecasts`, flat or nested."""
    inputs = [VALUES | {"data": data}, HORIZON, tensor("quantiles", [2], "FP32", [0.25, 0.75])]
    answer = infer(service, inputs, id="7", parameters={"freq": "MS"}).json()
    body = {"horizon": 3, "freq": "MS", "quantiles": [0.25, 0.75], "histories": [{"values": row} for row in ROWS]}
    own = service.ask("POST", "/v1/forecasts", scope="forecast", json=body).json()
    (output,) = answer["outputs"]
    assert (output["name"], output["shape"], output["datatype"]) == ("forecast", [2, 3, 2], "FP64")
    assert output["data"] == np.array([each["values"] for each in own["forecasts"]]).ravel().tolist()
    assert (answer["id"], answer["model_version"], answer["parameters"]) == ("7", "1", {"quantiles": "0.25,0.75"})


def test_a_version_can_be_asked(service):
    """A version in the path is the one that answers."""
    answer = infer(service, [VALUES, HORIZON], "/v2/models/pretrained/versions/2/infer")
    assert answer.json()["model_version"] == "2"


@pytest.mark.parametrize(
    ("inputs", "parameters", "said"),
    [
        ([HORIZON], {}, "inputs must be"),
        ([VALUES, VALUES, HORIZON], {}, "once each"),
        ([VALUES, HORIZON, tensor("other", [1], "FP64", [1])], {}, "other"),
        ([VALUES | {"shape": [2, 5]}, HORIZON], {}, "as much data"),
        ([VALUES | {"shape": [8]}, HORIZON], {}, "2 axes"),
        ([VALUES | {"shape": [0, 4], "data": []}, HORIZON], {}, "as much data"),
        ([VALUES | {"datatype": "BYTES"}, HORIZON], {}, "FP64"),
        ([VALUES | {"data": ["x"] * 8}, HORIZON], {}, "must be `float | null`"),
        ([VALUES | {"data": [[[1]]] * 8}, HORIZON], {}, "must be `float | null`"),
        ([VALUES], {}, "horizon"),
        ([VALUES], {"horizon": "3"}, "horizon"),
        ([VALUES, HORIZON], {"freq": "fortnight"}, "freq must be"),
    ],
)
def test_what_is_wrong_is_told_as_error(service, inputs, parameters, said):
    """What cannot be answered is told in the shape of the service, with the protocol's `error`."""
    answer = infer(service, inputs, parameters=parameters)
    assert answer.status_code == 422
    assert said in answer.json()["error"]


def test_platforms_find_what_they_look_for(service):
    """Health needs no key; metadata say what to send."""
    assert service.ask("GET", "/v2/health/live").json() == {"live": True}
    assert service.ask("GET", "/v2/health/ready").json() == {"live": True, "ready": True}
    assert service.ask("GET", "/v2", scope="read").json()["name"] == "foregate"
    for path in ("/v2/models/pretrained", "/v2/models/pretrained/versions/1"):
        told = service.ask("GET", path, scope="read").json()
        assert (told["name"], told["versions"]) == ("pretrained", ["1"])
        assert {each["name"] for each in told["inputs"]} == {"values", "horizon", "quantiles"}
        assert service.ask("GET", f"{path}/ready", scope="read").json()["ready"] is True
    assert service.ask("GET", "/v2/models/nobody/ready", scope="read").status_code == 404
