"""Django's error handlers: problem details on API addresses, pages elsewhere."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views import defaults

from foundation.api import problems


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request that Django refused to read."""
    if problems.wants_problem(request):
        return problems.problem_response(status_code=400, code="malformed", detail="The request cannot be read.")
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request that is not allowed."""
    if problems.wants_problem(request):
        return problems.problem_response(status_code=403, detail="This is not allowed.")
    return defaults.permission_denied(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request for an address at which there is nothing."""
    if problems.wants_problem(request):
        return problems.problem_response(status_code=404, detail=f"There is nothing at {request.path}.")
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer after a defect, without saying anything about it."""
    if problems.wants_problem(request):
        return problems.problem_response(status_code=500, detail="A defect in the service; it has been logged.")
    return defaults.server_error(request)
