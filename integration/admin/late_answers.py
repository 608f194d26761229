"""The filter of lists of messages that were answered late, or wait for too long."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import admin
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from foundation.percentiles import span


PARAMETER = "over"
_LONGEST = 10_000 * 86_400


class OverLimitFilter(admin.SimpleListFilter):
    """What was answered later than a limit in seconds, or waits for longer: `3600`, or `3600@<instant>` as of then."""

    title = _("took longer than")
    parameter_name = PARAMETER
    sent = answered = ""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Give some limits, and the one that a link came with."""
        offered = [("3600", _("An hour")), ("14400", _("4 hours")), ("86400", _("A day"))]
        given = str(self.used_parameters.get(PARAMETER) or "")
        limit, _at = _read(given)
        if limit is None or given in dict(offered):
            return offered
        minutes = _("%(minutes)s minutes, as in the report") % {"minutes": f"{limit.total_seconds() / 60:g}"}
        return [*offered, (given, minutes)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow the rows; what is no limit narrows nothing."""
        limit, at = _read(str(self.value() or ""))
        if limit is None:
            return queryset
        waits = Q(**{f"{self.answered}__isnull": True, f"{self.sent}__lt": at - limit})
        return queryset.alias(took=span(F(self.answered), F(self.sent))).filter(Q(took__gt=limit) | waits)


def over_limit(*, sent: str, answered: str) -> type[OverLimitFilter]:
    """Give the filter of a list whose rows are sent and answered at these columns."""
    return type("OverLimitFilter", (OverLimitFilter,), {"sent": sent, "answered": answered})


def _read(value: str) -> tuple[dt.timedelta | None, dt.datetime]:
    written, _sign, as_of = value.partition("@")
    now = timezone.now()
    try:
        seconds = float(written)
        at = parse_datetime(as_of) if as_of else now
    except ValueError:
        return None, now
    if not 0 <= seconds <= _LONGEST or at is None or timezone.is_naive(at):
        return None, now
    return dt.timedelta(seconds=seconds), at
