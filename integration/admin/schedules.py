"""Schedules of background work under the theme."""

from __future__ import annotations

from django.contrib import admin
from django_celery_beat.admin import ClockedScheduleAdmin as BeatClockedScheduleAdmin
from django_celery_beat.admin import CrontabScheduleAdmin as BeatCrontabScheduleAdmin
from django_celery_beat.admin import PeriodicTaskAdmin as BeatPeriodicTaskAdmin
from django_celery_beat.admin import PeriodicTaskForm, TaskSelectWidget
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from foundation.admin import ModelAdmin


for model in (PeriodicTask, IntervalSchedule, CrontabSchedule, SolarSchedule, ClockedSchedule):
    admin.site.unregister(model)


class _TaskSelect(UnfoldAdminSelectWidget, TaskSelectWidget):  # type: ignore[misc]
    template_name = "unfold/widgets/select.html"


class ThemedPeriodicTaskForm(PeriodicTaskForm):  # type: ignore[misc]
    """The scheduler's own form with the theme's inputs."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["task"].widget = UnfoldAdminTextInputWidget()
        self.fields["regtask"].widget = _TaskSelect()


@admin.register(PeriodicTask)
class PeriodicTaskAdmin(BeatPeriodicTaskAdmin, ModelAdmin):  # type: ignore[misc]
    """What runs when."""

    form = ThemedPeriodicTaskForm
    # The scheduler's own page has a script in the page, which the Content-Security-Policy does not let run.
    change_form_template = None
    list_select_related = ["interval", "crontab", "solar", "clocked"]


@admin.register(IntervalSchedule)
class IntervalScheduleAdmin(ModelAdmin):
    """Every so often."""


@admin.register(CrontabSchedule)
class CrontabScheduleAdmin(BeatCrontabScheduleAdmin, ModelAdmin):  # type: ignore[misc]
    """At set times."""


@admin.register(SolarSchedule)
class SolarScheduleAdmin(ModelAdmin):
    """By the sun."""


@admin.register(ClockedSchedule)
class ClockedScheduleAdmin(BeatClockedScheduleAdmin, ModelAdmin):  # type: ignore[misc]
    """Once."""
