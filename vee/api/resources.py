"""Master data one by one, with the shapes of the bulk document."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from foundation.api import problems
from vee import choices, models
from vee.api import filters, shapes
from vee.operations import master_data


class _Groups(serializers.Serializer[Any]):
    INITIAL_LOAD = serializers.CharField(allow_null=True, source="initial_load_group.code", default=None)
    MANUAL_OVERRIDE = serializers.CharField(allow_null=True, source="manual_override_group.code", default=None)
    ESTIMATION = serializers.CharField(allow_null=True, source="estimation_group.code", default=None)


class ServicePointShape(serializers.Serializer[Any]):
    id = serializers.CharField(source="identifier", read_only=True)
    time_zone = serializers.CharField()
    holiday_calendar = serializers.CharField(required=False)
    characteristics = serializers.DictField(child=serializers.CharField(), required=False)
    standard_offset_seconds = serializers.IntegerField(read_only=True)


class DeviceShape(serializers.Serializer[Any]):
    id = serializers.CharField(source="identifier", read_only=True)
    service_point = serializers.CharField(source="service_point.identifier", default=None, allow_null=True)
    incoming_data_shift = serializers.ChoiceField(choices=choices.IncomingDataShift.choices, required=False)
    characteristics = serializers.DictField(child=serializers.CharField(), required=False)


class MeasuringComponentTypeShape(serializers.Serializer[Any]):
    id = serializers.CharField(source="identifier", read_only=True)
    description = serializers.CharField(required=False)
    component_kind = serializers.ChoiceField(choices=choices.ComponentKind.choices)
    seconds_per_interval = serializers.IntegerField(allow_null=True, required=False)
    uom = serializers.CharField()
    scale = serializers.IntegerField(required=False)
    allow_negative = serializers.BooleanField(required=False)
    dials = serializers.IntegerField(allow_null=True, required=False)
    rollover_threshold = shapes.Exact(required=False)
    subtractive = serializers.BooleanField(required=False)
    sync_consumption = serializers.BooleanField(required=False)
    skip_identical = serializers.BooleanField(required=False)
    check_too_few_intervals = serializers.BooleanField(required=False)
    check_too_many_intervals = serializers.BooleanField(required=False)
    fill_missing_intervals = serializers.BooleanField(required=False)
    snap_to_boundaries = serializers.BooleanField(required=False)
    direct_processing = serializers.BooleanField(required=False)
    high_quality_tolerance = shapes.Exact(required=False, allow_null=True)
    estimate_gaps_after_hours = serializers.IntegerField(allow_null=True, required=False)
    gap_action = serializers.ChoiceField(choices=choices.GapAction.choices, required=False)
    vee_groups = _Groups(source="*", required=False)


class MeasuringComponentShape(serializers.Serializer[Any]):
    id = serializers.CharField(source="identifier", read_only=True)
    type = serializers.CharField(source="type.identifier")
    device = serializers.CharField(source="device.identifier", default=None, allow_null=True)
    service_point = serializers.CharField(source="service_point.identifier", default=None, allow_null=True)
    multiplier = shapes.Exact(required=False)
    consumption_reference = serializers.CharField(
        source="consumption_reference.identifier", default=None, allow_null=True
    )
    characteristics = serializers.DictField(child=serializers.CharField(), required=False)
    vee_groups = _Groups(source="*", required=False)


class UsageSubscriptionShape(serializers.Serializer[Any]):
    id = serializers.CharField(source="identifier", read_only=True)
    service_point = serializers.CharField(source="service_point.identifier")
    recipient = serializers.CharField()
    defer_until_complete = serializers.BooleanField(required=False)
    send_automatically = serializers.BooleanField(required=False)


_GROUPS = ("initial_load_group", "manual_override_group", "estimation_group")
_SERVICE_POINTS = models.ServicePoint.objects.order_by("identifier")
_DEVICES = models.Device.objects.select_related("service_point").order_by("identifier")
_TYPES = models.MeasuringComponentType.objects.select_related(*_GROUPS).order_by("identifier")
_COMPONENTS = models.MeasuringComponent.objects.select_related(
    "type", "device", "service_point", "consumption_reference", *_GROUPS
).order_by("identifier")
_SUBSCRIPTIONS = models.UsageSubscription.objects.select_related("service_point").order_by("identifier")


class ServicePoints(ListAPIView[Any]):
    """Service points."""

    rights = {"GET": ["vee.view_servicepoint"]}
    queryset = _SERVICE_POINTS
    serializer_class = ServicePointShape
    filterset_class = filters.ServicePointFilter


class Devices(ListAPIView[Any]):
    """Devices."""

    rights = {"GET": ["vee.view_device"]}
    queryset = _DEVICES
    serializer_class = DeviceShape
    filterset_class = filters.DeviceFilter


class MeasuringComponentTypes(ListAPIView[Any]):
    """Measuring component types."""

    rights = {"GET": ["vee.view_measuringcomponenttype"]}
    queryset = _TYPES
    serializer_class = MeasuringComponentTypeShape
    filterset_class = filters.MeasuringComponentTypeFilter


class MeasuringComponents(ListAPIView[Any]):
    """Measuring components."""

    rights = {"GET": ["vee.view_measuringcomponent"]}
    queryset = _COMPONENTS
    serializer_class = MeasuringComponentShape
    filterset_class = filters.MeasuringComponentFilter


class UsageSubscriptions(ListAPIView[Any]):
    """Usage subscriptions."""

    rights = {"GET": ["vee.view_usagesubscription"]}
    queryset = _SUBSCRIPTIONS
    serializer_class = UsageSubscriptionShape
    filterset_class = filters.UsageSubscriptionFilter


class Resource(APIView):
    """One record by its identifier; PUT creates or changes it, and leaves alone what the body does not name."""

    kind: ClassVar[str]
    rows: ClassVar[QuerySet[Any]]
    shape: ClassVar[type[serializers.Serializer[Any]]]

    def _find(self, identifier: str) -> Any:
        row = self.rows.filter(identifier=identifier).first()
        if row is None:
            raise Http404(f"There is no {self.kind.replace('_', ' ')} {identifier!a}.")
        return row

    def _get(self, identifier: str) -> Response:
        return Response(self.shape(self._find(identifier)).data)

    def _put(self, request: Request, identifier: str) -> Response:
        body = request.data
        if not isinstance(body, dict):
            raise problems.Malformed("A JSON object is expected.")
        for name, expected in (("kind", self.kind), ("id", identifier)):
            if body.get(name, expected) != expected:
                message = f"{name} is {expected!a} at this address."
                raise problems.InvalidBody(
                    message, errors=[{"pointer": f"/{name}", "code": "mismatch", "message": message}]
                )
        if not identifier.isprintable():
            raise problems.InvalidBody("The identifier holds control characters.")
        [result] = master_data.upsert(
            [{**body, "kind": self.kind, "id": identifier}], by=request.user, at=timezone.now()
        )
        if result.refused:
            raise problems.InvalidBody(result.errors[0]["message"], errors=result.errors)
        created = result.outcome == master_data.CREATED
        return Response(self.shape(self._find(identifier)).data, status=201 if created else 200)


def _answers(shape: Any) -> dict[int, Any]:
    return {200: shape, 201: shape, 400: shapes.Problem}


class ServicePoint(Resource):
    """One service point."""

    rights = {"GET": ["vee.view_servicepoint"], "PUT": ["vee.add_servicepoint", "vee.change_servicepoint"]}
    kind, rows, shape = "service_point", _SERVICE_POINTS, ServicePointShape

    @extend_schema(responses={200: ServicePointShape, 404: shapes.Problem})
    def get(self, request: Request, identifier: str) -> Response:
        """Read it."""
        return self._get(identifier)

    @extend_schema(request=ServicePointShape, responses=_answers(ServicePointShape))
    def put(self, request: Request, identifier: str) -> Response:
        """Create or change it."""
        return self._put(request, identifier)


class Device(Resource):
    """One device."""

    rights = {"GET": ["vee.view_device"], "PUT": ["vee.add_device", "vee.change_device"]}
    kind, rows, shape = "device", _DEVICES, DeviceShape

    @extend_schema(responses={200: DeviceShape, 404: shapes.Problem})
    def get(self, request: Request, identifier: str) -> Response:
        """Read it."""
        return self._get(identifier)

    @extend_schema(request=DeviceShape, responses=_answers(DeviceShape))
    def put(self, request: Request, identifier: str) -> Response:
        """Create or change it."""
        return self._put(request, identifier)


class MeasuringComponentType(Resource):
    """One measuring component type."""

    rights = {
        "GET": ["vee.view_measuringcomponenttype"],
        "PUT": ["vee.add_measuringcomponenttype", "vee.change_measuringcomponenttype"],
    }
    kind, rows, shape = "measuring_component_type", _TYPES, MeasuringComponentTypeShape

    @extend_schema(responses={200: MeasuringComponentTypeShape, 404: shapes.Problem})
    def get(self, request: Request, identifier: str) -> Response:
        """Read it."""
        return self._get(identifier)

    @extend_schema(request=MeasuringComponentTypeShape, responses=_answers(MeasuringComponentTypeShape))
    def put(self, request: Request, identifier: str) -> Response:
        """Create or change it; kind, interval and scale are fixed once data exists."""
        return self._put(request, identifier)


class MeasuringComponent(Resource):
    """One measuring component."""

    rights = {
        "GET": ["vee.view_measuringcomponent"],
        "PUT": ["vee.add_measuringcomponent", "vee.change_measuringcomponent"],
    }
    kind, rows, shape = "measuring_component", _COMPONENTS, MeasuringComponentShape

    @extend_schema(responses={200: MeasuringComponentShape, 404: shapes.Problem})
    def get(self, request: Request, identifier: str) -> Response:
        """Read it."""
        return self._get(identifier)

    @extend_schema(request=MeasuringComponentShape, responses=_answers(MeasuringComponentShape))
    def put(self, request: Request, identifier: str) -> Response:
        """Create or change it."""
        return self._put(request, identifier)


class UsageSubscription(Resource):
    """One usage subscription."""

    rights = {
        "GET": ["vee.view_usagesubscription"],
        "PUT": ["vee.add_usagesubscription", "vee.change_usagesubscription"],
    }
    kind, rows, shape = "usage_subscription", _SUBSCRIPTIONS, UsageSubscriptionShape

    @extend_schema(responses={200: UsageSubscriptionShape, 404: shapes.Problem})
    def get(self, request: Request, identifier: str) -> Response:
        """Read it."""
        return self._get(identifier)

    @extend_schema(request=UsageSubscriptionShape, responses=_answers(UsageSubscriptionShape))
    def put(self, request: Request, identifier: str) -> Response:
        """Create or change it."""
        return self._put(request, identifier)
