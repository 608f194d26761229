"""Device Status Check in plain Python: what DACS may send, and what DERMS gets."""

from __future__ import annotations

from typing import Any

import pytest

from integration.flows import dacs_messages, device_status_check
from integration.flows.contract import MessageRefused
from tests.unit.integration.flows import sync_samples as samples


class TestCheckStatus:
    def test_takes_the_sample_of_the_guide(self) -> None:
        message = dacs_messages.check_status(samples.status_check())

        assert (message.communication_id, message.division) == ("85810617092033", "CA")

    @pytest.mark.parametrize(
        ("changes", "expected"),
        [
            ({"communicationId": None}, [("/sendDetails/communicationId", "required")]),
            ({"communicationId": "1" * 31}, [("/sendDetails/communicationId", "max_length")]),
            ({"deviceInfo": None}, [("/sendDetails/deviceInfo", "required")]),
            ({"deviceInfo": []}, [("/sendDetails/deviceInfo", "invalid_type")]),
            ({"deviceInfo__nicId": ""}, [("/sendDetails/deviceInfo/nicId", "required")]),
            ({"deviceInfo__headEndSystem": "h" * 51}, [("/sendDetails/deviceInfo/headEndSystem", "max_length")]),
            ({"deviceInfo__division": 4}, [("/sendDetails/deviceInfo/division", "invalid_type")]),
        ],
    )
    def test_names_each_misfit_by_its_pointer(self, changes: dict[str, Any], expected: list[tuple[str, str]]) -> None:
        with pytest.raises(MessageRefused) as refused:
            dacs_messages.check_status(samples.status_check(**changes))

        assert [(finding.pointer, finding.code) for finding in refused.value.findings] == expected


class TestToDerms:
    def test_gives_what_the_guide_shows(self) -> None:
        message = dacs_messages.check_status(samples.status_check())

        assert device_status_check.to_derms(message, connection_id="NMS1_SITE_A") == samples.STATUS_CHECK_AT_DERMS
