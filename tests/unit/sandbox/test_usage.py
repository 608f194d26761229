from __future__ import annotations

from typing import Any

import pytest
import requests

from sandbox.dacs import Dacs
from tests.unit.sandbox.conftest import Serve


HEADING: dict[str, Any] = {
    "usage_transaction": "UT-1",
    "usage_subscription": "US-1",
    "service_point": "SP-1",
    "start": "2024-03-01T05:00:00Z",
    "end": "2024-04-01T04:00:00Z",
}
TAKES = {"usage-transactions": ("usage", "totals"), "usage-corrections": ("usageCorrections", "new_totals")}


@pytest.fixture
def dacs(serve: Serve) -> str:
    return serve(Dacs()).url


def state(url: str) -> dict[str, Any]:
    return requests.get(f"{url}/_control/state", timeout=5).json()


@pytest.mark.parametrize("path", TAKES)
class TestUsage:
    def test_is_kept_once_per_idempotency_key(self, dacs: str, path: str) -> None:
        kept, totals = TAKES[path]
        document = {**HEADING, totals: [{"total": 24}]}

        answers = [
            requests.post(f"{dacs}/{path}", json=document, headers={"Idempotency-Key": "U-1"}, timeout=5)
            for _ in range(2)
        ]

        assert [answer.status_code for answer in answers] == [201, 201]
        assert state(dacs)[kept] == {"UT-1": [document]}

    def test_without_its_totals_is_refused(self, dacs: str, path: str) -> None:
        answer = requests.post(f"{dacs}/{path}", json=HEADING, timeout=5)

        assert answer.status_code == 400
        assert state(dacs)[TAKES[path][0]] == {}

    def test_is_forgotten_at_a_reset(self, dacs: str, path: str) -> None:
        kept, totals = TAKES[path]
        requests.post(f"{dacs}/{path}", json={**HEADING, totals: []}, timeout=5)

        requests.post(f"{dacs}/_control/reset", timeout=5)

        assert state(dacs)[kept] == {}
