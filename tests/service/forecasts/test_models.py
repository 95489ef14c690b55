"""Laws of loaded versions."""

import subprocess
import sys

import pytest

from foregate import Forecaster
from foregate.core import ArtifactError, UsageError
from foregate.data import generate
from foregate.persistence.shipped import SHIPPED
from foregate.service.forecasts.models import KEPT, open_ready
from tests.service.forecasts.fakes import FakeVersion


def opened(folder):
    return open_ready(FakeVersion("m", 1, folder), folder)


def test_the_pretrained_network_serves_any_frequency():
    """Of a pretrained network there is a forecaster for every frequency and season, made once each."""
    ready = opened(SHIPPED / "tiny")
    assert ready.universal
    assert ready.fitted("h").spec.seasons == (24, 168)
    assert ready.fitted("h", 12).spec.seasons == (12, 1)
    assert ready.fitted("h", [12, 24]).spec.seasons == (12, 24)
    assert ready.fitted("MS") is ready.fitted("1mo")


def test_forecasters_that_are_kept_are_few():
    """Asking for ever new seasons does not fill the memory."""
    ready = opened(SHIPPED / "tiny")
    for season in range(2, 2 * KEPT):
        ready.fitted(1, season)
    assert len(ready._made) == KEPT


def test_an_instant_forecaster_is_universal(tmp_path):
    """A forecaster of effort instant that was saved serves any series, without what it read of its own."""
    Forecaster.pretrained(horizon=3).fit(generate(2, 60)).save(tmp_path / "m")
    ready = opened(tmp_path / "m")
    assert ready.universal
    assert (ready.fitted("h").calibration.factors == 1).all()


def test_a_trained_model_serves_its_frequency(trained):
    """A trained model forecasts series of the frequency that it was trained on, and no others."""
    ready = opened(trained)
    assert not ready.universal
    assert sorted(column.name for column in ready.columns) == ["open", "price", "shop"]
    assert ready.fitted("D", 12).spec.seasons == (7, 1)
    with pytest.raises(UsageError, match="freq must be 'D'"):
        ready.fitted("h")


@pytest.mark.parametrize("name", ["model.json", "weights.safetensors", "encoder.onnx"])
def test_what_is_damaged_is_not_loaded(tmp_path, name):
    """A file that is not as it was written is refused, whichever it is."""
    for file in (SHIPPED / "tiny").iterdir():
        content = bytearray(file.read_bytes())
        if file.name == name:
            content[len(content) // 2] ^= 1
        (tmp_path / file.name).write_bytes(content)
    with pytest.raises(ArtifactError):
        opened(tmp_path)


def test_serving_needs_no_torch():
    """Whatever answers requests is loaded without torch."""
    code = (
        "import sys; from foregate.service.forecasts import oip, routes, served, models; "
        "from foregate.persistence.shipped import SHIPPED; from types import SimpleNamespace; "
        "models.open_ready(SimpleNamespace(model='m', version=1), SHIPPED / 'tiny'); "
        "assert 'torch' not in sys.modules and 'polars' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
