"""The pages of reconciliation: an overview with all numbers, one page per question, and its rows as a file."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminDateWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from assets.models import Program
from foundation.admin import BoundedPaginator
from foundation.planning import rows_lie_together
from integration.admin import reconciliation_export
from integration.admin.reconciliation_questions import QUESTIONS
from integration.admin.reconciliation_shape import Column, Question, View
from integration.reconciliation_queries import Selection
from integration.switches import dacs_side_is_on


PER_PAGE = 50
HOURS = 24
_FIELDS = {"program": ("program",), "event": ("event", "instance"), "dates": ("since", "until"), "hours": ("hours",)}


class SelectionForm(forms.Form):
    """By what a question is narrowed; days are those of the site's time zone."""

    program = forms.ChoiceField(required=False, label=_("Program"), widget=UnfoldAdminSelectWidget())
    event = forms.CharField(required=False, label=_("Event"), widget=UnfoldAdminTextInputWidget())
    instance = forms.CharField(required=False, label=_("DERMS instance"), widget=UnfoldAdminTextInputWidget())
    since = forms.DateField(required=False, label=_("From"), widget=UnfoldAdminDateWidget())
    until = forms.DateField(required=False, label=_("To"), widget=UnfoldAdminDateWidget())
    hours = forms.IntegerField(
        required=False,
        label=_("Older than (hours)"),
        min_value=0,
        max_value=24 * 3660,
        widget=UnfoldAdminIntegerFieldWidget(),
    )

    def __init__(self, *args: Any, question: Question, with_dacs_side: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        wanted = {name for each in question.filters for name in _FIELDS[each]}
        for name in list(self.fields):
            if name not in wanted or (name == "program" and not with_dacs_side):
                del self.fields[name]
        if "program" in self.fields:
            codes = Program.objects.order_by("code").values_list("code", flat=True)
            self.fields["program"].choices = [("", "–"), *((code, code) for code in codes)]  # type: ignore[attr-defined]
        if "since" in self.fields:
            self.fields["since"].label = _("%(what)s from") % {"what": question.date_label}
            self.fields["until"].label = _("%(what)s to") % {"what": question.date_label}

    def selection(self, *, at: dt.datetime) -> Selection:
        """Give what was chosen; nothing fits a form that is not valid."""
        given = dict(self.cleaned_data)
        since, until = given.pop("since", None), given.pop("until", None)
        hours = given.pop("hours", None)
        return Selection(
            at=at,
            since=_start_of(since) if since else None,
            until=_start_of(until + dt.timedelta(days=1)) if until else None,
            hours=HOURS if hours is None else hours,
            **given,
        )


def urls(site: AdminSite) -> list[URLPattern]:
    """Give the addresses of the pages, for the admin page of reservations to carry."""

    def overview(request: HttpRequest) -> HttpResponseBase:
        return _overview(site, request)

    def page(request: HttpRequest, code: str) -> HttpResponseBase:
        return _page(site, request, code)

    def export(request: HttpRequest, code: str, kind: str) -> HttpResponseBase:
        return _export(request, code, kind)

    wrap = site.admin_view
    return [
        path("reconciliation/", wrap(overview), name="integration_reconciliation"),
        path("reconciliation/<slug:code>/", wrap(page), name="integration_reconciliation_question"),
        path("reconciliation/<slug:code>/<slug:kind>/", wrap(export), name="integration_reconciliation_export"),
    ]


def may_reconcile(request: HttpRequest) -> bool:
    """Whether the person may see the rows of any question."""
    return bool(_questions(request))


def _questions(request: HttpRequest) -> list[Question]:
    return [
        each
        for each in QUESTIONS
        if request.user.has_perms(each.permissions) and (not each.dacs_side or dacs_side_is_on(request))
    ]


def _asked_for(request: HttpRequest, code: str) -> Question:
    known = next((each for each in QUESTIONS if each.code == code), None)
    if known is None:
        raise Http404
    if not request.user.has_perms(known.permissions):
        raise PermissionDenied
    if known.dacs_side and not dacs_side_is_on(request):
        raise Http404
    return known


def _views(request: HttpRequest, question: Question) -> list[View]:
    return [view for view in question.views if not view.dacs_side or dacs_side_is_on(request)]


def _form(question: Question, asked: Mapping[str, Any], *, at: dt.datetime, with_dacs_side: bool) -> SelectionForm:
    given = dict(asked)
    if question.days is not None and "since" not in given and "event" not in given:
        given["since"] = (timezone.localtime(at) - dt.timedelta(days=question.days)).date().isoformat()
    if "hours" in question.filters and not given.get("hours"):
        given["hours"] = HOURS
    return SelectionForm(given, question=question, with_dacs_side=with_dacs_side)


def _overview(site: AdminSite, request: HttpRequest) -> TemplateResponse:
    questions = _questions(request)
    if not questions:
        raise PermissionDenied
    at = timezone.now()
    shown = []
    with rows_lie_together():
        for question in questions:
            form = _form(question, {}, at=at, with_dacs_side=False)
            # Not narrowed by anything, nor to a program, so always valid; the call is what cleans the dates.
            form.is_valid()
            address = reverse("admin:integration_reconciliation_question", args=[question.code])
            numbers = _numbers(request, question, form.selection(at=at), address=address, kept={})
            shown.append({"question": question, "address": address, "numbers": numbers})
    context = {**site.each_context(request), "title": _("Reconciliation"), "questions": shown}
    return TemplateResponse(request, "admin/integration/reconciliation.html", context)


def _page(site: AdminSite, request: HttpRequest, code: str) -> TemplateResponse:
    question = _asked_for(request, code)
    at = timezone.now()
    form = _form(question, request.GET.dict(), at=at, with_dacs_side=dacs_side_is_on(request))
    context = {
        **site.each_context(request),
        "title": question.title,
        "is_fullwidth": "1",
        "question": question,
        "form": form,
        "overview": reverse("admin:integration_reconciliation"),
        "tabs": [
            {"title": each.title, "address": _address(each), "chosen": each is question} for each in _questions(request)
        ],
    }
    if form.is_valid():
        with rows_lie_together():
            context |= _answers(request, question, form, at=at)
    return TemplateResponse(request, "admin/integration/reconciliation_question.html", context)


def _answers(request: HttpRequest, question: Question, form: SelectionForm, *, at: dt.datetime) -> dict[str, Any]:
    code = question.code
    address = reverse("admin:integration_reconciliation_question", args=[code])
    selection = form.selection(at=at)
    kept = {name: value for name, value in form.data.items() if name in form.fields and value not in ("", None)}
    if "since" in form.fields:
        kept.setdefault("since", "")
    numbers = _numbers(request, question, selection, address=address, kept=kept)
    view = _chosen(request, question)
    for each in numbers:
        each["chosen"] = each["view"] is view
    rows = _rows(request, question, view, selection)
    paginator = BoundedPaginator(rows, PER_PAGE)
    # The number above was counted already.
    paginator.__dict__["count"] = next(each["count"] for each in numbers if each["view"] is view)
    shown = paginator.get_page(request.GET.get("page"))
    columns = _columns(request, question, view)
    query = {**kept, "show": view.code}
    return {
        "numbers": numbers,
        "view": view,
        "columns": [column.label for column in columns],
        "rows": [_cells(row, columns, address=address, kept=kept) for row in shown.object_list],
        "shown": shown,
        "total": str(paginator.count),
        "query": urlencode(query),
        "exports": [
            {"label": label, "address": f"{_export_address(code, kind)}?{urlencode(query)}"}
            for kind, label in (("csv", "CSV"), ("xlsx", "XLSX"))
        ],
    }


def _export(request: HttpRequest, code: str, kind: str) -> HttpResponseBase:
    question = _asked_for(request, code)
    writer = {"csv": reconciliation_export.as_csv, "xlsx": reconciliation_export.as_xlsx}.get(kind)
    if writer is None:
        raise Http404
    at = timezone.now()
    form = _form(question, request.GET.dict(), at=at, with_dacs_side=dacs_side_is_on(request))
    if not form.is_valid():
        raise Http404
    view = _chosen(request, question)
    rows = _rows(request, question, view, form.selection(at=at))
    return writer(rows, _columns(request, question, view), name=f"{question.code}-{view.code}-{at:%Y%m%d-%H%M}")


def _chosen(request: HttpRequest, question: Question) -> View:
    views = _views(request, question)
    wanted = request.GET.get("show", views[0].code)
    view = next((each for each in views if each.code == wanted), None)
    if view is None:
        raise Http404
    return view


def _numbers(
    request: HttpRequest, question: Question, selection: Selection, *, address: str, kept: dict[str, Any]
) -> list[dict[str, Any]]:
    numbers = []
    views = _views(request, question)
    counts = question.counts(views, selection)
    for view in views:
        count = counts[view.code]
        numbers.append(
            {
                "view": view,
                "count": count,
                "text": str(count),
                "bad": view.gap and count > 0,
                "address": f"{address}?{urlencode({**kept, 'show': view.code})}",
            }
        )
    return numbers


def _rows(request: HttpRequest, question: Question, view: View, selection: Selection) -> QuerySet[Any]:
    rows = view.rows(selection)
    told = question.with_dacs_side
    return told(rows) if told is not None and dacs_side_is_on(request) else rows


def _columns(request: HttpRequest, question: Question, view: View) -> tuple[Column, ...]:
    more = question.dacs_side_columns if dacs_side_is_on(request) else ()
    return view.columns or (*question.columns, *more)


def _cells(row: Any, columns: tuple[Column, ...], *, address: str, kept: dict[str, Any]) -> list[dict[str, Any]]:
    cells = []
    for column in columns:
        link = column.address(row) if column.address else None
        if column.counts:
            same = {**kept, "event": row.external_id, "instance": row.drms_instance_id, "show": column.counts}
            link = f"{address}?{urlencode(same)}"
        value = column.value(row)
        # The beginning of an id is enough to tell two rows apart; the file has all of it.
        text = str(value)[:8] if isinstance(value, uuid.UUID) else value
        cells.append({"value": text, "address": link, "is_time": isinstance(value, dt.datetime)})
    return cells


def _address(question: Question) -> str:
    return reverse("admin:integration_reconciliation_question", args=[question.code])


def _export_address(code: str, kind: str) -> str:
    return reverse("admin:integration_reconciliation_export", args=[code, kind])


def _start_of(day: dt.date) -> dt.datetime:
    return timezone.make_aware(dt.datetime.combine(day, dt.time()))
