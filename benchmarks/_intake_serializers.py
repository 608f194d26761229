"""The serializers that the product's checks are held against: required fields, types and lengths, not the rules."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from tests.functional.harness.records import enrollment


class RowSerializer(serializers.Serializer[Any]):
    """A row of a reservation file as Django REST framework would check it."""

    recordId = serializers.CharField(max_length=120)  # noqa: N815  (the file's word)
    nicId = serializers.CharField(max_length=100)  # noqa: N815  (the file's word)
    headEndSystemId = serializers.CharField(max_length=50)  # noqa: N815  (the file's word)
    reservationStartDateTime = serializers.DateTimeField(required=False)  # noqa: N815  (the file's word)
    reservationEndDateTime = serializers.DateTimeField(required=False)  # noqa: N815  (the file's word)


def enrollment_serializer() -> type[serializers.Serializer[Any]]:
    """Give the serializer of one enrollment record."""
    return _serializer_of(enrollment())


def _serializer_of(record: dict[str, Any]) -> type[serializers.Serializer[Any]]:
    fields: dict[str, Any] = {}
    for name, value in record.items():
        if isinstance(value, dict):
            fields[name] = _serializer_of(value)(required=False, allow_null=True)
        elif isinstance(value, bool):
            fields[name] = serializers.BooleanField(required=False)
        elif isinstance(value, int | float):
            fields[name] = serializers.DecimalField(max_digits=20, decimal_places=6, required=False)
        elif isinstance(value, list):
            fields[name] = serializers.JSONField(required=False)
        else:
            fields[name] = serializers.CharField(max_length=300, required=False, allow_blank=True, allow_null=True)
    return type("RecordSerializer", (serializers.Serializer,), fields)
