"""What `device_status_check.to_derms` and `device_status_answer.to_dacs` do, as data."""

from __future__ import annotations

from integration.flows.base_mappings.enrollment_sync import CONNECTION_ID, ROUTING
from integration.flows.dacs_messages import CHECK_LENGTHS, CHECKED_DEVICE_LENGTHS
from integration.flows.device_status_answer import RESULTS
from integration.flows.mapping_declarations import BaseMapping, MappedField, Origin, TargetField, alike, texts


CHECK = BaseMapping(
    name="device_status_check",
    flow="device_status_check",
    title="Device Status Check: question to DERMS",
    source="The sendDetails of DACS's message X1-CTRLDVCS",
    target="DERMS /status-check",
    fields=(
        MappedField(source="communicationId", target="dacsMessageId", origin=Origin.RENAMED),
        *alike("deviceInfo", tuple(CHECKED_DEVICE_LENGTHS)),
        MappedField(source="deviceInfo.division", target=CONNECTION_ID, origin=Origin.TRANSLATED, lookup=ROUTING),
    ),
    targets=(
        TargetField(path="dacsMessageId", longest=CHECK_LENGTHS["communicationId"], required=True, fixed=True),
        *texts("deviceInfo", tuple(CHECKED_DEVICE_LENGTHS), lengths=CHECKED_DEVICE_LENGTHS),
        TargetField(path=CONNECTION_ID, longest=120, required=True),
    ),
    example={
        "communicationId": "85810617092033",
        "deviceInfo": {
            "division": "CA",
            "deviceType": "SMART-THERMOSTAT",
            "specification": "ECOBEE-SMART5",
            "headEndSystem": "ECOBEE",
            "nicId": "411912345678",
        },
    },
)

ANSWER = BaseMapping(
    name="device_status_ack",
    flow="device_status_ack",
    title="Device Status Ack: answer to X1-CtrlDvcStatusCheckResp",
    source="The answer that DERMS sends",
    target="DACS X1-CtrlDvcStatusCheckResp",
    fields=(
        MappedField(source="dacsMessageId", target="responseDetail.transactionID", origin=Origin.RENAMED),
        MappedField(source="responseCode", target="responseDetail.result.status", origin=Origin.RENAMED),
    ),
    targets=(
        TargetField(
            path="responseDetail.transactionID", longest=CHECK_LENGTHS["communicationId"], required=True, fixed=True
        ),
        TargetField(path="responseDetail.result.status", required=True, choices=RESULTS),
    ),
    example={"dacsMessageId": "85810617092033", "responseCode": "SUCCESS"},
)
