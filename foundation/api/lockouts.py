"""What somebody sees who tried too many passwords, and what the log says of it."""

from __future__ import annotations

from typing import Any

import structlog
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from foundation.api import problems


logger = structlog.get_logger(__name__)


def lockout_response(
    request: HttpRequest, response: HttpResponse | None = None, credentials: dict[str, Any] | None = None
) -> HttpResponse:
    """Answer somebody who is locked out; AXES_LOCKOUT_CALLABLE."""
    minutes = settings.LOGIN_LOCKOUT_MINUTES
    headers = {"Retry-After": str(minutes * 60)}
    detail = f"Too many wrong logins. Wait {minutes} minutes, or ask an administrator."
    if problems.wants_problem(request):
        return problems.problem_response(status_code=429, detail=detail, headers=headers)
    context = {**admin.site.each_context(request), "title": "Locked", "detail": detail}
    page = render(request, "admin/locked_out.html", context, status=429)
    page.headers["Retry-After"] = headers["Retry-After"]
    return page


def log_lockout(sender: Any, request: Any, username: str, ip_address: str | None, **kwargs: Any) -> None:
    """Write a lockout to the log, for whoever watches it."""
    logger.warning("login_locked_out", account=username, address=ip_address, path=getattr(request, "path", ""))
