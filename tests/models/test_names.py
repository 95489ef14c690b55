"""Names of parts are in one table each, which can be read without torch."""

from typing import get_args

from foregate.models import names
from foregate.models.attention import make_attention


def test_names_are_those_of_the_types():
    """Every name that a type allows has a line in its table, and no other."""
    assert tuple(names.ATTENTIONS) == get_args(names.AttentionName)
    assert tuple(names.HEADS) == get_args(names.HeadName)
    assert tuple(names.POINT_LOSSES) == get_args(names.PointLoss)


def test_every_name_has_its_part():
    """Whatever is listed can be made, and is something of its own."""
    made = {type(make_attention(name, 8)) for name in names.ATTENTIONS}
    assert len(made) == len(names.ATTENTIONS)
