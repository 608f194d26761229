"""What messages go by, in the admin: external systems, senders with their context, message types."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from simple_history.admin import SimpleHistoryAdmin
from unfold.decorators import display

from foundation.admin import ModelAdmin, TabularInline
from outbound.admin.message_forms import ContextForm, ContextFormSet, ExternalSystemForm, MessageTypeForm
from outbound.models import ExternalSystem, MessageSender, OutboundMessageType, SenderContext
from outbound.operations import message_setup


@admin.register(ExternalSystem)
class ExternalSystemAdmin(SimpleHistoryAdmin, ModelAdmin):
    """Where messages go."""

    form = ExternalSystemForm
    list_display = ["name", "processing_method", "connection_label", "sender", "description"]
    list_filter = ["processing_method"]
    list_select_related = ["connection", "sender"]
    search_fields = ["name", "description"]
    ordering = ["name"]

    def save_model(self, request: HttpRequest, obj: ExternalSystem, form: Any, change: bool) -> None:
        message_setup.save_external_system(system=obj, by=request.user)

    @display(description=_("connection"))
    def connection_label(self, system: ExternalSystem) -> Any:
        return system.connection or _("%(name)s (by its name)") % {"name": system.name}


@admin.register(OutboundMessageType)
class OutboundMessageTypeAdmin(SimpleHistoryAdmin, ModelAdmin):
    """What kinds of messages there are."""

    form = MessageTypeForm
    list_display = ["code", "method", "path", "ordered", "max_retries", "answer_kind", "description"]
    list_filter = ["ordered", "answer_kind"]
    search_fields = ["code", "description"]
    ordering = ["code"]

    def save_model(self, request: HttpRequest, obj: OutboundMessageType, form: Any, change: bool) -> None:
        message_setup.save_message_type(kind=obj, by=request.user)


class ContextInline(TabularInline):
    """The context values; secret ones are written only."""

    model = SenderContext
    form = ContextForm
    formset = ContextFormSet
    fields = ["context_type", "new_value"]
    ordering = ["context_type", "id"]
    verbose_name_plural = _("context values")
    hide_title = True


@admin.register(MessageSender)
class MessageSenderAdmin(SimpleHistoryAdmin, ModelAdmin):
    """How messages are sent."""

    list_display = ["name", "connection", "context_types", "description"]
    list_select_related = ["connection"]
    search_fields = ["name", "description"]
    ordering = ["name"]
    fields = ["name", "description", "connection"]
    inlines = [ContextInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[MessageSender]:
        """Give the senders with the kinds of their context values; the values stay unread."""
        kinds = SenderContext.objects.only("context_type", "sender")
        senders: QuerySet[MessageSender] = super().get_queryset(request)
        return senders.prefetch_related(Prefetch("context", queryset=kinds))

    def save_model(self, request: HttpRequest, obj: MessageSender, form: Any, change: bool) -> None:
        message_setup.save_sender(sender=obj, by=request.user)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        message_setup.save_sender(sender=form.instance, context=formset.values(), by=request.user)
        # The admin's log reads what changed from these.
        formset.new_objects, formset.changed_objects, formset.deleted_objects = [], [], []

    @display(description=_("context"))
    def context_types(self, sender: MessageSender) -> str:
        return ", ".join(sorted(each.context_type for each in sender.context.all()))
