"""Pauses in the admin: made here, ended by their button."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminSelectWidget

from foundation.admin import ModelAdmin
from foundation.words import in_words
from integration import control_queries
from integration.admin import confirmation
from integration.choices import PauseScope
from integration.models import Pause
from integration.operations import pauses
from outbound import queries as outbound_queries


_END = confirmation.Question(
    title=_("End this pause"),
    explanation=_("Exactly what this pause stopped goes on; what another pause covers stays as it is."),
    button=_("End the pause"),
)


class PauseForm(forms.ModelForm):  # type: ignore[type-arg]
    """What to stop, why, and until when."""

    what = forms.ChoiceField(label=_("What"), widget=UnfoldAdminSelectWidget())

    class Meta:
        model = Pause
        fields = ("reason", "planned_end")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        what = self.fields.get("what")
        if isinstance(what, forms.ChoiceField):
            what.choices = [
                ("", "---------"),
                (_("Flows"), [_choice(PauseScope.FLOW, *each) for each in control_queries.flow_names().items()]),
                (
                    _("Connections"),
                    [_choice(PauseScope.CONNECTION, name, name) for name in outbound_queries.connection_names()],
                ),
                _choice(PauseScope.ALL, "", PauseScope.ALL.label),
            ]

    def clean(self) -> dict[str, Any]:
        """Read the choice as what the pause covers, and refuse here what would be refused, with all that was typed."""
        given: dict[str, Any] = super().clean() or {}
        if not self.errors:
            self.instance.scope, _colon, self.instance.target = given["what"].partition(":")
            try:
                pauses.check(
                    scope=self.instance.scope,
                    target=self.instance.target,
                    reason=given["reason"],
                    planned_end=given["planned_end"],
                    at=timezone.now(),
                )
            except pauses.UnableToPause as error:
                raise forms.ValidationError(in_words(error)) from None
        return given


def _choice(scope: str, target: str, label: Any) -> tuple[str, Any]:
    return f"{scope}:{target}", label


@admin.register(Pause)
class PauseAdmin(ModelAdmin):
    """Pauses, open and ended; one is made here and ended by its button, and never changed."""

    form = PauseForm
    list_display = ["what", "open_badge", "reason", "paused_by", "paused_at", "planned_end", "resumed_by", "resumed_at"]
    list_filter = ["scope", ("resumed_at", admin.EmptyFieldListFilter)]
    search_fields = ["target", "reason", "paused_by"]
    ordering = ["-paused_at", "pk"]
    actions_detail = ["end"]

    def get_fields(self, request: HttpRequest, obj: Pause | None = None) -> Any:
        """Show everything of a pause that there is."""
        if obj is None:
            return ["what", "reason", "planned_end"]
        return [
            *("scope", "target", "reason", "paused_by", "paused_at", "planned_end"),
            *("resumed_by", "resumed_at", "resume_reason"),
        ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Whoever may pause."""
        return bool(request.user.has_perm("integration.pause_flow"))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody: a pause is evidence."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody: a pause is evidence."""
        return False

    def get_queryset(self, request: HttpRequest) -> Any:
        return control_queries.with_flow_titles(super().get_queryset(request))

    @display(description=_("What"), ordering="scope")
    def what(self, row: Pause) -> str:
        return str(row)

    @display(description=_("State"), ordering="resumed_at", label={"open": "warning", "ended": "default"})
    def open_badge(self, row: Pause) -> tuple[str, Any]:
        return ("open", _("Paused")) if row.resumed_at is None else ("ended", _("Ended"))

    def save_model(self, request: HttpRequest, obj: Pause, form: Any, change: bool) -> None:
        made = pauses.pause(
            scope=obj.scope,
            target=obj.target,
            by=request.user.get_username(),
            reason=obj.reason,
            planned_end=obj.planned_end,
            at=timezone.now(),
        )
        obj.pk = made.pk

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Pause, or say why it cannot be done."""
        try:
            return super().add_view(request, form_url, extra_context)
        except pauses.UnableToPause as error:
            self.message_user(request, in_words(error), messages.ERROR)
            return HttpResponseRedirect(reverse("admin:integration_pause_add"))

    def has_end_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return (
            request.user.has_perm("integration.pause_flow")
            and Pause.objects.filter(pk=object_id, resumed_at__isnull=True).exists()
        )

    @action(description=_("End the pause"), icon="play_circle", permissions=["end"])
    def end(self, request: HttpRequest, object_id: int) -> HttpResponse:
        form = confirmation.ReasonForm(request.POST or None)
        if request.method != "POST" or not form.is_valid():
            return confirmation.ask(self, request, record=Pause.objects.get(pk=object_id), question=_END, form=form)
        try:
            pauses.resume(
                pause_id=object_id,
                by=request.user.get_username(),
                reason=form.cleaned_data["reason"],
                at=timezone.now(),
            )
        except pauses.AlreadyResumed as error:
            self.message_user(request, in_words(error), messages.ERROR)
        else:
            self.message_user(request, _("The pause has ended; what waited goes on."), messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:integration_pause_change", args=[object_id]))
