"""The last line: errors that happen outside the API views are problem details too."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from django.conf import settings
from django.core.exceptions import (
    BadRequest,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseNotFound
from django.http.multipartparser import MultiPartParserError

from foundation.api import problems


logger = structlog.get_logger(__name__)


class ProblemDetailsMiddleware:
    """
    Answer every error on an API address with `application/problem+json` (`reliability.md` 2.0).

    Covers what DRF's handler never sees: unknown addresses, oversized bodies, hosts that are not allowed,
    a database that is away, and defects of our own, which are logged with the id that the caller gets.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # PostgreSQL keeps no NUL, so nothing has one in its name, and nothing is looked for by one.
        if "\x00" in request.path:
            return self._nothing_there(request)
        if "%00" in request.META.get("QUERY_STRING", ""):
            return self._without_nul(request)
        response = self.get_response(request)
        if (
            response.status_code >= 400
            and problems.wants_problem(request)
            and not response.get("Content-Type", "").startswith((problems.CONTENT_TYPE, "application/json"))
        ):
            return self._as_problem(request, response)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not problems.wants_problem(request):
            return None
        if isinstance(exception, RequestDataTooBig):
            limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
            return problems.problem_response(status_code=413, detail=f"The body is larger than {limit} bytes.")
        if isinstance(exception, TooManyFieldsSent | TooManyFilesSent):
            return problems.problem_response(status_code=413, detail=str(exception))
        if isinstance(exception, MultiPartParserError | BadRequest | SuspiciousOperation | RecursionError):
            return problems.problem_response(status_code=400, code="malformed", detail="The request cannot be read.")
        if isinstance(exception, OperationalError):
            logger.error("database_unavailable", path=request.path, exc_info=exception)
            return problems.problem_response(
                status_code=503, detail="The database cannot be reached right now.", headers={"Retry-After": "5"}
            )
        document = problems.problem_document(status_code=500, detail="A defect in the service; it has been logged.")
        logger.error("defect", path=request.path, problem=document["instance"], exc_info=exception)
        return problems.problem_response(status_code=500, detail=document["detail"], instance=document["instance"])

    def _without_nul(self, request: HttpRequest) -> HttpResponse:
        message = "NUL is not allowed"
        if not problems.wants_problem(request):
            return HttpResponseBadRequest(message, content_type="text/plain")
        names = [name for name, values in request.GET.lists() if "\x00" in "".join([name, *values])]
        return problems.problem_response(
            status_code=400,
            code="malformed",
            detail="A parameter of the address holds a NUL.",
            errors=[
                {"pointer": f"/{problems.escape_pointer(name)}", "code": "invalid_character", "message": message}
                for name in names
            ],
        )

    def _nothing_there(self, request: HttpRequest) -> HttpResponse:
        if problems.wants_problem(request):
            return problems.problem_response(status_code=404, detail="There is nothing at this address.")
        return HttpResponseNotFound("There is nothing at this address.", content_type="text/plain")

    def _as_problem(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        details = {
            400: "The request cannot be read.",
            403: "This is not allowed.",
            404: f"There is nothing at {request.path}.",
            405: f"{request.method} is not possible here.",
        }
        code = "malformed" if response.status_code == 400 else None
        kept = {name: value for name, value in response.items() if name in ("Allow", "Retry-After", "WWW-Authenticate")}
        return problems.problem_response(
            status_code=response.status_code,
            code=code,
            detail=details.get(response.status_code, response.reason_phrase),
            headers=kept,
        )
