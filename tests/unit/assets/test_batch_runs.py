"""What batches count is told in words."""

from __future__ import annotations

import pytest
from django.contrib import admin

from assets.models import BatchRun


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({}, "–"),
        ({"devices": 2, "score_cents": 3343, "EVENT_LIMIT_REACHED": 1},
         "Devices: 2, EVENT_LIMIT_REACHED: 1, Sum of scores: 33.43"),
        ({"rows": 2, "bytes": 310, "placed": "DACS_SFTP scores.csv"},
         "Rows: 2, Bytes: 310, Placed at: DACS_SFTP scores.csv"),
    ],
)  # fmt: skip
def test_counts_have_labels_and_scores_are_added_up_in_points(counts: dict[str, object], said: str) -> None:
    page = admin.site.get_model_admin(BatchRun)

    assert page.counts_in_words(BatchRun(counts=counts)) == said  # type: ignore[attr-defined]
