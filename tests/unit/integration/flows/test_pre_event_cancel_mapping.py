"""The map of a cancellation, in the guide's own shapes, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from integration.flows import cancel_mapping
from integration.flows.contract import MessageRefused


REQUEST = {
    "drmsInstanceId": "NMS1",
    "messageId": "DRMS-CAN-20230601-0002",
    "eventId": "EVT-2023-0417",
    "cancellationMessageText": "Pre-empted by emergency event EVT-2023-0419",
}


def test_gives_the_request_of_the_guide() -> None:
    assert cancel_mapping.map_request(cancel_mapping.check_request(REQUEST)) == {
        "eventExternalIdentifier": "EVT-2023-0417",
        "cancelMessage": "Pre-empted by emergency event EVT-2023-0419",
    }


@pytest.mark.parametrize(("length", "sent", "cut"), [(99, 99, False), (100, 100, False), (101, 100, True)])
def test_sends_at_most_100_characters(length: int, sent: int, cut: bool) -> None:
    request = cancel_mapping.check_request({**REQUEST, "cancellationMessageText": "ü" * length})

    assert cancel_mapping.map_request(request)["cancelMessage"] == "ü" * sent
    assert request.cut is cut
    assert request.text == "ü" * length


@pytest.mark.parametrize("text", [None, "", "   "])
def test_leaves_an_empty_text_out(text: str | None) -> None:
    request = cancel_mapping.check_request({**REQUEST, "cancellationMessageText": text})

    assert cancel_mapping.map_request(request) == {"eventExternalIdentifier": "EVT-2023-0417"}


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"eventId": None}, "/eventId", "required"),
        ({"eventId": "  "}, "/eventId", "required"),
        ({"eventId": "E" * 121}, "/eventId", "max_length"),
        ({"messageId": 7}, "/messageId", "invalid_type"),
        ({"drmsInstanceId": ""}, "/drmsInstanceId", "required"),
        ({"cancellationMessageText": ["no"]}, "/cancellationMessageText", "invalid_type"),
        ({"eventId": "E\x00"}, "/eventId", "invalid"),
    ],
)
def test_refuses_with_the_pointer_of_what_does_not_fit(change: dict[str, Any], pointer: str, code: str) -> None:
    with pytest.raises(MessageRefused) as refused:
        cancel_mapping.check_request({**REQUEST, **change})

    assert [(finding.pointer, finding.code) for finding in refused.value.findings] == [(pointer, code)]


def test_names_every_misfit_at_once() -> None:
    with pytest.raises(MessageRefused) as refused:
        cancel_mapping.check_request({"messageId": "M-1"})

    assert [finding.pointer for finding in refused.value.findings] == ["/drmsInstanceId", "/eventId"]
    assert refused.value.message_id == "M-1"


@pytest.mark.parametrize("document", [None, [], "text", 7])
def test_refuses_what_is_no_object(document: Any) -> None:
    with pytest.raises(MessageRefused, match="no object"):
        cancel_mapping.check_request(document)


def test_the_digest_tells_another_text_apart() -> None:
    other = cancel_mapping.check_request({**REQUEST, "cancellationMessageText": "Another reason"})

    assert other.digest != cancel_mapping.check_request(REQUEST).digest
