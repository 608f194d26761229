"""What `sync_acknowledgement` does, as data."""

from __future__ import annotations

from integration.flows.mapping_declarations import BaseMapping, Kind, MappedField, Origin, TargetField, texts


_EXCEPTIONS = "exceptionInfo[]"
_PARAMETERS = "exceptionInfo[].messageParameters[]"
_EXTERNAL = "externalIds[]"

MAPPING = BaseMapping(
    name="enroll_sync_ack",
    flow="enroll_sync_ack",
    title="Enroll Sync Ack: acknowledgement to F1-SyncRequest",
    source="What the hub knows of the sync request: its id, the refusal of DERMS, subscription and DERMS instance",
    target="DACS F1-SyncRequest, F1-UpdateSyncRequest",
    fields=(
        MappedField(source="syncRequestId", target="syncRequestId", origin=Origin.COPIED),
        MappedField(
            source="errorText",
            target="hasError",
            origin=Origin.CONVERTED,
            note="True when DERMS refused it; whoever queues it, this flow or Enrollment Sync",
        ),
        MappedField(
            source="errorText",
            target=f"{_EXCEPTIONS}.comments",
            origin=Origin.CONVERTED,
            note="After 'DERMS: ', cut at 254 characters; without a refusal there is no exceptionInfo",
        ),
        MappedField(
            source="errorText",
            target=f"{_PARAMETERS}.messageParameterValue",
            origin=Origin.CONVERTED,
            note="Cut at 2000 characters",
        ),
        MappedField(source="", target=f"{_EXCEPTIONS}.sequence", origin=Origin.CONSTANT, note="1"),
        MappedField(source="", target=f"{_PARAMETERS}.parameterSequence", origin=Origin.CONSTANT, note="1"),
        MappedField(
            source="",
            target=f"{_EXCEPTIONS}.messageCategory",
            origin=Origin.CONFIGURED,
            note="Property dacs.sync.messageCategory",
        ),
        MappedField(
            source="",
            target=f"{_EXCEPTIONS}.messageNumber",
            origin=Origin.CONFIGURED,
            note="Property dacs.sync.messageNumber",
        ),
        MappedField(source="", target=f"{_EXTERNAL}.entity", origin=Origin.CONSTANT, note="DERMS-ENROLLMENT"),
        MappedField(
            source="drmsInstance",
            target=f"{_EXTERNAL}.externalPk1",
            origin=Origin.CONVERTED,
            note="instance:subscription, cut at 60 characters; with a refusal there are no externalIds",
        ),
        MappedField(source="subscriptionId", target=f"{_EXTERNAL}.externalPk1", origin=Origin.CONVERTED),
    ),
    targets=(
        TargetField(path="syncRequestId", longest=14, required=True, fixed=True),
        TargetField(path="hasError", kind=Kind.BOOLEAN, required=True, fixed=True),
        TargetField(path=f"{_EXCEPTIONS}.sequence", kind=Kind.WHOLE_NUMBER, required=True),
        TargetField(path=f"{_EXCEPTIONS}.messageCategory", kind=Kind.WHOLE_NUMBER, required=True),
        TargetField(path=f"{_EXCEPTIONS}.messageNumber", kind=Kind.WHOLE_NUMBER, required=True),
        TargetField(path=f"{_EXCEPTIONS}.comments", longest=254),
        TargetField(path=f"{_PARAMETERS}.parameterSequence", kind=Kind.WHOLE_NUMBER, required=True),
        TargetField(path=f"{_PARAMETERS}.messageParameterValue", longest=2000),
        *texts(_EXTERNAL, ("entity", *(f"externalPk{number}" for number in range(1, 6))), longest=60),
    ),
    lists={"exceptionInfo": "", "exceptionInfo[].messageParameters": "", "externalIds": ""},
    example={
        "syncRequestId": "15449036987849",
        "errorText": "CIS person 5512034479 is not known",
        "drmsInstance": "NMS1",
        "subscriptionId": "901245778310",
    },
)
