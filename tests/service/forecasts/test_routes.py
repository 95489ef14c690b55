"""Laws of `POST /v1/forecasts`."""

import numpy as np
import pytest

from foregate import load

VALUES = [float(100 + i % 24) for i in range(100)]
DAYS = {
    "values": [10.0 + i % 7 for i in range(30)],
    "start": "2024-03-01",
    "static": {"shop": "big"},
    "covariates": {"price": [1.5] * 30, "open": [1] * 30},
    "future": {"open": [1, 1, 0, 1]},
}


def ask(service, **body):
    return service.ask("POST", "/v1/forecasts", scope="forecast", json=body)


def test_an_answer_says_all_that_was_asked(service):
    """Series, steps and quantiles come in the order of the request, with times and the version that made them."""
    histories = [{"name": "a", "values": VALUES, "start": "2024-01-01"}, {"values": VALUES[:7]}]
    answer = ask(service, horizon=3, freq="h", level=[80], histories=histories)
    assert answer.status_code == 200
    told = answer.json()
    assert (told["model"], told["version"], told["quantiles"]) == ("pretrained", 1, [0.1, 0.5, 0.9])
    first, second = told["forecasts"]
    assert (first["series"], second["series"]) == ("a", "1")
    assert first["cutoff"] == "2024-01-05T03:00:00Z"
    assert first["times"] == [f"2024-01-05T0{hour}:00:00Z" for hour in (4, 5, 6)]
    assert "times" not in second
    assert np.array(first["values"]).shape == (3, 3)
    assert (np.diff(first["values"], axis=1) >= 0).all()


def test_the_season_follows_from_the_frequency(service):
    """Without a season length, that of the frequency is taken; another one is another forecast."""
    history = [{"values": VALUES}]
    usual = ask(service, horizon=24, freq="h", histories=history).json()["forecasts"]
    same = ask(service, horizon=24, freq="h", season_length=[24, 168], histories=history).json()["forecasts"]
    other = ask(service, horizon=24, freq="h", season_length=5, histories=history).json()["forecasts"]
    assert usual == same
    assert usual != other


def test_versions_and_aliases_are_asked_by_name(service):
    """A version is asked by its number or its alias, and the answer names its number."""
    said = {
        which: ask(service, horizon=1, version=which, histories=[{"values": VALUES}]).json()
        for which in (1, "champion", 2, "challenger")
    }
    assert [each["version"] for each in said.values()] == [1, 1, 2, 2]
    assert said[1] == said["champion"]
    assert said[2]["forecasts"] != said[1]["forecasts"]


def test_a_trained_model_is_told_its_covariates(service, registry, trained):
    """A model with covariates forecasts what the library forecasts by the same numbers."""
    import polars as pl

    registry.add("shops", trained, "champion")
    answer = ask(service, horizon=4, model="shops", quantiles=[0.5], histories=[DAYS])
    assert answer.status_code == 200, answer.text
    days = np.datetime64("2024-03-01") + np.arange(34)
    table = pl.DataFrame(
        {
            "unique_id": ["x"] * 34,
            "ds": days,
            "y": [*DAYS["values"], *[None] * 4],
            "shop": ["big"] * 34,
            "price": [*[1.5] * 30, *[None] * 4],
            "open": [*[1.0] * 30, 1.0, 1.0, 0.0, 1.0],
        }
    )
    own = load(trained, runtime="onnx").predict(table)["LSTM"].to_numpy()
    np.testing.assert_allclose(np.array(answer.json()["forecasts"][0]["values"])[:, 0], own, rtol=1e-5)


@pytest.mark.parametrize(
    ("status", "said", "body"),
    [
        (422, "one of the two", {}),
        (422, "one of the two", {"histories": [{"values": [1]}], "series": ["a"]}),
        (422, "not both", {"histories": [{"values": [1]}], "quantiles": [0.5], "level": [80]}),
        (422, "horizon must be at most 1,024", {"histories": [{"values": [1]}], "horizon": 1025}),
        (422, "horizon", {"histories": [{"values": [1]}], "horizon": 0}),
        (422, "series must be at most 1,024", {"histories": [{"values": [1]}] * 1025}),
        (422, "rows of history must be at most", {"histories": [{"values": [1] * 100_001}] * 2}),
        (422, "quantiles must be at most 500,000", {
            "histories": [{"values": [1]}] * 1000, "horizon": 1000, "quantiles": [0.5]}),
        (422, "rows must be at most 200,000", {
            "freq": "min", "histories": [{"values": [1, 2], "times": ["2024-01-01", "2024-04-01"]}] * 3}),
        (422, "observed value", {"histories": [{"values": [None]}]}),
        (422, "freq must be", {"histories": [{"values": [1]}], "freq": "fortnight"}),
        (422, "freq must be", {"histories": [{"values": [1]}], "freq": ""}),
        (422, "freq must be", {"histories": [{"values": [1]}], "freq": "0"}),
        (422, "freq must be `int` >= 1", {"histories": [{"values": [1]}], "freq": 0}),
        (422, "seasons must be", {"histories": [{"values": [1]}], "season_length": [24, 12]}),
        (422, "only fields of the API document", {"histories": [{"values": [1], "colour": "red"}]}),
        (422, "none, but got 'x'", {"histories": [{"values": [1], "static": {"x": 1}}]}),
        (404, "version", {"histories": [{"values": [1]}], "version": 99}),
        (404, "", {"histories": [{"values": [1]}], "model": "nobody"}),
        (422, "model", {"histories": [{"values": [1]}], "model": "../x"}),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_is_refused(service, status, said, body):
    """Whatever is wrong is told in one shape, with what must be."""
    answer = ask(service, **{"horizon": 2} | body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert said in answer.json()["detail"]


def test_many_series_come_in_order(service):
    """A request of more series than are computed at once is answered whole and in order."""
    histories = [{"values": VALUES, "name": f"s{i}"} for i in range(200)]
    told = ask(service, horizon=24, freq="h", histories=histories).json()["forecasts"]
    assert [each["series"] for each in told] == [f"s{i}" for i in range(200)]
    batches = service.service.metrics.registry.get_sample_value("foregate_inference_batch_size_count")
    assert batches > 1


def test_the_scope_is_needed(service):
    """Who may only read may not ask for forecasts."""
    answer = service.ask("POST", "/v1/forecasts", scope="read", json={"horizon": 1, "histories": [{"values": [1]}]})
    assert answer.status_code == 403


def test_a_large_answer_is_the_same(service):
    """An answer that is written beside the event loop has the same form."""
    histories = [{"values": VALUES}] * 30
    answer = ask(service, horizon=100, freq="h", quantiles=[i / 10 for i in range(1, 10)], histories=histories)
    assert answer.headers["content-type"] == "application/json"
    assert len(answer.json()["forecasts"]) == 30
