"""What a finding says, and in which order."""

from foregate.inspection.finding import Finding, by_severity, findings_frame

FOUND = [
    Finding("quiet", "note", "All is well.", {"share": 0.123456}),
    Finding("loud", "problem", "It burns.", {"lags": [1, 2]}, "Run.", 'effort="best"'),
    Finding("odd", "warning", "It smokes."),
]


def test_the_worst_comes_first_and_equals_keep_their_order():
    """Problems stand before warnings, and those before notes."""
    assert [each.name for each in by_severity([*FOUND, Finding("next", "note", "And so is this.")])] == [
        "loud",
        "odd",
        "quiet",
        "next",
    ]


def test_text_and_table_say_the_same():
    """Evidence, advice and setting stand in both."""
    assert str(FOUND[1]) == 'problem: loud. It burns. (lags 1, 2) Run. Try effort="best".'
    frame = findings_frame(FOUND)
    assert frame["evidence"].to_list() == ["share 0.123", "lags 1, 2", ""]
    assert frame["setting"].to_list() == ["", 'effort="best"', ""]
