"""Addresses of the lookups: read, replace, translate, versions."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from foundation.api import problems
from foundation.api.decoding import convert_body
from foundation.api.pagination import Pages
from lookups import operations, queries
from lookups.api.documents import (
    LookupBody,
    LookupInSerializer,
    LookupOutSerializer,
    LookupSummarySerializer,
    LookupVersionSerializer,
    TranslationSerializer,
    lookup_document,
    summary_document,
    version_document,
)
from lookups.names import name_key


_NAME = OpenApiParameter("name", str, OpenApiParameter.PATH, description="Name or alias, without regard to case.")
_PROBLEM = OpenApiResponse(OpenApiTypes.OBJECT, description="Problem details (RFC 9457).")
_WRONG_BOOLEAN = "is neither true nor false"


class LookupNotFound(NotFound):
    """There is no such lookup, or column, or value in a strict lookup."""


class Lookups(APIView):
    """All lookups."""

    pagination_class = Pages
    rights = {"GET": ["lookups.view_lookup"]}

    @extend_schema(
        operation_id="lookups_list",
        parameters=[OpenApiParameter("search", str, description="In name, alias and description.")],
        responses={200: LookupSummarySerializer(many=True), 400: _PROBLEM, 401: _PROBLEM, 403: _PROBLEM},
        filters=False,
    )
    def get(self, request: Request) -> Response:
        """List the lookups by name."""
        pages = Pages()
        page = pages.paginate_queryset(
            queries.lookup_list(search=request.query_params.get("search", "")), request, view=self
        )
        return pages.get_paginated_response([summary_document(lookup) for lookup in page or []])


class LookupDetail(APIView):
    """One lookup, unpaged."""

    rights = {
        "GET": ["lookups.view_lookup"],
        "PUT": ["lookups.change_lookup", "lookups.add_lookup"],
    }

    @extend_schema(
        operation_id="lookups_retrieve",
        parameters=[_NAME],
        responses={200: LookupOutSerializer, 401: _PROBLEM, 403: _PROBLEM, 404: _PROBLEM},
    )
    def get(self, request: Request, name: str) -> Response:
        """Give a lookup with all its rows."""
        return Response(_document(name))

    @extend_schema(
        operation_id="lookups_replace",
        parameters=[_NAME],
        request=LookupInSerializer,
        responses={
            200: LookupOutSerializer,
            201: LookupOutSerializer,
            400: _PROBLEM,
            401: _PROBLEM,
            403: _PROBLEM,
            409: _PROBLEM,
        },
    )
    def put(self, request: Request, name: str) -> Response:
        """Replace a lookup's rows as a new version, or make the lookup (201)."""
        body = convert_body(request.data, LookupBody)
        if body.name is not None and name_key(body.name) != name_key(name):
            _require_same(name, body.name)
        try:
            result = operations.save_lookup(
                name=name,
                columns=body.columns,
                rows=body.rows,
                aliases=body.aliases,
                expected_version=body.version,
                by=request.user,  # type: ignore[arg-type]  # HasRights lets accounts in only
                note=body.note,
                at=timezone.now(),
            )
        except operations.LookupChangedMeanwhile as error:
            raise problems.StateConflict(
                str(error),
                errors=error.errors,
                extra={"version": error.current, "difference": error.difference.as_json()},
            ) from None
        except operations.UnableToSaveLookup as error:
            raise problems.InvalidBody("The lookup was not saved.", errors=error.errors) from None
        return Response(_document(result.name), status=201 if result.created else 200)


class Translate(APIView):
    """One value through a lookup."""

    rights = {"GET": ["lookups.view_lookup"]}

    @extend_schema(
        operation_id="lookups_translate",
        parameters=[
            _NAME,
            OpenApiParameter("source", str, required=True, description="Column of the value."),
            OpenApiParameter("value", str, required=True),
            OpenApiParameter("target", str, required=True, description="Column of the result."),
            OpenApiParameter("default", str, description="Result when the value is not found."),
            OpenApiParameter(
                "strict", bool, description="404 when the value is not found; left out, the lookup's own setting."
            ),
        ],
        responses={200: TranslationSerializer, 400: _PROBLEM, 401: _PROBLEM, 403: _PROBLEM, 404: _PROBLEM},
    )
    def get(self, request: Request, name: str) -> Response:
        """Translate a value of one column into another column's."""
        asked = _translation_query(request)
        try:
            result = queries.lookup_value(table=name, **asked)
        except (queries.UnknownLookup, queries.UnknownColumn, queries.UnableToTranslate) as error:
            raise LookupNotFound(str(error)) from None
        return Response({"result": result.result, "found": result.found.value, "version": result.version})


@extend_schema(exclude=True)
class TranslateWithSlash(Translate):
    """The same under an address with a slash at its end."""


class Versions(APIView):
    """The history of one lookup."""

    pagination_class = Pages
    rights = {"GET": ["lookups.view_lookup"]}

    @extend_schema(
        operation_id="lookups_versions",
        parameters=[_NAME],
        responses={200: LookupVersionSerializer(many=True), 401: _PROBLEM, 403: _PROBLEM, 404: _PROBLEM},
        filters=False,
    )
    def get(self, request: Request, name: str) -> Response:
        """List a lookup's versions, newest first, each with what it changed."""
        try:
            lookup = queries.lookup_named(name=name)
        except queries.UnknownLookup as error:
            raise LookupNotFound(str(error)) from None
        pages = Pages()
        page = pages.paginate_queryset(lookup.versions.order_by("-number"), request, view=self)
        changes = queries.latest_differences(lookup=lookup, versions=page or [])
        return pages.get_paginated_response([version_document(version, difference) for version, difference in changes])


def _document(name: str) -> dict[str, Any]:
    try:
        lookup = queries.lookup_named(name=name)
        table = queries.table(name=lookup.name)
    except queries.UnknownLookup as error:
        raise LookupNotFound(str(error)) from None
    return lookup_document(table, list(lookup.aliases.values_list("name", flat=True)))


def _require_same(name: str, given: str) -> None:
    try:
        if queries.lookup_named(name=name) == queries.lookup_named(name=given):
            return
    except queries.UnknownLookup:
        pass
    raise problems.InvalidBody(
        f"The body is of the lookup {given!r}, the address of {name!r}.",
        errors=[{"pointer": "/name", "code": "invalid", "message": "names another lookup than the address"}],
    )


def _translation_query(request: Request) -> dict[str, Any]:
    given = request.query_params
    missing = [name for name in ("source", "value", "target") if name not in given]
    errors = [{"pointer": f"/{name}", "code": "required", "message": f"{name} is required"} for name in missing]
    strict = {"true": True, "1": True, "false": False, "0": False}.get(given.get("strict", "").lower())
    if strict is None and given.get("strict"):
        errors.append({"pointer": "/strict", "code": "invalid", "message": f"{given['strict']!r} {_WRONG_BOOLEAN}"})
    if errors:
        raise problems.InvalidBody("The query is not complete.", errors=errors)
    asked: dict[str, Any] = {name: given[name] for name in ("source", "value", "target")}
    return {**asked, "default": given.get("default"), "strict": strict}
