"""What the mappings of reservations, cancellations and outcomes do, as data."""

from __future__ import annotations

from integration.flows.cancel_mapping import LENGTHS, MAX_CANCEL_MESSAGE
from integration.flows.mapping_declarations import ROWS, BaseMapping, Kind, MappedField, Origin, TargetField
from integration.flows.outcome_mapping import EVENT_OUTCOME, MAX_ERROR_MESSAGE
from integration.flows.reservation_mapping import EVENT_TYPE


_ROW = f"{ROWS}[]"
_EVENT = LENGTHS["eventId"]

RESERVATION = BaseMapping(
    name="event_device_reservation",
    flow="event_device_reservation",
    title="Event Device Reservation: segment to reserveDevice",
    source="The JSON part of DERMS's message, and the rows of its file",
    target="DACS X1-ProgramEventParticipation, reserveDevice",
    fields=(
        MappedField(source="eventId", target="eventExternalIdentifier", origin=Origin.RENAMED),
        MappedField(source="eventType", target="eventType", origin=Origin.TRANSLATED, lookup=EVENT_TYPE),
        MappedField(
            source="eventStartDateTime", target="eventStartDateTime", origin=Origin.CONVERTED, note="In true UTC"
        ),
        MappedField(source="eventEndDateTime", target="eventEndDateTime", origin=Origin.CONVERTED, note="In true UTC"),
        MappedField(source=f"{_ROW}.nicId", target="deviceList[].nicId", origin=Origin.COPIED),
        MappedField(source=f"{_ROW}.headEndSystemId", target="deviceList[].headEndSystem", origin=Origin.RENAMED),
        MappedField(
            source=f"{_ROW}.reservationStartDateTime",
            target="deviceList[].reservationStartDateTime",
            origin=Origin.CONVERTED,
            note="In true UTC; left out when empty, which means the event's",
        ),
        MappedField(
            source=f"{_ROW}.reservationEndDateTime",
            target="deviceList[].reservationEndDateTime",
            origin=Origin.CONVERTED,
            note="In true UTC; left out when empty, which means the event's",
        ),
    ),
    targets=(
        TargetField(path="eventExternalIdentifier", longest=_EVENT, required=True, fixed=True),
        TargetField(path="eventType", longest=30, required=True),
        TargetField(path="eventStartDateTime", kind=Kind.INSTANT, required=True),
        TargetField(path="eventEndDateTime", kind=Kind.INSTANT, required=True),
        TargetField(path="deviceList[].nicId", longest=100, required=True, fixed=True),
        TargetField(path="deviceList[].headEndSystem", longest=50, required=True, fixed=True),
        TargetField(path="deviceList[].reservationStartDateTime", kind=Kind.INSTANT),
        TargetField(path="deviceList[].reservationEndDateTime", kind=Kind.INSTANT),
    ),
    lists={"deviceList": ROWS},
    example={
        "drmsInstanceId": "NMS1",
        "messageId": "DRMS-RSV-20230601-0007",
        "eventId": "EVT-2023-0417",
        "eventType": "ECONOMIC",
        "eventStatus": "SCHEDULED",
        "eventStartDateTime": "2023-06-02T00:00:00Z",
        "eventEndDateTime": "2023-06-02T03:00:00Z",
        "fileName": "EVT-2023-0417_RSV.csv",
        "recordCount": 1,
    },
    rows=(
        {
            "recordId": "1",
            "nicId": "411912345678",
            "headEndSystemId": "ECOBEE",
            "reservationStartDateTime": "2023-06-02T00:00:00Z",
            "reservationEndDateTime": "2023-06-02T02:00:00Z",
        },
    ),
)

