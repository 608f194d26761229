"""What runs count, in words."""

from __future__ import annotations

from integration import count_words


def test_counts_have_labels_and_states_that_hold_nothing_are_left_out_in_one_order() -> None:
    counts = {"segments": 3, "PENDING": 0, "DONE": 3, "to_send": 0, "rows": 6, "not_known_here": 1}

    assert count_words.said(counts) == [
        ("Rows", 6),
        ("Segments", 3),
        ("Done", 3),
        ("To send", 0),
        ("Not known here", 1),
    ]
