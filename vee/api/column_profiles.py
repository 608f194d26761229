"""Column profiles: the list, and one to read or to write."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from foundation.api import problems
from vee import models
from vee.api import filters, shapes
from vee.operations import column_profiles


class ColumnProfileShape(serializers.ModelSerializer[Any]):
    """A profile; a PUT names what it sets, the rest stays or has its default."""

    unit_factor = shapes.Exact(required=False)
    total_tolerance = shapes.Exact(required=False)
    no_value = serializers.ListField(child=serializers.CharField(), required=False)
    quality_conditions = serializers.DictField(child=serializers.IntegerField(), required=False)

    class Meta:
        model = models.ColumnProfile
        fields = ("code", "description", *column_profiles.LAYOUT_FIELDS)
        read_only_fields = ("code",)


class ColumnProfiles(ListAPIView[Any]):
    """Column profiles."""

    rights = {"GET": ["vee.view_columnprofile"]}
    queryset = models.ColumnProfile.objects.order_by("code")
    serializer_class = ColumnProfileShape
    filterset_class = filters.ColumnProfileFilter


class ColumnProfile(APIView):
    """One column profile."""

    rights = {"GET": ["vee.view_columnprofile"], "PUT": ["vee.add_columnprofile", "vee.change_columnprofile"]}

    @extend_schema(responses={200: ColumnProfileShape, 404: shapes.Problem})
    def get(self, request: Request, code: str) -> Response:
        """Read it."""
        profile = models.ColumnProfile.objects.filter(code=code).first()
        if profile is None:
            raise Http404(f"There is no column profile {code!a}.")
        return Response(ColumnProfileShape(profile).data)

    @extend_schema(
        request=ColumnProfileShape, responses={200: ColumnProfileShape, 201: ColumnProfileShape, 400: shapes.Problem}
    )
    def put(self, request: Request, code: str) -> Response:
        """Create or change it; files that came before keep the profile as it was."""
        body = request.data
        if not isinstance(body, dict):
            raise problems.Malformed("A JSON object is expected.")
        if body.get("code", code) != code:
            message = f"code is {code!a} at this address."
            raise problems.InvalidBody(message, errors=[{"pointer": "/code", "code": "mismatch", "message": message}])
        fields = {name: value for name, value in body.items() if name != "code"}
        try:
            profile, outcome = column_profiles.save_profile(
                code=code, fields=fields, by=request.user, at=timezone.now()
            )
        except column_profiles.UnableToSaveProfile as error:
            raise problems.InvalidBody(error.errors[0]["message"], errors=error.errors) from None
        status = 201 if outcome == column_profiles.CREATED else 200
        return Response(ColumnProfileShape(profile).data, status=status)
