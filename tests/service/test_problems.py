"""Everything that goes wrong is told in one shape."""

import json

from foregate.service.problems import Problem


def test_a_problem_is_told_to_people_and_programs():
    """A problem has a type, a sentence, the request's id and further facts, as RFC 9457 says."""
    problem = Problem(409, "late", "time must come later.", headers={"Retry-After": "1"}, expected=5)
    answer = problem.response("r-1")
    assert answer.status_code == 409
    assert answer.media_type == "application/problem+json"
    assert answer.headers["retry-after"] == "1"
    told = json.loads(answer.body)
    assert told.pop("type").endswith("/late")
    assert told == {
        "title": "Conflict",
        "status": 409,
        "detail": "time must come later.",
        "request_id": "r-1",
        "expected": 5,
    }
