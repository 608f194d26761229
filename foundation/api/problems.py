"""
Errors as RFC 9457 problem details.

Every non-2xx answer of the API is `application/problem+json` in the shape of `reliability.md` 2.0, also for
unknown addresses, bodies that are too large and defects of our own. Field errors carry a JSON pointer.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import set_rollback


logger = structlog.get_logger(__name__)

CONTENT_TYPE = "application/problem+json"
_RETRYABLE_STATUSES = {408, 425, 429, 502, 503, 504}


class Problem(exceptions.APIException):
    """
    An error that the caller is told about in full.

    `errors` are `{"pointer", "code", "message"}`; `extra` are further members of the problem document, such as
    `faultType` or `messageId`; `headers` go with the answer.
    """

    status_code: int = status.HTTP_400_BAD_REQUEST
    default_code = "validation"
    default_detail = "The request is not valid."

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: Iterable[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail=detail)
        self.errors = [dict(error) for error in errors]
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})


class Malformed(Problem):
    """The body cannot be read as what it says it is."""

    default_code = "malformed"
    default_detail = "The body cannot be read."


class InvalidBody(Problem):
    """The body can be read, but breaks the contract at the given pointers."""


class StateConflict(Problem):
    """The state of the record does not allow what was asked."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "state_conflict"
    default_detail = "The state of the record does not allow this."


class IdempotencyKeyReused(Problem):
    """The same key came with another body; nothing was stored."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "idempotency_key_reused"
    default_detail = "The same key was used before with another body. Nothing was stored."


class RequestInProgress(Problem):
    """The first request with this key is still running."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "in_progress"
    default_detail = "A request with the same key is still being processed."

    def __init__(self, detail: str | None = None, **kwargs: Any) -> None:
        kwargs.setdefault("headers", {"Retry-After": "5"})
        super().__init__(detail, **kwargs)


class TooLarge(Problem):
    """The body is over the limit; the detail states the limit."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"
    default_detail = "The body is too large."


class FileRejected(Problem):
    """The file can be read, but not one row of it is acceptable."""

    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_code = "file_rejected"
    default_detail = "The file was rejected."


class Unavailable(Problem):
    """Something that the answer needs is not reachable right now."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "unavailable"
    default_detail = "The service cannot answer right now."

    def __init__(self, detail: str | None = None, **kwargs: Any) -> None:
        kwargs.setdefault("headers", {"Retry-After": "5"})
        super().__init__(detail, **kwargs)


_CODES_BY_STATUS = {
    400: "validation",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    408: "request_timeout",
    413: "too_large",
    415: "unsupported_media_type",
    429: "rate_limited",
    500: "internal",
    503: "unavailable",
}


def problem_document(
    *,
    status_code: int,
    code: str | None = None,
    detail: str = "",
    errors: Iterable[Mapping[str, str]] = (),
    extra: Mapping[str, Any] | None = None,
    instance: str | None = None,
) -> dict[str, Any]:
    """Build the problem document of `reliability.md` 2.0; also used per record inside a batch's answer."""
    code = code or _CODES_BY_STATUS.get(status_code, "validation")
    document: dict[str, Any] = {
        "type": f"urn:tieline:problem:{code}",
        "title": HTTPStatus(status_code).phrase,
        "status": status_code,
        "detail": detail,
        "instance": instance or f"urn:uuid:{uuid.uuid4()}",
        "code": code,
        "retryable": status_code in _RETRYABLE_STATUSES or code == "in_progress",
        "ackType": "ERROR" if status_code < 500 and status_code != 429 else "FAILURE",
    }
    errors = [dict(error) for error in errors]
    if errors:
        document["errors"] = errors
    document.update(extra or {})
    return document


def problem_response(**kwargs: Any) -> HttpResponse:
    """Give a problem document as a plain Django response, for handlers and middleware outside the API views."""
    headers = kwargs.pop("headers", None)
    document = problem_document(**kwargs)
    return HttpResponse(json.dumps(document), status=document["status"], content_type=CONTENT_TYPE, headers=headers)


def errors_from_detail(detail: Any, pointer: str = "") -> list[dict[str, str]]:
    """Turn the nested detail of a DRF ValidationError into flat errors with JSON pointers."""
    if isinstance(detail, Mapping):
        found: list[dict[str, str]] = []
        for name, nested in detail.items():
            step = pointer if name == "non_field_errors" else f"{pointer}/{escape_pointer(str(name))}"
            found.extend(errors_from_detail(nested, step))
        return found
    if isinstance(detail, list):
        found = []
        for index, nested in enumerate(detail):
            if isinstance(nested, Mapping | list):
                found.extend(errors_from_detail(nested, f"{pointer}/{index}"))
            else:
                found.extend(errors_from_detail(nested, pointer))
        return found
    return [{"pointer": pointer, "code": getattr(detail, "code", "invalid"), "message": str(detail)}]


def escape_pointer(step: str) -> str:
    """Escape one step of a JSON pointer (RFC 6901)."""
    return step.replace("~", "~0").replace("/", "~1")


def exception_handler(exc: Exception, context: Mapping[str, Any]) -> Response | None:
    """Answer any exception raised in an API view with a problem document; DRF's EXCEPTION_HANDLER."""
    if isinstance(exc, Http404):
        exc = exceptions.NotFound(str(exc) or None)
    elif isinstance(exc, PermissionDenied):
        exc = exceptions.PermissionDenied()
    if not isinstance(exc, exceptions.APIException):
        return None
    set_rollback()
    headers = _headers_of(exc)
    errors: list[dict[str, str]] = []
    extra: dict[str, Any] = {}
    code = _CODES_BY_STATUS.get(exc.status_code)
    detail = str(exc.detail)
    if isinstance(exc, Problem):
        errors, extra, code = exc.errors, exc.extra, exc.default_code
    elif isinstance(exc, exceptions.ValidationError):
        errors = errors_from_detail(exc.detail)
        detail = f"{len(errors)} field is invalid" if len(errors) == 1 else f"{len(errors)} fields are invalid"
    elif isinstance(exc, exceptions.ParseError):
        code = "malformed"
    document = problem_document(status_code=exc.status_code, code=code, detail=detail, errors=errors, extra=extra)
    return Response(document, status=exc.status_code, headers=headers, content_type=CONTENT_TYPE)


def _headers_of(exc: exceptions.APIException) -> dict[str, str]:
    headers = dict(getattr(exc, "headers", {}) or {})
    if getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = exc.auth_header  # type: ignore[attr-defined]
    wait = getattr(exc, "wait", None)
    if wait is not None:
        headers["Retry-After"] = str(int(wait))
    return headers


def wants_problem(request: HttpRequest) -> bool:
    """Whether an error on this address is answered as problem details rather than as a page."""
    return not request.path.startswith(("/admin/", "/docs/", "/static/")) and request.path not in ("/", "/admin")
