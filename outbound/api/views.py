"""Connections and parameters, to read and to test; they are changed in the admin or by a configuration document."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import GenericAPIView, ListAPIView, RetrieveAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from outbound import queries
from outbound.api import serializers
from outbound.models import Connection, Parameter
from outbound.operations import connection_tests
from outbound.texts import storable


_SEARCH = OpenApiParameter("search", OpenApiTypes.STR, description="Part of the name or description.")


@extend_schema(tags=["connections"], parameters=[_SEARCH])
class ConnectionList(ListAPIView[Connection]):
    """The connections, by name, without their secrets."""

    rights = {"GET": ["outbound.view_connection"]}
    serializer_class = serializers.ConnectionSerializer
    queryset = Connection.objects.none()

    def get_queryset(self) -> QuerySet[Connection]:
        """Give the connections that the search finds."""
        return queries.connections_for_display(search=self.request.query_params.get("search", ""))


@extend_schema(tags=["connections"])
class ConnectionDetail(RetrieveAPIView[Connection]):
    """One connection, without its secrets."""

    rights = {"GET": ["outbound.view_connection"]}
    serializer_class = serializers.ConnectionSerializer
    queryset = Connection.objects.none()
    lookup_field = "name"

    def get_object(self) -> Connection:
        """Give the connection of the address."""
        found = queries.connections_for_display().filter(name=storable(self.kwargs["name"])).first()
        if found is None:
            raise Http404(f"There is no connection named {self.kwargs['name']}.")
        return found


class ConnectionTestView(GenericAPIView[Connection]):
    """Test a connection now."""

    rights = {"POST": ["outbound.test_connection"]}
    serializer_class = serializers.ConnectionTestSerializer
    queryset = Connection.objects.none()

    @extend_schema(
        tags=["connections"],
        request=None,
        responses={200: serializers.ConnectionTestSerializer},
        description="Calls the target as the product would, sends no message, and says how that went. "
        "200 also when the target is not well: `ok` is the outcome.",
    )
    def post(self, request: Request, name: str) -> Response:
        """Test the connection and answer the outcome."""
        try:
            outcome = connection_tests.test_connection(name=name, by=request.user, at=timezone.now())
        except queries.UnknownConnection as error:
            raise Http404(str(error)) from error
        return Response(self.get_serializer(outcome).data)


@extend_schema(tags=["parameters"], parameters=[_SEARCH])
class ParameterList(ListAPIView[Parameter]):
    """The parameters of the retry policy."""

    rights = {"GET": ["outbound.view_parameter"]}
    serializer_class = serializers.ParameterSerializer
    queryset = Parameter.objects.none()

    def get_queryset(self) -> QuerySet[Parameter]:
        """Give the parameters that the search finds."""
        return queries.parameters(search=self.request.query_params.get("search", ""))
