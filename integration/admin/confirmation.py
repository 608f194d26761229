"""The page that asks before something is done to a record, and why it is done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib.admin import ModelAdmin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked: the button's words, what will happen, and whether it is dangerous."""

    title: Any
    explanation: Any
    button: Any
    danger: bool = False


class ReasonForm(forms.Form):
    """Why."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=1000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3, "autofocus": True}),
        help_text=_("It stays with the record."),
    )


def ask(
    model_admin: ModelAdmin[Any], request: HttpRequest, *, record: Any, question: Question, form: ReasonForm
) -> HttpResponse:
    """Show the page."""
    return TemplateResponse(
        request,
        "admin/integration/confirm.html",
        {
            **model_admin.admin_site.each_context(request),
            "title": question.title,
            "question": question,
            "record": record,
            "form": form,
            "opts": model_admin.model._meta,
        },
    )