CANCELLATION = BaseMapping(
    name="pre_event_cancel",
    flow="pre_event_cancel",
    title="Pre-Event Cancel: cancellation to preEventCancellation",
    source="The message that DERMS sends",
    target="DACS X1-ProgramEventParticipation, preEventCancellation",
    fields=(
        MappedField(source="eventId", target="eventExternalIdentifier", origin=Origin.RENAMED),
        MappedField(
            source="cancellationMessageText",
            target="cancelMessage",
            origin=Origin.CONVERTED,
            note=f"Cut at {MAX_CANCEL_MESSAGE} characters; left out when empty",
        ),
    ),
    targets=(
        TargetField(path="eventExternalIdentifier", longest=_EVENT, required=True, fixed=True),
        TargetField(path="cancelMessage", longest=MAX_CANCEL_MESSAGE),
    ),
    example={
        "drmsInstanceId": "NMS1",
        "messageId": "DRMS-CAN-20230601-0002",
        "eventId": "EVT-2023-0417",
        "cancellationMessageText": "Pre-empted by emergency event EVT-2023-0419",
    },
)

_ITEM = "postOutcomeList[]"
OUTCOME = BaseMapping(
    name="event_outcome",
    flow="event_outcome",
    title="Event Outcome: segment to postEventOutcome",
    source="The JSON part of DERMS's message, and the rows of its file",
    target="DACS X1-ProgramEventParticipation, postEventOutcome",
    fields=(
        MappedField(
            source=f"{_ROW}.eventId",
            target="eventExternalIdentifier",
            origin=Origin.RENAMED,
            note="Releases before 24C: one call per event of a segment",
        ),
        MappedField(
            source=f"{_ROW}.eventId",
            target=f"{_ITEM}.eventExternalIdentifier",
            origin=Origin.RENAMED,
            note="From 24C on: in each item",
        ),
        MappedField(source=f"{_ROW}.nicId", target=f"{_ITEM}.nicId", origin=Origin.COPIED),
        MappedField(source=f"{_ROW}.headEndSystemId", target=f"{_ITEM}.headEndSystem", origin=Origin.RENAMED),
        MappedField(
            source=f"{_ROW}.eventOutcome", target=f"{_ITEM}.outcome", origin=Origin.TRANSLATED, lookup=EVENT_OUTCOME
        ),
        MappedField(
            source=f"{_ROW}.participationStartDateTime",
            target=f"{_ITEM}.participationStartDateTime",
            origin=Origin.CONVERTED,
            note="In true UTC; left out when empty",
        ),
        MappedField(
            source=f"{_ROW}.participationEndDateTime",
            target=f"{_ITEM}.participationEndDateTime",
            origin=Origin.CONVERTED,
            note="In true UTC; left out when empty",
        ),
        MappedField(
            source=f"{_ROW}.errorMessage",
            target=f"{_ITEM}.errorMessage",
            origin=Origin.CONVERTED,
            note=f"Cut at {MAX_ERROR_MESSAGE} characters; left out for the successful outcome",
        ),
    ),
    targets=(
        TargetField(path="eventExternalIdentifier", longest=_EVENT, fixed=True),
        TargetField(path=f"{_ITEM}.eventExternalIdentifier", longest=_EVENT, fixed=True),
        TargetField(path=f"{_ITEM}.nicId", longest=100, required=True, fixed=True),
        TargetField(path=f"{_ITEM}.headEndSystem", longest=50, required=True, fixed=True),
        TargetField(path=f"{_ITEM}.outcome", longest=30, required=True),
        TargetField(path=f"{_ITEM}.participationStartDateTime", kind=Kind.INSTANT),
        TargetField(path=f"{_ITEM}.participationEndDateTime", kind=Kind.INSTANT),
        TargetField(path=f"{_ITEM}.errorMessage", longest=MAX_ERROR_MESSAGE),
    ),
    lists={"postOutcomeList": ROWS},
    example={
        "drmsInstanceId": "NMS1",
        "messageId": "DRMS-OUT-20230602-0001",
        "fileName": "OUTCOME_20230602.csv",
        "recordCount": 1,
        "reportStartDateTime": "2023-06-02T00:00:00Z",
        "reportEndDateTime": "2023-06-02T03:00:00Z",
    },
    rows=(
        {
            "recordId": "1",
            "eventId": "EVT-2023-0417",
            "nicId": "411912345678",
            "headEndSystemId": "ECOBEE",
            "eventOutcome": "3",
            "participationStartDateTime": "2023-06-02T00:00:00Z",
            "participationEndDateTime": "2023-06-02T00:41:00Z",
            "errorMessage": "Customer override",
        },
    ),
)
