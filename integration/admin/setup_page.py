"""The set-up help: what a new site has yet to do, each step with the page that does it."""

from __future__ import annotations

import dataclasses

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from integration import setup_help
from integration.operations import setup_review
from integration.setup_help.step import State


@never_cache
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Show the steps that the person may see; what is open is remembered for the home page."""
    user = request.user
    if not setup_help.may_see(user):
        raise PermissionDenied
    found = [
        dataclasses.replace(subject, steps=[step for step in subject.steps if user.has_perm(step.permission)])
        for subject in setup_review.review(at=timezone.now())
    ]
    subjects = [subject for subject in found if subject.steps]
    steps = [step for subject in subjects for step in subject.steps]
    done = sum(step.state is State.DONE for step in steps)
    return TemplateResponse(
        request,
        "admin/integration/setup_help.html",
        {
            **admin.site.each_context(request),
            "title": _("Set-up help"),
            "subjects": subjects,
            "open": sum(subject.open for subject in subjects),
            "done": done,
            "all": len(steps),
            "percent": round(100 * done / len(steps)) if steps else 100,
        },
    )
