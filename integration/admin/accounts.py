"""Users, roles and API tokens under the theme."""

from __future__ import annotations

from typing import Any

from axes.models import AccessAttempt
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from rest_framework.authtoken.admin import TokenAdmin as DRFTokenAdmin
from rest_framework.authtoken.models import TokenProxy
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from foundation import search_queries
from foundation.admin import EvidenceAdmin, InstantRangeFilter, ModelAdmin
from foundation.models import AuditEntry


admin.site.unregister(User)
admin.site.unregister(Group)
admin.site.unregister(TokenProxy)
admin.site.unregister(TOTPDevice)
admin.site.unregister(StaticDevice)


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):  # type: ignore[misc]
    """People and peer systems; what they may do comes from their roles."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", "email", "is_active", "is_staff", "last_login"]
    ordering = ["username"]


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):  # type: ignore[misc]
    """Roles; `manage.py setup` keeps the permissions of the shipped ones."""


@admin.register(TokenProxy)
class TokenAdmin(DRFTokenAdmin, ModelAdmin):  # type: ignore[misc]
    """API tokens of systems."""

    list_display = ["user", "created"]
    list_select_related = ["user"]


@admin.register(AccessAttempt)
class LoginFailureAdmin(EvidenceAdmin):
    """Wrong logins that still count; to delete one is to unlock."""

    list_display = ["username", "ip_address", "failures_since_start", "attempt_time"]
    search_fields = ["username", "ip_address"]
    fields = ["username", "ip_address", "user_agent", "path_info", "failures_since_start", "attempt_time"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may delete them may unlock."""
        return request.user.has_perm("axes.delete_accessattempt")


@admin.register(TOTPDevice)
class AuthenticatorAppAdmin(EvidenceAdmin):
    """Authenticator apps of people; to delete one lets its owner set a new one up."""

    list_display = ["user", "name", "confirmed", "created_at", "last_used_at"]
    list_select_related = ["user"]
    search_fields = ["user__username"]
    fields = ["user", "name", "confirmed", "created_at", "last_used_at", "throttling_failure_count"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may delete them may let a person begin anew."""
        return request.user.has_perm("otp_totp.delete_totpdevice")


@admin.register(AuditEntry)
class AuditTrailAdmin(EvidenceAdmin):
    """The audit trail, as it was written."""

    list_display = ["at", "by", "action", "component", "name", "reason"]
    list_filter = ["action", "component", ("at", InstantRangeFilter)]
    list_filter_submit = True
    search_fields = ["by", "name", "reason"]
    search_help_text = _("The start of an account, a record or a reason; of the latest entries also a part of them.")
    search_condition = staticmethod(search_queries.audit_entries)
    ordering = ["-pk"]
    fields = ["at", "by", "action", "component", "record", "name", "reason", "changes", "position", "digest"]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may see the audit of the configuration sees this too."""
        return request.user.has_perm("integration.view_audit")

    def has_module_permission(self, request: HttpRequest) -> bool:
        """As for the page."""
        return self.has_view_permission(request)
