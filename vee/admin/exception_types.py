"""Types of exception: what they mean, and what work they make."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from simple_history.admin import SimpleHistoryAdmin
from unfold.decorators import display

from foundation.admin import ModelAdmin
from vee.models import VeeExceptionType


class ExceptionTypeForm(forms.ModelForm):  # type: ignore[type-arg]
    """A type of exception, with what its fields mean."""

    class Meta:
        model = VeeExceptionType
        fields = [
            "code",
            "description",
            "create_todo",
            "todo_type",
            "todo_role",
            "retry_when_related_completes",
        ]
        labels = {
            "todo_type": _("To Do type"),
            "todo_role": _("To Do for the role"),
            "create_todo": _("Makes a To Do"),
            "retry_when_related_completes": _("Try again when related data is complete"),
        }


@admin.register(VeeExceptionType)
class VeeExceptionTypeAdmin(SimpleHistoryAdmin, ModelAdmin):  # type: ignore[misc]
    """Types of exception: what they mean and who works on them."""

    form = ExceptionTypeForm
    list_display = ["code", "description", "makes_todo", "type_of_todo", "role_of_todo", "tries_again"]
    list_select_related = ["todo_type", "todo_role"]
    search_fields = ["code", "description"]
    ordering = ["code"]

    @display(description=_("makes a To Do"), ordering="create_todo", boolean=True)
    def makes_todo(self, kind: VeeExceptionType) -> bool:
        return kind.create_todo

    @display(description=_("To Do type"), ordering="todo_type", empty_value="–")
    def type_of_todo(self, kind: VeeExceptionType) -> Any:
        return kind.todo_type

    @display(description=_("To Do for the role"), ordering="todo_role", empty_value="–")
    def role_of_todo(self, kind: VeeExceptionType) -> Any:
        return kind.todo_role

    @display(
        description=_("tried again when related data is complete"),
        ordering="retry_when_related_completes",
        boolean=True,
    )
    def tries_again(self, kind: VeeExceptionType) -> bool:
        return kind.retry_when_related_completes

    def get_readonly_fields(self, request: Any, obj: Any = None) -> list[str]:
        return ["code"] if obj else []
