"""Laws of attention by origin and lag."""

import numpy as np
import pytest
import torch

from foregate.inspection.attention import attention_of_subject, evenness
from foregate.models.attention import entropy
from foregate.pipeline.attention import attention_of
from tests.inspection.materials import panel_of, subject

WITH = ("dot+lookback=8", "multi-head+views=2+lookback=8", "seq2seq+additive+lookback=8", "general+each+lookback=8")


@pytest.mark.parametrize("label", WITH)
def test_the_newest_origin_is_that_of_the_forecast(label):
    """Weights at the last origin are those that the forecast after the end of each series looks with."""
    given = subject(label, panel_of(40, 9, 26), lags=5, rows=12)
    found = attention_of_subject(given)
    (one,) = found.looks
    here = [given.panel.ids.tolist().index(name) for name in found.ids.tolist()]
    expected = attention_of(given.fitted, given.panel)[here]
    np.testing.assert_allclose(one.weights[:, -1], expected, atol=1e-6)
    assert (found.origins[:, -1] == 0).all()
    np.testing.assert_allclose(np.nan_to_num(one.weights, nan=1 / 8).sum(-1), 1, rtol=1e-5)


@pytest.mark.parametrize("label", WITH)
def test_all_is_told(label):
    """Heads apart and together, by lag and origin, with pictures; what is looked at sums to 1 by lag."""
    found = attention_of_subject(subject(label, lags=5, rows=12))
    heads = found.looks[0].weights.shape[3]
    assert found.by_lag.height == 8 * (heads + 1)
    assert found.by_lag.filter(head=0)["weight"].sum() == pytest.approx(1, abs=1e-5)
    assert found.summary["head"].to_list() == ["all", *(str(i + 1) for i in range(heads))]
    assert found.summary["entropy"].is_between(0, 1 + 1e-6).all()
    assert found.by_origin["rows_back"].min() == 0
    assert all(picture.alternative and picture.table.height for picture in found.section().pictures)


def test_origins_have_seen_what_is_looked_back_on():
    """Weights on the few rows of a beginning are large for want of others, and are not shown where there is more."""
    panel = panel_of(60, 12, 5)
    found = attention_of_subject(subject("dot+lookback=8", panel, lags=2, rows=100))
    for name, origins in zip(found.ids.tolist(), found.origins, strict=True):
        length = int(panel.lengths[panel.ids.tolist().index(name)])
        rows_seen = length - origins[origins >= 0]
        assert rows_seen.min() == min(8, length // 2 + 1)
        assert rows_seen.max() == length


def test_covariates_that_are_known_ahead_move_the_origins_back():
    """Where a forecast needs the future, the last origin lies a horizon before the end."""
    given = subject("dot+lookback=6", panel_of(40, 30), columns=True, lags=5)
    found = attention_of_subject(given)
    assert (found.origins[:, -1] == given.fitted.horizon).all()
    assert np.isfinite(found.looks[0].weights[:, -1]).all()


def test_a_model_without_attention_has_none():
    """There is nothing to be told."""
    assert attention_of_subject(subject("lstm")) is None


def test_evenness_is_that_of_the_network():
    """The entropy that a loss may contain and the one that is shown are the same."""
    weights = torch.rand(5, 2, 7, generator=torch.Generator().manual_seed(0))
    weights[1, :, :4] = 0
    weights /= weights.sum(-1, keepdim=True)
    expected = entropy(weights, weights[:, 0] > 0)
    np.testing.assert_allclose(evenness(weights.numpy()), expected.numpy(), atol=1e-6)
