"""The guide's documents as JSON Schema, for the OpenAPI schema; limits are those that the flows check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from drf_spectacular.utils import OpenApiResponse

from integration.flows import (
    cancel_mapping,
    dacs_messages,
    device_status_answer,
    enrollment_payload,
    outcome_mapping,
    reservation_mapping,
)
from integration.flows import enrollment_shape as shape
from outbound.retry import FaultType


def _text(name: str = "", *, required: bool = False) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "type": ["string", "null"],
        "maxLength": shape.LENGTHS.get(name, shape.DEFAULT_LENGTH),
    }
    if required:
        schema |= {"type": "string", "minLength": 1}
    return schema


def _texts(names: tuple[str, ...]) -> dict[str, Any]:
    return {name: _text(name) for name in names}


_INSTANT = {"type": "string", "format": "date-time"}
_ASSET = {
    "type": "object",
    "properties": {"sequence": {"type": ["integer", "null"]}, **_texts(shape.ASSET_TEXTS)},
}
_RECORD = {
    "type": "object",
    "required": ["messageId", "programInfo", "assetInfo"],
    "properties": {
        "messageId": _text("messageId", required=True),
        **_texts(shape.RECORD_TEXTS),
        "customerInfo": {"type": ["object", "null"], "properties": _texts(shape.CUSTOMER_TEXTS)},
        "programInfo": {
            "type": "object",
            "required": ["programCode", "startDateTimeISO"],
            "properties": {
                "cisServiceAgreementId": _text(),
                "programCode": _text("programCode", required=True),
                "startDateTimeISO": _INSTANT,
                "endDateTimeISO": {"type": ["string", "null"], "format": "date-time"},
            },
        },
        "locationInfo": {"type": ["object", "null"], "properties": _texts(shape.LOCATION_TEXTS)},
        "assetInfo": {
            "type": "object",
            "required": ["installationMethod", "assetOwnership"],
            "properties": {
                "installationMethod": {"type": "string", "enum": list(shape.INSTALLATION_METHODS)},
                "assetOwnership": {"type": "string", "enum": list(shape.ASSET_OWNERSHIPS)},
                "assetList": {"type": ["array", "null"], "items": _ASSET},
            },
        },
    },
}
ENROLLMENT_COLLECTION: dict[str, Any] = {
    "type": "object",
    "required": ["params"],
    "properties": {
        "params": {"type": "array", "minItems": 1, "maxItems": enrollment_payload.MAX_RECORDS, "items": _RECORD},
    },
}
_CODE = {"type": "string", "enum": ["SUCCESS", "ERROR", "FAILURE"]}
_FINDING = {
    "type": "object",
    "required": ["pointer", "code", "message"],
    "properties": {"pointer": {"type": "string"}, "code": {"type": "string"}, "message": {"type": "string"}},
}
MESSAGE_ACKNOWLEDGEMENT: dict[str, Any] = {
    "type": "object",
    "required": ["ackType", "whenISO", "responses"],
    "properties": {
        "ackType": _CODE,
        "whenISO": _INSTANT,
        "responses": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["id", "value", "responseCode", "responseTimeISO", "dacsMessageId", "messageId"],
                "properties": {
                    "id": {"type": "string"},
                    "value": {"type": "string"},
                    "responseCode": _CODE,
                    "responseTimeISO": _INSTANT,
                    "dacsMessageId": {"type": "string"},
                    "messageId": {"type": "string"},
                    "errors": {"type": "array", "items": _FINDING},
                },
            },
        },
    },
}
ERROR_MESSAGE: dict[str, Any] = {
    "type": "object",
    "required": ["integrationIdentifier", "faultType", "faultCode", "faultReason"],
    "properties": {
        "integrationName": {"type": "string", "maxLength": 120},
        "integrationIdentifier": {"type": "string", "minLength": 1, "maxLength": 120},
        "integrationVersion": {"type": "string", "maxLength": 40},
        "instanceId": {"type": "string", "maxLength": 120},
        "faultType": {"type": "string", "enum": [str(kind) for kind in FaultType]},
        "faultCode": {"type": "string", "minLength": 1, "maxLength": 60},
        "faultReason": {"type": "string", "maxLength": 4000},
        "faultDetail": {"type": "string", "maxLength": 4000},
        "businessIdentifiers": {"type": "object", "additionalProperties": {"type": "string", "maxLength": 120}},
        "occurredAt": {"type": "string"},
    },
}
_RESERVATION_REQUEST: dict[str, Any] = {
    "type": "object",
    "required": [*reservation_mapping.REQUIRED, *reservation_mapping.INSTANTS],
    "properties": {
        **{
            name: {"type": "string", "minLength": 1, "maxLength": longest}
            if name in reservation_mapping.REQUIRED
            else {"type": ["string", "null"], "maxLength": longest}
            for name, longest in reservation_mapping.LENGTHS.items()
        },
        **dict.fromkeys(reservation_mapping.INSTANTS, _INSTANT),
        "recordCount": {"type": ["integer", "null"], "minimum": 0},
    },
}
EVENT_DEVICE_RESERVATION: dict[str, Any] = {
    "type": "object",
    "required": ["request", "file"],
    "properties": {"request": _RESERVATION_REQUEST, "file": {"type": "string", "format": "binary"}},
}
_OUTCOME_REQUEST: dict[str, Any] = {
    "type": "object",
    "required": list(outcome_mapping.REQUIRED),
    "properties": {
        **{
            name: {"type": "string", "minLength": 1, "maxLength": longest}
            if name in outcome_mapping.REQUIRED
            else {"type": ["string", "null"], "maxLength": longest}
            for name, longest in outcome_mapping.LENGTHS.items()
        },
        **{name: {"type": ["string", "null"], "format": "date-time"} for name in outcome_mapping.INSTANTS},
        "recordCount": {"type": ["integer", "null"], "minimum": 0},
    },
}
EVENT_OUTCOME: dict[str, Any] = {
    "type": "object",
    "required": ["request", "file"],
    "properties": {"request": _OUTCOME_REQUEST, "file": {"type": "string", "format": "binary"}},
}
PRE_EVENT_CANCEL: dict[str, Any] = {
    "type": "object",
    "required": list(cancel_mapping.REQUIRED),
    "properties": {
        name: {"type": "string", "minLength": 1, "maxLength": longest}
        if name in cancel_mapping.REQUIRED
        else {"type": ["string", "null"], "maxLength": longest}
        for name, longest in cancel_mapping.LENGTHS.items()
    },
}


def _limited(lengths: Mapping[str, int], *, required: Sequence[str] = ()) -> dict[str, Any]:
    return {
        name: {"type": "string", "minLength": 1, "maxLength": longest}
        if name in required
        else {"type": ["string", "null"], "maxLength": longest}
        for name, longest in lengths.items()
    }


def _id(longest: int) -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "maxLength": longest, "pattern": dacs_messages.ID_PATTERN}


_OPTIONAL_INSTANT = {"type": ["string", "null"], "format": "date-time"}
ENROLLMENT_SYNC: dict[str, Any] = {
    "type": "object",
    "required": ["sendDetails"],
    "properties": {
        "sendDetails": {
            "type": "object",
            "required": ["syncRequestId", "subscriptionInfo", "locationInfo"],
            "properties": {
                "syncRequestId": _id(dacs_messages.SYNC_LENGTHS["syncRequestId"]),
                "contactInfo": {
                    "type": ["object", "null"],
                    "properties": _limited(dacs_messages.CONTACT_LENGTHS),
                },
                "subscriptionInfo": {
                    "type": "object",
                    "required": ["subscriptionId"],
                    "properties": {
                        **_limited(dacs_messages.SUBSCRIPTION_LENGTHS, required=("subscriptionId",)),
                        "startDateTime": _OPTIONAL_INSTANT,
                        "endDateTime": _OPTIONAL_INSTANT,
                    },
                },
                "locationInfo": {
                    "type": "object",
                    "required": ["division"],
                    "properties": {
                        **_limited(dacs_messages.LOCATION_LENGTHS, required=("division",)),
                        "controllableDevices": {
                            "type": ["array", "null"],
                            "maxItems": dacs_messages.MAX_DEVICES,
                            "items": {
                                "type": "object",
                                "properties": {
                                    **_limited(dacs_messages.DEVICE_LENGTHS),
                                    "installDateTime": _OPTIONAL_INSTANT,
                                    "removalDateTime": _OPTIONAL_INSTANT,
                                },
                            },
                        },
                    },
                },
            },
        },
    },
}
STATUS_CHECK: dict[str, Any] = {
    "type": "object",
    "required": ["sendDetails"],
    "properties": {
        "sendDetails": {
            "type": "object",
            "required": ["communicationId", "deviceInfo"],
            "properties": {
                "communicationId": _id(dacs_messages.CHECK_LENGTHS["communicationId"]),
                "deviceInfo": {
                    "type": "object",
                    "required": ["division", "headEndSystem", "nicId"],
                    "properties": _limited(
                        dacs_messages.CHECKED_DEVICE_LENGTHS, required=("division", "headEndSystem", "nicId")
                    ),
                },
            },
        },
    },
}
EXTERNAL_ID: dict[str, Any] = {
    "type": "object",
    "required": ["responseDetails"],
    "properties": {
        "responseDetails": {
            "type": "object",
            "required": ["externalId"],
            "properties": {"externalId": {"type": "string"}},
        },
    },
}
ENROLL_ACK: dict[str, Any] = {
    "type": "object",
    "properties": {
        "ackType": _CODE,
        "whenISO": {"type": ["string", "null"]},
        "dacsMessageId": _id(dacs_messages.SYNC_LENGTHS["syncRequestId"]),
        "responses": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "responseCode": _CODE,
                    "value": {"type": ["string", "null"]},
                    "dacsMessageId": _id(dacs_messages.SYNC_LENGTHS["syncRequestId"]),
                },
            },
        },
    },
}
STATUS_ANSWER: dict[str, Any] = {
    "type": "object",
    "required": ["dacsMessageId", "responseCode"],
    "properties": {
        "dacsMessageId": _id(dacs_messages.CHECK_LENGTHS["communicationId"]),
        "responseCode": {"type": "string", "enum": list(device_status_answer.RESULTS)},
    },
}
STATUS_ACKNOWLEDGEMENT: dict[str, Any] = {
    "type": "object",
    "required": ["ackType", "whenISO", "responses"],
    "properties": {
        "ackType": _CODE,
        "whenISO": _INSTANT,
        "responses": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["value", "responseCode", "responseTimeISO", "dacsMessageId"],
                "properties": {
                    "value": {"type": "string"},
                    "responseCode": _CODE,
                    "responseTimeISO": _INSTANT,
                    "dacsMessageId": {"type": "string"},
                },
            },
        },
    },
}
ACCEPTED: dict[str, Any] = {
    "type": "object",
    "required": ["instanceId", "ackType"],
    "properties": {"instanceId": {"type": "string", "format": "uuid"}, "ackType": _CODE},
}
_PROBLEM: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "code", "retryable", "ackType"],
    "properties": {
        **{name: {"type": "string"} for name in ("type", "title", "detail", "instance", "code")},
        "status": {"type": "integer"},
        "retryable": {"type": "boolean"},
        "ackType": _CODE,
        "faultType": {"type": "string"},
        "messageId": {"type": "string"},
        "errors": {"type": "array", "items": _FINDING},
    },
}


def problem(description: str) -> OpenApiResponse:
    """Give the schema of a problem answer."""
    return OpenApiResponse(response=_PROBLEM, description=description)
