"""What runs by itself, and what protects the site."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from django.utils.translation import gettext as _
from django_celery_beat.models import PeriodicTask

from foundation.words import in_words
from integration import deployment_checks, health
from integration.beat import LEASE_SECONDS
from integration.choices import Pattern
from integration.models import Flow
from integration.operations.schedules import SHIPPED
from integration.setup_help.step import State, Step, done_if


def schedules(*, at: dt.datetime) -> Iterator[Step]:
    """Give the scheduler's heartbeat, the shipped schedules, and those of active scheduled flows."""
    age = health.beat_age(at)
    yield Step(
        key="schedules.heartbeat",
        title=_("The scheduler runs"),
        state=done_if(age is not None and age <= LEASE_SECONDS),
        why=_("It has never run.") if age is None else _("Its last heartbeat is %(age)d s old.") % {"age": age},
        permission="django_celery_beat.view_periodictask",
        fix=_("Start the product with its scheduler (beat); see the operations guide."),
    )
    found = dict(PeriodicTask.objects.filter(name__in=[each.name for each in SHIPPED]).values_list("name", "enabled"))
    off = sorted(name for name, enabled in found.items() if not enabled)
    missing = sorted({each.name for each in SHIPPED} - set(found))
    why = _("All of them are on.")
    if off:
        why = _("Switched off: %(names)s.") % {"names": ", ".join(off)}
    if missing:
        why = _("Not installed (setup installs them): %(names)s.") % {"names": ", ".join(missing)}
    yield Step(
        key="schedules.background",
        title=_("Background tasks are on"),
        state=done_if(not off and not missing),
        why=why,
        permission="django_celery_beat.view_periodictask",
        view="admin:django_celery_beat_periodictask_changelist",
        filters={"enabled__exact": "0"} if off else {},
        fix=_("Open the background tasks"),
    )
    flows = Flow.objects.filter(active=True, pattern=Pattern.SCHEDULED).select_related("schedule")
    for flow in flows.order_by("display_name"):
        schedule = getattr(flow, "schedule", None)
        yield Step(
            key=f"schedules.flow.{flow.name}",
            title=_("%(flow)s runs on schedule") % {"flow": flow.display_name},
            state=done_if(schedule is not None and schedule.enabled),
            why=_("The flow is active and has no schedule.")
            if schedule is None
            else (_("Its schedule is on.") if schedule.enabled else _("The flow is active and its schedule is off.")),
            permission="integration.view_flowschedule",
            view="admin:integration_flowschedule_add" if schedule is None else "admin:integration_flowschedule_change",
            arguments=() if schedule is None else (schedule.pk,),
            filters={"flow": flow.pk} if schedule is None else {},
            fix=_("Set its schedule"),
        )


def protection() -> Iterator[Step]:
    """Give what the deployment checks find: second factor, limits, host names, keys of a trial."""
    wrong = deployment_checks.protections_are_on(None)
    if not wrong:
        yield Step(
            key="protection",
            title=_("The site is protected as a production is"),
            state=State.DONE,
            why=_("Second factor, limits on passwords and requests, host names and keys are set."),
            permission="integration.view_audit",
        )
    for each in wrong:
        yield Step(
            key=f"protection.{each.id}",
            title=in_words(each.msg),
            state=State.TO_DO,
            why=_("Fine for a trial, not for a production."),
            permission="integration.view_audit",
            fix=in_words(each.hint or ""),
        )
