"""The guide's documents as JSON Schema, for the OpenAPI schema; limits are those that the flows check."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiResponse

from integration.flows import enrollment_payload as payload
from outbound.retry import FaultType


def _text(name: str = "", *, required: bool = False) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "type": ["string", "null"],
        "maxLength": payload.LENGTHS.get(name, payload.DEFAULT_LENGTH),
    }
    if required:
        schema |= {"type": "string", "minLength": 1}
    return schema


def _texts(names: tuple[str, ...]) -> dict[str, Any]:
    return {name: _text(name) for name in names}


_INSTANT = {"type": "string", "format": "date-time"}
_ASSET = {
    "type": "object",
    "properties": {"sequence": {"type": ["integer", "null"]}, **_texts(payload.ASSET_TEXTS)},
}
_RECORD = {
    "type": "object",
    "required": ["messageId", "programInfo", "assetInfo"],
    "properties": {
        "messageId": _text("messageId", required=True),
        **_texts(payload.RECORD_TEXTS),
        "customerInfo": {"type": ["object", "null"], "properties": _texts(payload.CUSTOMER_TEXTS)},
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
        "locationInfo": {"type": ["object", "null"], "properties": _texts(payload.LOCATION_TEXTS)},
        "assetInfo": {
            "type": "object",
            "required": ["installationMethod", "assetOwnership"],
            "properties": {
                "installationMethod": {"type": "string", "enum": list(payload.INSTALLATION_METHODS)},
                "assetOwnership": {"type": "string", "enum": list(payload.ASSET_OWNERSHIPS)},
                "assetList": {"type": ["array", "null"], "items": _ASSET},
            },
        },
    },
}
ENROLLMENT_COLLECTION: dict[str, Any] = {
    "type": "object",
    "required": ["params"],
    "properties": {
        "params": {"type": "array", "minItems": 1, "maxItems": payload.MAX_RECORDS, "items": _RECORD},
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
