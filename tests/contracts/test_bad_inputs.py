"""Every bad input gets exactly the message that the table promises."""

import pytest

from tests.contracts.bad_inputs import BAD_INPUTS, BadInput


@pytest.mark.parametrize("bad", BAD_INPUTS, ids=lambda bad: bad.name)
def test_message(bad: BadInput, tmp_path):
    """The error is of the promised type and says what was found, where, and what to do, to the letter."""
    source = bad.make(tmp_path)
    with pytest.raises(bad.error) as raised:
        bad.act(source, **bad.arguments)
    expected = bad.message.replace("{folder}", str(tmp_path)).replace("{folder.name}", tmp_path.name)
    assert str(raised.value) == expected


def test_names_are_unique():
    """Every row of the table has a name of its own."""
    names = [bad.name for bad in BAD_INPUTS]
    assert len(set(names)) == len(names)


def test_there_are_enough():
    """The table has at least forty rows."""
    assert len(BAD_INPUTS) >= 40
