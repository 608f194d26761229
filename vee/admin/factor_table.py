"""A factor's values as a grid: typed, pasted from a spreadsheet, or as CSV in and out, with a word on each row."""

from __future__ import annotations

import datetime as dt
from itertools import groupby
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from vee.admin.time_lines import Entry, Lane, drawing
from vee.configuration_queries import version_of_factor
from vee.models import Factor
from vee.operations import factor_tables
from vee.operations.factor_tables import COLUMNS, MOST_ROWS, TableReport
from vee.periods import Period


HEADINGS = {
    "value": gettext_lazy("Value of the characteristic"),
    "start_date": gettext_lazy("From (2026-01-31)"),
    "end_date": gettext_lazy("Until"),
    "vee_group": gettext_lazy("VEE group"),
    "measuring_component": gettext_lazy("Measuring component"),
}
OUTCOMES = {
    "NEW": ("good", gettext_lazy("new")),
    "CHANGED": ("info", gettext_lazy("changed")),
    "UNCHANGED": ("neutral", gettext_lazy("unchanged")),
    "REMOVED": ("warn", gettext_lazy("removed")),
    "REFUSED": ("bad", gettext_lazy("refused")),
}
EMPTY_ROWS = 5
LARGEST_FILE = 1_000_000


def export(admin: Any, request: HttpRequest, factor_id: int) -> HttpResponse:
    """Give the values as a CSV file."""
    factor = _factor(admin, request, factor_id)
    answer = HttpResponse(
        "\ufeff" + factor_tables.write_csv(factor_tables.rows_of(factor)), content_type="text/csv; charset=utf-8"
    )
    answer["Content-Disposition"] = f'attachment; filename="factor-{factor.pk}.csv"'
    return answer


def view(admin: Any, request: HttpRequest, factor_id: int) -> HttpResponse:
    """Show the grid; check what was pasted, and save what stands in the grid, all of it or nothing."""
    factor = _factor(admin, request, factor_id)
    may_change = admin.has_change_permission(request, factor) and request.user.has_perm("vee.change_factorvalue")
    if request.method != "POST":
        return _page(admin, request, factor, factor_tables.rows_of(factor), may_change=may_change)
    if not may_change:
        raise PermissionDenied
    checks = "check" in request.POST
    try:
        rows = factor_tables.read_table(_pasted(request)) if checks else _typed(request)
        report = factor_tables.save_table(
            factor_id=factor.pk,
            rows=rows,
            seen=request.POST.get("seen", ""),
            by=request.user,
            at=timezone.now(),
            dry_run=checks,
        )
    except factor_tables.UnableToReadTable as error:
        admin.message_user(request, str(error), messages.ERROR)
        return _page(admin, request, factor, factor_tables.rows_of(factor), may_change=may_change)
    except factor_tables.FactorChangedMeanwhile as error:
        admin.message_user(request, str(error), messages.ERROR)
        return _page(admin, request, factor, rows, may_change=may_change)
    if report.saved:
        changed = sum(row.outcome != "UNCHANGED" for row in report.rows)
        admin.message_user(request, _("The values are saved; %(count)d rows differ from before.") % {"count": changed})
        return HttpResponseRedirect(reverse("admin:vee_factor_table", args=[factor.pk]))
    return _page(admin, request, factor, rows, may_change=may_change, report=report)


def _factor(admin: Any, request: HttpRequest, factor_id: int) -> Factor:
    factor = Factor.objects.filter(pk=factor_id).first()
    if factor is None:
        raise Http404
    if not admin.has_view_permission(request, factor):
        raise PermissionDenied
    return factor


def _pasted(request: HttpRequest) -> str:
    file = request.FILES.get("file")
    if file is None:
        return request.POST.get("pasted", "")[:LARGEST_FILE]
    if (file.size or 0) > LARGEST_FILE:
        raise factor_tables.UnableToReadTable(_("The file is larger than 1 MB."))
    try:
        return bytes(file.read()).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise factor_tables.UnableToReadTable(_("The file is not in UTF-8.")) from None


def _typed(request: HttpRequest) -> list[dict[str, str]]:
    columns = [request.POST.getlist(name)[:MOST_ROWS] for name in COLUMNS]
    rows = [
        {name: cell.strip() for name, cell in zip(COLUMNS, cells, strict=True)} for cells in zip(*columns, strict=False)
    ]
    return [row for row in rows if any(row.values())]


def _page(
    admin: Any,
    request: HttpRequest,
    factor: Factor,
    rows: list[dict[str, str]],
    *,
    may_change: bool,
    report: TableReport | None = None,
) -> HttpResponse:
    refused = {row.number for row in report.rows if row.outcome == "REFUSED"} if report else set()
    blank = [dict.fromkeys(COLUMNS, "")] * (EMPTY_ROWS if may_change else 0)
    context = {
        **admin.admin_site.each_context(request),
        "opts": admin.model._meta,
        "title": _("Values of %(factor)s") % {"factor": factor},
        "factor": factor,
        "object": factor,
        "headings": [HEADINGS[name] for name in COLUMNS],
        "grid": [
            {
                "number": number,
                "refused": number in refused,
                "cells": [{"name": name, "heading": HEADINGS[name], "text": row[name]} for name in COLUMNS],
            }
            for number, row in enumerate([*rows, *blank], start=1)
        ],
        "report": report
        and [{"row": row, "badge": OUTCOMES[row.outcome][0], "word": OUTCOMES[row.outcome][1]} for row in report.rows],
        "refused": bool(refused),
        "seen": version_of_factor(factor.pk),
        "may_change": may_change,
        "time_line": drawing(_lanes(factor_tables.rows_of(factor)), today=timezone.localdate()),
        "export_address": reverse("admin:vee_factor_table_export", args=[factor.pk]),
        "columns": ", ".join(COLUMNS),
    }
    return TemplateResponse(request, "admin/vee/factor_table.html", context)


def _lanes(rows: list[dict[str, str]]) -> list[Lane]:
    def entry(row: dict[str, str]) -> Entry:
        bounds = [dt.date.fromisoformat(row[name]) if row[name] else None for name in ("start_date", "end_date")]
        return Entry(Period(*bounds), row["vee_group"] or row["measuring_component"] or _("nothing"))

    return [Lane(value, [entry(row) for row in each]) for value, each in groupby(rows, key=lambda row: row["value"])]
