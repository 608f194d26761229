"""Connections in the admin: fields by transport, write-only secrets, *Test connection*, and how they are doing."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from simple_history.admin import SimpleHistoryAdmin
from unfold.decorators import display

from foundation.admin import ModelAdmin
from outbound import options, queries
from outbound.admin.forms import OPTION_FIELDS, ConnectionForm
from outbound.choices import (
    AVAILABLE_TRANSPORTS,
    FILE_TRANSPORTS,
    TRANSPORTS_WITH_BASE_URL,
    TRANSPORTS_WITH_HOST,
    BreakerState,
    Transport,
)
from outbound.models import Connection
from outbound.operations import connection_tests, connections


def _shown_for(transports: Any) -> str:
    # `!transport` while the page has not read the field yet.
    return " || ".join(f"transport == '{name}'" for name in sorted(transports))


class AttentionFilter(admin.SimpleListFilter):
    """Connections that were not heard from lately, or whose breaker is not closed."""

    title = _("attention")
    parameter_name = "attention"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Give what can be asked for."""
        return [("stale", _("Needs a look"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep what was asked for."""
        if self.value() != "stale":
            return queryset
        return queryset.filter(pk__in=queries.connections_to_look_at(at=timezone.now()).order_by().values("pk"))


@admin.register(Connection)
class ConnectionAdmin(SimpleHistoryAdmin, ModelAdmin):
    """Configuration with checks; its health is evidence above the form."""

    form = ConnectionForm
    list_display = ["name", "transport_label", "target", "breaker", "last_answer", "tested", "enabled_label"]
    list_filter = ["transport", "enabled", "health__state", AttentionFilter]
    search_fields = ["name", "description", "base_url", "host"]
    ordering = ["name"]
    actions = ["test_selected"]
    change_form_outer_before_template = "admin/outbound/connection_health.html"
    fieldsets = [
        (None, {"fields": ["name", "description", "transport", "enabled", "target_release", "zone"]}),
        (_("Target"), {"fields": ["base_url", "host", "port", "directory", "namespace", "known_host_key"]}),
        (_("Credentials"), {"fields": ["username", "new_password", "key_id", "new_private_key"]}),
        (
            _("Limits"),
            {"fields": [("connect_timeout", "read_timeout"), ("max_concurrency", "rate_limit_per_second")]},
        ),
        (
            _("Trust and options"),
            {"fields": ["ca_bundle", "trust_certificate", "identity_certificate", *OPTION_FIELDS]},
        ),
    ]
    conditional_fields = {
        "base_url": _shown_for(TRANSPORTS_WITH_BASE_URL),
        "host": _shown_for(TRANSPORTS_WITH_HOST),
        "port": _shown_for(TRANSPORTS_WITH_HOST),
        "directory": _shown_for(FILE_TRANSPORTS),
        "namespace": _shown_for({Transport.OBJECT_STORAGE}),
        "known_host_key": _shown_for({Transport.SFTP}),
        "username": _shown_for(set(Transport) - {Transport.OBJECT_STORAGE}),
        "new_password": _shown_for(set(Transport) - {Transport.OBJECT_STORAGE}),
        "key_id": _shown_for({Transport.OBJECT_STORAGE}),
        "new_private_key": _shown_for({Transport.OBJECT_STORAGE, Transport.SFTP}),
        **{field: _shown_for(options.DECLARED[name].transports) for field, name in OPTION_FIELDS.items()},
    }

    def get_queryset(self, request: HttpRequest) -> QuerySet[Connection]:
        return queries.connections_for_display()

    def has_test_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("outbound.test_connection")

    def save_model(self, request: HttpRequest, obj: Connection, form: Any, change: bool) -> None:
        connections.save_connection(connection=obj, secrets=form.secrets(), by=request.user, at=timezone.now())

    def delete_model(self, request: HttpRequest, obj: Connection) -> None:
        connections.delete_connection(connection=obj, by=request.user)

    def get_urls(self) -> list[URLPattern]:
        test = self.admin_site.admin_view(require_POST(self.test_view))
        return [path("<int:connection_id>/test/", test, name="outbound_connection_test"), *super().get_urls()]

    def test_view(self, request: HttpRequest, connection_id: int) -> HttpResponse:
        """Test one connection and show the outcome on its page."""
        if not self.has_test_permission(request):
            raise PermissionDenied
        connection = self.get_object(request, str(connection_id))
        if connection is None:
            raise Http404
        self._test(request, connection.name)
        return HttpResponseRedirect(reverse("admin:outbound_connection_change", args=[connection_id]))

    @admin.action(description=_("Test connection"), permissions=["test"])
    def test_selected(self, request: HttpRequest, queryset: QuerySet[Connection]) -> None:
        """Test the selected connections one after the other."""
        for connection in queryset:
            self._test(request, connection.name)

    def _test(self, request: HttpRequest, name: str) -> None:
        outcome = connection_tests.test_connection(name=name, by=request.user, at=timezone.now())
        text = f"{name}: {outcome.summary} {outcome.advice}".strip()
        self.message_user(request, text, messages.SUCCESS if outcome.ok else messages.ERROR)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        context = {"may_test": self.has_test_permission(request), **(extra_context or {})}
        return super().changeform_view(request, object_id, form_url, context)

    @display(description=_("transport"), ordering="transport")
    def transport_label(self, connection: Connection) -> str:
        label = connection.get_transport_display()
        return label if connection.transport in AVAILABLE_TRANSPORTS else f"{label} (not available in this version)"

    @display(description=_("target"))
    def target(self, connection: Connection) -> str:
        if connection.base_url:
            return connection.base_url
        return f"{connection.host}:{connection.port}" if connection.port else connection.host

    @display(
        description=_("breaker"),
        ordering="health__state",
        label={"CLOSED": "success", "OPEN": "danger", "HALF_OPEN": "warning", "CREDENTIALS": "danger"},
    )
    def breaker(self, connection: Connection) -> tuple[str, Any]:
        health = getattr(connection, "health", None)
        if connection.transport not in AVAILABLE_TRANSPORTS:
            return "", "–"
        if health is None:
            return BreakerState.CLOSED, BreakerState.CLOSED.label
        if health.credentials_refused:
            return "CREDENTIALS", _("Credentials refused")
        return health.state, health.get_state_display()

    @display(description=_("last answer"), ordering="health__last_success_at")
    def last_answer(self, connection: Connection) -> Any:
        health = getattr(connection, "health", None)
        if health is None or health.last_success_at is None:
            return _("never")
        now = timezone.now()
        ago = _("%(time)s ago") % {"time": timesince(health.last_success_at, now)}
        stale = connection.enabled and now - health.last_success_at > queries.STALE_AFTER
        return _("%(ago)s (stale)") % {"ago": ago} if stale else ago

    @display(description=_("last test"), label={"ok": "success", "not ok": "danger"})
    def tested(self, connection: Connection) -> tuple[str, Any]:
        health = getattr(connection, "health", None)
        if health is None or not health.last_test_result:
            return "never", _("never")
        return ("ok", _("ok")) if health.last_test_result["ok"] else ("not ok", _("not ok"))

    @display(description=_("enabled"), ordering="enabled", boolean=True)
    def enabled_label(self, connection: Connection) -> bool:
        return connection.enabled
