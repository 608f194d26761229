"""What people do with many rows at once: one page that asks, one page that tells what became of each row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from vee import queries
from vee.admin import workbench
from vee.admin.local_times import imd_name
from vee.models import InitialMeasurement, ToDo
from vee.operations import actions, todos


MOST_AT_ONCE = 500
"""Rows that one request acts on: each is a transaction of its own, and a page has to answer in its time."""


def act_on_imds(
    model_admin: Any, request: HttpRequest, queryset: QuerySet[Any], *, name: str, imd_ids: Sequence[int]
) -> HttpResponse | None:
    """Ask for a reason, then do one action on the IMDs, and show a result for each."""
    action = workbench.ACTIONS[name]
    if _too_many(model_admin, request, len(imd_ids)):
        return None
    if not request.POST.get("confirmed"):
        return _ask(model_admin, request, queryset, action=action, imds=queries.imds_in_brief(imd_ids))
    results = actions.act_on_many(
        action=name, imd_ids=imd_ids, by=request.user, reason=request.POST.get("reason", ""), at=timezone.now()
    )
    named = {imd.pk: imd for imd in queries.imds_in_brief(imd_ids)}
    return _tell(
        model_admin,
        request,
        label=action.label,
        rows=[
            _row(named.get(result.imd_id), result.error, result.imd.get_state_display() if result.imd else "")
            for result in results
        ],
    )


def change_todos(
    model_admin: Any,
    request: HttpRequest,
    queryset: QuerySet[ToDo],
    *,
    change: Callable[..., ToDo],
    label: Any,
    **arguments: Any,
) -> HttpResponse | None:
    """Claim, release or assign To Dos, and show a result for each."""
    ids = list(queryset.values_list("pk", flat=True)[: MOST_AT_ONCE + 1])
    if _too_many(model_admin, request, len(ids)):
        return None
    results = todos.change_many(change=change, todo_ids=ids, by=request.user, at=timezone.now(), **arguments)
    named = ToDo.objects.select_related("imd", "assigned_to").in_bulk(ids)
    rows = []
    for result in results:
        todo = named.get(result.todo_id)
        holder = todo.assigned_to.get_username() if todo and todo.assigned_to else _("nobody")
        rows.append(_row(todo.imd if todo else None, result.error, _("with %(name)s") % {"name": holder}))
    return _tell(model_admin, request, label=label, rows=rows)


ASSIGN = workbench.Action(
    name="assign",
    label=_("Assign"),
    permission="vee.assign_todo",
    states=(),
    variant="primary",
    explanation=_("The To Dos go to this person, whoever has them now."),
)


def assign_todos(model_admin: Any, request: HttpRequest, queryset: QuerySet[ToDo]) -> HttpResponse | None:
    """Ask for a person, then give the To Dos to them."""
    person = person_asked_for(request) if request.POST.get("confirmed") else None
    if person is not None:
        return change_todos(model_admin, request, queryset, change=todos.assign, label=ASSIGN.label, to=person)
    imds = queries.imds_in_brief(list(queryset.values_list("imd_id", flat=True)[: MOST_AT_ONCE + 1]))
    if _too_many(model_admin, request, len(imds)):
        return None
    return _ask(model_admin, request, queryset, action=ASSIGN, imds=imds, people=todos.people_to_assign_to())


def person_asked_for(request: HttpRequest) -> Any:
    """Give the person whose key the form sends as `to`; None when it is not one that work may be assigned to."""
    key = request.POST.get("to", "")
    return next((person for person in todos.people_to_assign_to() if str(person.pk) == key), None)


def _too_many(model_admin: Any, request: HttpRequest, count: int) -> bool:
    if count <= MOST_AT_ONCE:
        return False
    model_admin.message_user(
        request, _("Choose at most %(most)d rows at once.") % {"most": MOST_AT_ONCE}, messages.WARNING
    )
    return True


def _ask(
    model_admin: Any,
    request: HttpRequest,
    queryset: QuerySet[Any],
    *,
    action: workbench.Action,
    imds: Sequence[InitialMeasurement],
    people: Sequence[Any] | None = None,
) -> HttpResponse:
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.model._meta,
        "title": action.label,
        "action": action,
        "action_name": request.POST.get("action", action.name),
        "imds": imds,
        "zone_name": timezone.get_current_timezone_name(),
        "people": people,
        "selected": list(queryset.values_list("pk", flat=True)),
        "checkbox_name": ACTION_CHECKBOX_NAME,
        "cancel_address": request.get_full_path(),
    }
    return TemplateResponse(request, "admin/vee/confirm.html", context)


def _row(imd: InitialMeasurement | None, error: str, outcome: Any) -> dict[str, Any]:
    address = reverse("admin:vee_initialmeasurement_change", args=[imd.pk]) if imd else ""
    # The list that the rows come from tells the times of whoever looks at it.
    name = imd_name(imd, timezone.get_current_timezone_name()) if imd else "–"
    return {"name": name, "address": address, "error": error, "outcome": outcome}


def _tell(model_admin: Any, request: HttpRequest, *, label: Any, rows: Sequence[dict[str, Any]]) -> HttpResponse:
    refused = sum(1 for row in rows if row["error"])
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.model._meta,
        "title": _("%(label)s: %(done)d done, %(refused)d refused")
        % {"label": label, "done": len(rows) - refused, "refused": refused},
        "rows": rows,
        "back": request.get_full_path(),
    }
    return TemplateResponse(request, "admin/vee/results.html", context)
