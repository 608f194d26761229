"""What `enrollment_mapping.map_record` does, as data."""

from __future__ import annotations

from integration.flows import enrollment_shape as shape
from integration.flows.enrollment_mapping import ASSET_SPEC, ASSET_TYPE, DEFAULT_ENROLLMENT_SOURCE
from integration.flows.mapping_declarations import BaseMapping, Kind, MappedField, Origin, TargetField, alike, texts


_CUSTOMER = ("cisPersonId", "cisAccountId", "name", "homePhone", "businessPhone", "email")
_LOCATION = (
    *("division", "cisPremiseId", "cisServicePointId", "timeZone", "address1"),
    *("city", "county", "state", "country", "postal"),
)
_ASSET = ("assetId", "badgeNo", "serialNo", "nicId", "headEndSystem")
_ASSETS = "assetInfo.assetList[]"
_LONGEST = shape.DEFAULT_LENGTH

MAPPING = BaseMapping(
    name="enrollment_request",
    flow="enrollment_request",
    title="Enrollment Request: record to X1-ProgramEnrollment",
    source="One record of the collection that DERMS sends",
    target="DACS X1-ProgramEnrollment, enrollProgram",
    fields=(
        MappedField(source="messageId", target="transactionId", origin=Origin.RENAMED),
        *alike("customerInfo", _CUSTOMER),
        *alike("programInfo", ("cisServiceAgreementId", "programCode")),
        MappedField(
            source="programInfo.startDateTimeISO",
            target="programInfo.startDate",
            origin=Origin.CONVERTED,
            note="The part before T: a date in the sender's zone, not shifted",
        ),
        *alike("locationInfo", _LOCATION),
        *alike("assetInfo", ("installationMethod", "assetOwnership")),
        *alike(_ASSETS, ("sequence", *_ASSET)),
        MappedField(
            source=f"{_ASSETS}.specification",
            target=f"{_ASSETS}.specification",
            origin=Origin.TRANSLATED,
            lookup=ASSET_SPEC,
        ),
        MappedField(
            source=f"{_ASSETS}.assetType", target=f"{_ASSETS}.assetType", origin=Origin.TRANSLATED, lookup=ASSET_TYPE
        ),
        MappedField(
            source="",
            target="enrollmentSource",
            origin=Origin.CONFIGURED,
            note=f"{DEFAULT_ENROLLMENT_SOURCE} when the connection's option send_enrollment_source is on",
        ),
    ),
    targets=(
        TargetField(path="transactionId", longest=shape.LENGTHS["messageId"], required=True, fixed=True),
        *texts("customerInfo", _CUSTOMER, longest=_LONGEST),
        *texts("programInfo", ("cisServiceAgreementId",), longest=_LONGEST),
        TargetField(path="programInfo.programCode", longest=shape.LENGTHS["programCode"], required=True),
        TargetField(path="programInfo.startDate", kind=Kind.DATE, required=True),
        TargetField(path="programInfo.endDate", kind=Kind.DATE),
        *texts("locationInfo", (*_LOCATION[:5], "address2", "address3", "address4", *_LOCATION[5:]), longest=_LONGEST),
        TargetField(path="assetInfo.installationMethod", required=True, choices=shape.INSTALLATION_METHODS),
        TargetField(path="assetInfo.assetOwnership", required=True, choices=shape.ASSET_OWNERSHIPS),
        TargetField(path=f"{_ASSETS}.sequence", kind=Kind.WHOLE_NUMBER),
        *texts(_ASSETS, (*_ASSET, "specification", "assetType"), longest=_LONGEST, lengths=shape.LENGTHS),
        TargetField(path="enrollmentSource", choices=("X1BY", "X1CC", "X1SS")),
    ),
    lists={"assetInfo.assetList": "assetInfo.assetList"},
    example={
        "messageId": "DRMS-ENR-000917",
        "drmsInstanceId": "NMS1",
        "customerInfo": {
            "cisPersonId": "5512034479",
            "cisAccountId": "9930118842",
            "name": "Rivera, Dana",
            "homePhone": "+1-650-555-0101",
            "businessPhone": "+1-650-555-0102",
            "email": "dana.rivera@example.org",
        },
        "programInfo": {
            "cisServiceAgreementId": "7710035521",
            "programCode": "SMART-COOL",
            "startDateTimeISO": "2023-06-05T00:00:00-07:00",
            "endDateTimeISO": "2024-06-05T00:00:00-07:00",
        },
        "locationInfo": {
            "division": "CA",
            "cisPremiseId": "3340098712",
            "cisServicePointId": "8874102236",
            "timeZone": "US/Pacific",
            "address1": "12 Alder Way",
            "address2": "Unit 4",
            "address3": "Rear building",
            "address4": "Gate B",
            "city": "Redwood City",
            "county": "San Mateo",
            "state": "CA",
            "country": "USA",
            "postal": "94061",
        },
        "assetInfo": {
            "installationMethod": "X1SI",
            "assetOwnership": "W1CO",
            "assetList": [
                {
                    "sequence": 1,
                    "assetId": "A-1",
                    "specification": "ECOBEE!EB-STATE5",
                    "assetType": "THERMOSTAT",
                    "badgeNo": "B-1",
                    "serialNo": "5112340987",
                    "nicId": "411912345678",
                    "headEndSystem": "ECOBEE",
                }
            ],
        },
    },
)
