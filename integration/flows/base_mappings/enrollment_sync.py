"""What `enrollment_sync_mapping.map_sync` does, as data."""

from __future__ import annotations

from integration.flows import dacs_messages as payload
from integration.flows.enrollment_sync_mapping import DEVICE_LOCATION_STATUS
from integration.flows.mapping_declarations import BaseMapping, Kind, MappedField, Origin, TargetField, alike, texts


ROUTING = "OUTL-BRT-DACS_DRMS_Routing"
_DEVICES = "locationInfo.controllableDevices[]"
_DEVICE = ("deviceId", "deviceType", "specification", "nicId", "headEndSystem")
CONNECTION_ID = "connectivityProperties.plugin.connectionId"

MAPPING = BaseMapping(
    name="enrollment_sync",
    flow="enrollment_sync",
    title="Enrollment Sync: subscription to DERMS",
    source="The sendDetails of DACS's message X1-NMSDASMSG",
    target="DERMS /enroll",
    fields=(
        MappedField(source="syncRequestId", target="dacsMessageId", origin=Origin.RENAMED),
        MappedField(source="contactInfo.*", target="contactInfo.*", origin=Origin.COPIED),
        MappedField(
            source="subscriptionInfo.startDateTime", target="subscriptionInfo.startDateTimeISO", origin=Origin.RENAMED
        ),
        MappedField(
            source="subscriptionInfo.endDateTime", target="subscriptionInfo.endDateTimeISO", origin=Origin.RENAMED
        ),
        MappedField(source="subscriptionInfo.*", target="subscriptionInfo.*", origin=Origin.COPIED),
        *alike(_DEVICES, _DEVICE),
        MappedField(
            source=f"{_DEVICES}.deviceLocationStatus",
            target=f"{_DEVICES}.deviceLocationStatus",
            origin=Origin.TRANSLATED,
            lookup=DEVICE_LOCATION_STATUS,
            note="What the lookup does not hold is passed on as it is",
        ),
        *alike(_DEVICES, ("removalDateTime",)),
        MappedField(
            source="locationInfo.*",
            target="locationInfo.*",
            origin=Origin.COPIED,
            note="Of controllableDevices only the elements that are named here",
        ),
        MappedField(source="locationInfo.division", target=CONNECTION_ID, origin=Origin.TRANSLATED, lookup=ROUTING),
    ),
    targets=(
        TargetField(path="dacsMessageId", longest=payload.SYNC_LENGTHS["syncRequestId"], required=True, fixed=True),
        *texts("contactInfo", tuple(payload.CONTACT_LENGTHS), lengths=payload.CONTACT_LENGTHS),
        *texts("subscriptionInfo", tuple(payload.SUBSCRIPTION_LENGTHS), lengths=payload.SUBSCRIPTION_LENGTHS),
        TargetField(path="subscriptionInfo.startDateTimeISO", kind=Kind.INSTANT),
        TargetField(path="subscriptionInfo.endDateTimeISO", kind=Kind.INSTANT),
        *texts("locationInfo", tuple(payload.LOCATION_LENGTHS), lengths=payload.LOCATION_LENGTHS),
        *texts(_DEVICES, tuple(payload.DEVICE_LENGTHS), lengths=payload.DEVICE_LENGTHS),
        TargetField(path=f"{_DEVICES}.installDateTime", kind=Kind.INSTANT),
        TargetField(path=f"{_DEVICES}.removalDateTime", kind=Kind.INSTANT),
        TargetField(path=CONNECTION_ID, longest=120, required=True),
    ),
    lists={"locationInfo.controllableDevices": "locationInfo.controllableDevices"},
    example={
        "syncRequestId": "15449036987849",
        "contactInfo": {"contactId": "330017745120", "cisPersonId": "5512034479"},
        "subscriptionInfo": {
            "subscriptionId": "901245778310",
            "cisAccountId": "9930118842",
            "subscriptionType": "DR-RES",
            "status": "ACTIVE",
            "programId": "PRG000000112",
            "programCode": "SMART-COOL",
            "startDateTime": "2023-06-05T07:00:00Z",
            "endDateTime": "2024-06-05T07:00:00Z",
        },
        "locationInfo": {
            "division": "CA",
            "servicePointId": "440098231177",
            "cisPremiseId": "3340098712",
            "cisServicePointId": "8874102236",
            "controllableDevices": [
                {
                    "deviceId": "771200345518",
                    "deviceType": "SMART-THERMOSTAT",
                    "specification": "ECOBEE-SMART5",
                    "nicId": "411912345678",
                    "headEndSystem": "ECOBEE",
                    "serialNumber": "5112340987",
                    "deviceLocationId": "660012347789",
                    "deviceLocationStatus": "ACTIVE",
                    "installDateTime": "2023-06-05T07:00:00Z",
                    "removalDateTime": "2024-06-05T07:00:00Z",
                }
            ],
        },
    },
)
