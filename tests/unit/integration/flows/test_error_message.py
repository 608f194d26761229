from __future__ import annotations

from typing import Any

import pytest

from integration.flows import error_message
from integration.flows.contract import MessageRefused


REPORT: dict[str, Any] = {
    "integrationName": "OU DERMS DACS Event Device Reserve",
    "integrationIdentifier": "OUTL_BA_DRMS_DACS_EVT_DVCRESV",
    "integrationVersion": "01.23.1000",
    "instanceId": "01HZX3",
    "faultType": "REMOTE",
    "faultCode": "503",
    "faultReason": "DACS is not accessible",
    "faultDetail": "…",
    "businessIdentifiers": {"messageId": "DRMS-RSV-20230601-0007", "eventId": "EVT-2023-0417"},
    "occurredAt": "2023-06-01T18:02:10Z",
}


class TestRead:
    def test_reads_the_guide_s_sample(self) -> None:
        read = error_message.read(REPORT)

        assert (read.faultType, read.faultCode, read.businessIdentifiers["eventId"]) == (
            "REMOTE",
            "503",
            "EVT-2023-0417",
        )
        assert read.occurred_at is not None
        assert read.occurred_at.isoformat() == "2023-06-01T18:02:10+00:00"

    @pytest.mark.parametrize(
        ("changes", "pointer"),
        [
            ({"faultType": "LOCAL"}, "/faultType"),
            ({"faultCode": 503}, "/faultCode"),
            ({"faultCode": ""}, "/faultCode"),
            ({"businessIdentifiers": []}, "/businessIdentifiers"),
            ({"occurredAt": "06-01-2023"}, "/occurredAt"),
        ],
    )
    def test_names_what_does_not_fit(self, changes: dict[str, Any], pointer: str) -> None:
        with pytest.raises(MessageRefused) as caught:
            error_message.read({**REPORT, **changes})

        assert [finding.pointer for finding in caught.value.findings] == [pointer]

    def test_names_what_is_missing(self) -> None:
        with pytest.raises(MessageRefused) as caught:
            error_message.read({name: value for name, value in REPORT.items() if name != "faultReason"})

        assert [(finding.pointer, finding.code) for finding in caught.value.findings] == [("/faultReason", "required")]
