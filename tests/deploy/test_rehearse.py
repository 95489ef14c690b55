"""Building the image without a container engine: the steps are those of the Dockerfile."""

import pytest

from deploy import rehearse
from tests.house import REPOSITORY

SMALL = """
# said of nothing
FROM python:3.11-slim AS base
RUN one \\
 && two
ENV PATH=/opt/bin:$PATH \\
    A=1
USER 5:5
FROM base AS top
COPY --from=base /a /b
ENV A=2
CMD ["go"]
"""


def test_stages_are_read_as_they_stand():
    """Lines that go on are joined, comments are none, and a stage has what the one below it said."""
    found = rehearse.stages(SMALL)
    assert found["base"].steps == [("RUN", "one && two")]
    assert found["base"].environment["A"] == "1"
    assert found["base"].environment["PATH"].startswith("/opt/bin:/usr/local/bin")
    assert found["top"].steps == [("COPY", "--from=base /a /b")]
    assert found["top"].environment["A"] == "2"
    assert found["top"].said == {"USER": "5:5", "CMD": '["go"]'}


def test_nothing_comes_before_a_stage():
    """A step outside of a stage is refused."""
    with pytest.raises(SystemExit, match="must follow FROM"):
        rehearse.stages("RUN one two")


def test_every_instruction_is_known():
    """The Dockerfile has no instruction that a rehearsal would leave out without saying so."""
    known = {"USER", "WORKDIR", "ENTRYPOINT", "CMD", "VOLUME"}
    ignored = {"STOPSIGNAL", "EXPOSE", "HEALTHCHECK"}
    for stage in rehearse.stages((REPOSITORY / "deploy" / "Dockerfile").read_text()).values():
        assert set(stage.said) <= known | ignored
