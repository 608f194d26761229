"""What the API shows of connections and parameters: never a secret."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from outbound.choices import AVAILABLE_TRANSPORTS, BreakerState, Transport
from outbound.models import Connection, Parameter
from outbound.parameters import DECLARED


class HealthSerializer(serializers.Serializer[Any]):
    """How the connection has been doing."""

    state = serializers.ChoiceField(choices=BreakerState.choices)
    credentials_refused = serializers.BooleanField()
    consecutive_failures = serializers.IntegerField()
    opened_at = serializers.DateTimeField(allow_null=True)
    last_success_at = serializers.DateTimeField(allow_null=True)
    last_failure_at = serializers.DateTimeField(allow_null=True)
    last_error = serializers.CharField(allow_blank=True)
    last_tested_at = serializers.DateTimeField(allow_null=True)


class ConnectionSerializer(serializers.Serializer[Connection]):
    """A connection; of its secrets only whether they are set."""

    name = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    transport = serializers.ChoiceField(choices=Transport.choices)
    available = serializers.SerializerMethodField(help_text="Whether this version speaks the transport.")
    enabled = serializers.BooleanField()
    base_url = serializers.CharField(allow_blank=True)
    host = serializers.CharField(allow_blank=True)
    port = serializers.IntegerField(allow_null=True)
    username = serializers.CharField(allow_blank=True)
    password_set = serializers.BooleanField()
    private_key_set = serializers.BooleanField()
    key_id = serializers.CharField(allow_blank=True)
    namespace = serializers.CharField(allow_blank=True)
    known_host_key = serializers.CharField(allow_blank=True)
    directory = serializers.CharField(allow_blank=True)
    connect_timeout = serializers.DecimalField(max_digits=6, decimal_places=2, help_text="Seconds.")
    read_timeout = serializers.DecimalField(max_digits=6, decimal_places=2, help_text="Seconds.")
    ca_bundle = serializers.CharField(allow_blank=True)
    rate_limit_per_second = serializers.DecimalField(max_digits=8, decimal_places=3, allow_null=True)
    max_concurrency = serializers.IntegerField()
    target_release = serializers.CharField(allow_blank=True)
    options = serializers.DictField()
    health = HealthSerializer(allow_null=True)
    updated_at = serializers.DateTimeField()

    def get_available(self, connection: Connection) -> bool:
        """Whether this version speaks the transport."""
        return connection.transport in AVAILABLE_TRANSPORTS


class TestStepSerializer(serializers.Serializer[Any]):
    """One thing that was looked at."""

    __test__ = False

    name = serializers.CharField()
    ok = serializers.BooleanField()
    seen = serializers.CharField()


class ConnectionTestSerializer(serializers.Serializer[Any]):
    """The outcome of *Test connection*."""

    connection = serializers.CharField()
    ok = serializers.BooleanField()
    summary = serializers.CharField()
    advice = serializers.CharField(allow_blank=True)
    steps = TestStepSerializer(many=True)
    tested_at = serializers.DateTimeField()


class ParameterSerializer(serializers.Serializer[Parameter]):
    """A parameter's value, exactly, with what it means."""

    name = serializers.CharField()
    value = serializers.SerializerMethodField(method_name="read_value")
    shipped = serializers.SerializerMethodField(method_name="read_shipped")
    description = serializers.SerializerMethodField()

    @extend_schema_field(serializers.DecimalField(max_digits=15, decimal_places=6))
    def read_value(self, parameter: Parameter) -> Decimal | int:
        """The value: a count, or seconds."""
        return DECLARED[parameter.name].parse(parameter.value)

    @extend_schema_field(serializers.DecimalField(max_digits=15, decimal_places=6))
    def read_shipped(self, parameter: Parameter) -> Decimal | int:
        """The shipped value."""
        return DECLARED[parameter.name].parse(DECLARED[parameter.name].default)

    def get_description(self, parameter: Parameter) -> str:
        """What the parameter means."""
        return parameter.description or DECLARED[parameter.name].help
