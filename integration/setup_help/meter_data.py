"""VEE groups, time zones and holidays: what validation needs to know of a site."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from django.db.models import Q
from django.utils.translation import gettext as _

from foundation import counting
from integration.setup_help.step import State, Step, done_if
from vee.models import Holiday, MeasuringComponentType, ServicePoint


_GROUPS = ("initial_load_group", "manual_override_group", "estimation_group")


def validation(*, at: dt.datetime) -> Iterator[Step]:
    """Give the steps of meter data."""
    yield from _groups()
    yield _time_zones()
    yield from _holidays(at)


def _groups() -> Iterator[Step]:
    types = list(MeasuringComponentType.objects.order_by("identifier"))
    if not types:
        yield Step(
            key="vee.types",
            title=_("Measuring component types are defined"),
            state=State.TO_DO,
            why=_("There is none: no reading can be taken in."),
            permission="vee.view_measuringcomponenttype",
            view="admin:vee_measuringcomponenttype_add",
            fix=_("Define a type"),
        )
    for kind in types:
        lacking = [name for name in _GROUPS if getattr(kind, f"{name}_id") is None]
        names = ", ".join(str(MeasuringComponentType._meta.get_field(name).verbose_name) for name in lacking)  # type: ignore[union-attr]
        yield Step(
            key=f"vee.groups.{kind.identifier}",
            title=_("%(type)s has its VEE groups") % {"type": kind.identifier},
            state=done_if(not lacking),
            why=_("Without: %(groups)s. Its readings pass no rules there.") % {"groups": names}
            if lacking
            else _("Initial load, manual override and estimation."),
            permission="vee.view_measuringcomponenttype",
            view="admin:vee_measuringcomponenttype_change",
            arguments=(kind.pk,),
            fix=_("Choose its groups"),
        )


def _time_zones() -> Step:
    points = ServicePoint.objects.all()
    numbers = counting.counts({"all": points, "utc": points.filter(time_zone="UTC")})
    if not numbers["all"]:
        state, why = State.TO_DO, _("There is no service point yet.")
    elif numbers["utc"]:
        # Whoever lives there has set nothing wrong; whoever does not has forgotten it.
        state = State.UNKNOWN
        why = _("Left in UTC, which is what a new one gets: %(number)s.") % {"number": numbers["utc"]}
    else:
        state, why = State.DONE, _("None of %(number)s was left in UTC.") % {"number": numbers["all"]}
    return Step(
        key="vee.time_zones",
        title=_("Service points have their time zone"),
        state=state,
        why=why,
        permission="vee.view_servicepoint",
        view="admin:vee_servicepoint_changelist",
        filters={"time_zone": "UTC"} if numbers["utc"] else {},
        fix=_("Open the service points"),
    )


def _holidays(at: dt.datetime) -> Iterator[Step]:
    year = at.astimezone(dt.UTC).year
    calendars = set(Holiday.objects.order_by().values_list("calendar", flat=True).distinct())
    filled = set(Holiday.objects.filter(date__year=year).order_by().values_list("calendar", flat=True).distinct())
    strange = ServicePoint.objects.exclude(Q(holiday_calendar="") | Q(holiday_calendar__in=calendars))
    named = strange.order_by("holiday_calendar").values_list("holiday_calendar", flat=True).first()
    if named:
        calendars.add(named)
    if not calendars:
        yield Step(
            key="vee.holidays",
            title=_("Holidays of %(year)s are entered") % {"year": year},
            state=State.UNKNOWN,
            why=_("There is no holiday calendar, and no service point names one. Estimations then know no holidays."),
            permission="vee.view_holiday",
            view="admin:vee_holiday_changelist",
            fix=_("Open the holidays"),
        )
    for calendar in sorted(calendars):
        yield Step(
            key=f"vee.holidays.{calendar}",
            title=_("Holidays of %(year)s are entered for %(calendar)s") % {"year": year, "calendar": calendar},
            state=done_if(calendar in filled),
            why=_("The calendar has days of this year.") if calendar in filled else _("It has no day of this year."),
            permission="vee.view_holiday",
            view="admin:vee_holiday_changelist" if calendar in filled else "admin:vee_holiday_add",
            filters={"calendar": calendar},
            fix=_("Open the holidays") if calendar in filled else _("Add the holidays"),
        )
