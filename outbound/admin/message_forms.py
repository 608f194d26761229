"""The forms of the message queue: the reason of an action, and the context values of a sender."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from django import forms
from django.forms.models import BaseInlineFormSet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from outbound.choices import SECRET_CONTEXT_TYPES, ContextType, MessageAction
from outbound.masking import HIDDEN
from outbound.models import ExternalSystem, OutboundMessageType, SenderContext
from outbound.operations import message_setup


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked before an action: its words, what will happen, and what is said when it is done."""

    title: Any
    explanation: Any
    done: Any
    danger: bool = False


QUESTIONS = {
    MessageAction.RESEND: Question(
        title=_("Resend"),
        explanation=_("They are sent now, with their retries from 0. The message id stays the same."),
        done=ngettext_lazy("%(count)d message will be sent now.", "%(count)d messages will be sent now.", "count"),
    ),
    MessageAction.SEND_AGAIN: Question(
        title=_("Send again"),
        explanation=_(
            "What was delivered goes out once more under the same message id: a target that knows the id takes it for "
            "a repetition."
        ),
        done=ngettext_lazy("%(count)d message will be sent again.", "%(count)d messages will be sent again.", "count"),
    ),
    MessageAction.CANCEL: Question(
        title=_("Cancel"),
        explanation=_("Nothing more is sent. What was sent stays sent."),
        done=ngettext_lazy("%(count)d message was canceled.", "%(count)d messages were canceled.", "count"),
        danger=True,
    ),
}


class ReasonForm(forms.Form):
    """Why."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=1000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3, "autofocus": True}),
        help_text=_("It stays with the record."),
    )


class ContextForm(forms.ModelForm):  # type: ignore[type-arg]
    """One context value; a secret one is entered, never shown, and stays when its field is left empty."""

    new_value = forms.CharField(
        required=False,
        label=_("Value"),
        max_length=4000,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    class Meta:
        model = SenderContext
        fields = ("context_type",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is None:
            self.fields["new_value"].help_text = _("A header is written as Name: value.")
        elif self.instance.context_type in SECRET_CONTEXT_TYPES:
            name = f"{self.instance.value.partition(':')[0]}: " if self._is_header() else ""
            self.fields["new_value"].help_text = _("Set. Leave empty to keep it.")
            self.fields["new_value"].widget.attrs["placeholder"] = f"{name}{HIDDEN}"
        else:
            self.fields["new_value"].initial = self.instance.value

    def value(self) -> str:
        """Give the value as entered; the stored one when a secret's field was left empty."""
        entered = str(self.cleaned_data.get("new_value") or "")
        if not entered and self.instance.pk and self.instance.context_type in SECRET_CONTEXT_TYPES:
            return self.instance.value
        return entered

    def _is_header(self) -> bool:
        return self.instance.context_type == ContextType.HTTP_HEADER


class ContextFormSet(BaseInlineFormSet):  # type: ignore[type-arg]
    """All context values of a sender, checked together."""

    def values(self) -> list[tuple[str, str]]:
        """Give the (type, value) pairs that the sender has when this is saved."""
        return [
            (form.cleaned_data["context_type"], cast("ContextForm", form).value())
            for form in self.forms
            if form.cleaned_data.get("context_type") and not form.cleaned_data.get("DELETE")
        ]

    def clean(self) -> None:
        """Refuse values that do not go together."""
        super().clean()
        if not any(self.errors):
            for error in message_setup.context_misfits(self.values()):
                raise forms.ValidationError(error["message"])


class _CheckedForm(forms.ModelForm):  # type: ignore[type-arg]
    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if not self.errors:
            for error in message_setup.misfits(self.instance):
                field = error["pointer"].lstrip("/")
                self.add_error(field if field in self.fields else None, error["message"])


class ExternalSystemForm(_CheckedForm):
    """An external system, checked as every save is."""

    class Meta:
        model = ExternalSystem
        fields = ("name", "description", "processing_method", "connection", "sender")


class MessageTypeForm(_CheckedForm):
    """A message type, checked as every save is."""

    class Meta:
        model = OutboundMessageType
        fields = (
            *("code", "description", "method", "path", "sender", "ordered", "answer_kind"),
            *("max_retries", "retry_delays", "duplicate_statuses", "retry_statuses"),
        )
