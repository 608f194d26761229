"""The home page and the part of it that refreshes itself."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from integration import setup_help
from integration.admin.home import arrangement, control, exchange, facts, programs, readings
from integration.operations import home_looks
from integration.switches import dacs_side_is_on


def context(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add what the index page shows; opening it is a look of the person."""
    at = timezone.now()
    since = home_looks.looked(user_id=_key(request), at=at)
    context["home"] = _home(request, since=since, at=at)
    return context


@never_cache
@require_safe
def fragment(request: HttpRequest) -> HttpResponse:
    """Give what the page shows, without its frame; nobody is looking anew, so that nothing new becomes old."""
    at = timezone.now()
    since = home_looks.new_since(user_id=_key(request), at=at)
    return TemplateResponse(request, "admin/home/content.html", {"home": _home(request, since=since, at=at)})


@require_POST
def seen(request: HttpRequest) -> HttpResponse:
    """Note that the person has seen what failed."""
    home_looks.seen(user_id=_key(request), at=timezone.now())
    return HttpResponseRedirect(reverse("admin:index"))


def _key(request: HttpRequest) -> int:
    return int(request.user.pk or 0)


def _home(request: HttpRequest, *, since: dt.datetime, at: dt.datetime) -> dict[str, Any]:
    user = request.user
    with_programs = dacs_side_is_on(request)
    watched = [*exchange.watched(at), *readings.watched(), *control.watched(at)]
    if with_programs:
        watched += programs.watched(at)
    found = facts.counted(watched, user)
    parts = [
        exchange.part(user, found, since=since, at=at),
        readings.part(user, found, at=at),
        programs.part(user, found, at=at) if with_programs else None,
        control.part(user, found, at=at),
    ]
    work = arrangement.works_on(user)
    arranged = arrangement.arranged([part for part in parts if part is not None], work=work)
    waiting = sum(fact.needs_a_person for part in arranged for fact in part.facts)
    return {
        "at": at,
        "since": since,
        "parts": arranged,
        "reads_only": not work,
        "waiting": waiting,
        "headline": _headline(waiting) if arranged else _("There is nothing here that your roles may see."),
        "setup": setup_help.open_steps(user) if setup_help.may_see(user) else 0,
    }


def _headline(waiting: int) -> str:
    if not waiting:
        return _("Nothing waits for a person.")
    return ngettext("%(number)s thing needs a person.", "%(number)s things need a person.", waiting) % {
        "number": waiting
    }
