"""Work for people."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from vee import choices


class ToDoType(models.Model):
    """A kind of work, and the role that does it."""

    code = models.CharField(max_length=40, primary_key=True)
    description = models.CharField(max_length=200, blank=True)
    role = models.ForeignKey(Group, on_delete=models.PROTECT, null=True, blank=True)

    class Meta:
        verbose_name = _("To Do type")

    def __str__(self) -> str:
        return self.code


class ToDo(models.Model):
    """One To Do per IMD that entered EXCEPTION or ERROR: it lists the exceptions and is resolved by an action."""

    imd = models.ForeignKey("vee.InitialMeasurement", on_delete=models.CASCADE, related_name="todos")
    type = models.ForeignKey(ToDoType, on_delete=models.PROTECT)
    role = models.ForeignKey(Group, on_delete=models.PROTECT, null=True, blank=True)
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="todos"
    )
    status = models.CharField(max_length=20, choices=choices.ToDoStatus.choices, default=choices.ToDoStatus.OPEN)
    summary = models.CharField(max_length=500)
    created_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True, blank=True)
    completed_by = models.CharField(max_length=150, blank=True)
    completion = models.CharField(
        max_length=500, blank=True, help_text=_("The action that completed it, and its reason.")
    )

    class Meta:
        verbose_name = _("To Do")
        verbose_name_plural = _("To Dos")
        indexes = [
            models.Index(fields=["status", "created_at"], name="todo_status_age"),
            models.Index(fields=["created_at", "id"], name="todo_age"),
            # Most are complete, and the oldest of all: the oldest open ones are not to be looked for among them.
            models.Index(fields=["created_at", "id"], condition=~Q(status="COMPLETE"), name="todo_open_age"),
            models.Index(fields=["completed_at"], condition=Q(completed_at__isnull=False), name="todo_completed"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["imd"], condition=~Q(status="COMPLETE"), name="todo_one_open_per_imd"),
        ]
        permissions = [("assign_todo", _("Can assign To Dos"))]

    def __str__(self) -> str:
        return self.summary
