"""Certificates in the admin: uploaded as PEM or PKCS#12, shown with what they say, their keys never."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from simple_history.admin import SimpleHistoryAdmin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminPasswordWidget

from foundation.admin import ModelAdmin
from foundation.words import in_words
from outbound.models import Certificate
from outbound.operations import certificates


class CertificateForm(forms.ModelForm):  # type: ignore[type-arg]
    """A name, a kind, and the files; the certificate is checked before anything is stored."""

    file = forms.FileField(
        label=_("Certificate file"),
        help_text=_("PEM or PKCS#12 (.p12, .pfx)."),
        max_length=255,
        widget=UnfoldAdminFileFieldWidget(),
    )
    key_file = forms.FileField(
        required=False,
        label=_("Private key file"),
        help_text=_("Only for an identity whose key is in a file of its own."),
        widget=UnfoldAdminFileFieldWidget(),
    )
    passphrase = forms.CharField(
        required=False,
        strip=False,
        label=_("Passphrase"),
        help_text=_("What the key or the PKCS#12 file is encrypted with. It is not stored."),
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
    )

    class Meta:
        model = Certificate
        fields = ("name", "kind")

    def upload(self) -> dict[str, Any]:
        """Give what was uploaded."""
        key = self.cleaned_data.get("key_file")
        return {
            "content": self.cleaned_data["file"].read(certificates.MAX_BYTES + 1),
            "private_key": key.read(certificates.MAX_BYTES + 1) if key else b"",
            "passphrase": self.cleaned_data.get("passphrase", ""),
        }

    def clean(self) -> dict[str, Any]:
        """Refuse what cannot be used, saying why."""
        given: dict[str, Any] = super().clean() or {}
        if self.errors:
            return given
        self.uploaded = self.upload()
        try:
            certificates.check_certificate(
                name=given.get("name") or self.instance.name,
                kind=given.get("kind") or self.instance.kind,
                at=timezone.now(),
                **self.uploaded,
            )
        except certificates.UnableToSaveCertificate as error:
            self.add_error("file", in_words(error))
        return given


@admin.register(Certificate)
class CertificateAdmin(SimpleHistoryAdmin, ModelAdmin):
    """The list of certificates; a renewed one is uploaded on the page of the old."""

    form = CertificateForm
    list_display = ["name", "kind", "subject", "issuer", "not_after", "validity", "users"]
    list_filter = ["kind", "not_after"]
    search_fields = ["name", "subject", "issuer", "fingerprint"]
    ordering = ["not_after", "pk"]

    def get_queryset(self, request: HttpRequest) -> Any:
        """Leave the keys unread."""
        return super().get_queryset(request).defer("private_key").prefetch_related("trusted_by", "shown_by")

    def get_fieldsets(self, request: HttpRequest, obj: Certificate | None = None) -> Any:
        """Show what a stored certificate says."""
        upload = (_("Upload"), {"fields": ["file", "key_file", "passphrase"]})
        if obj is None:
            return [(None, {"fields": ["name", "kind"]}), upload]
        says = ["name", "kind", "subject", "issuer", "serial_number", "fingerprint", "not_before", "not_after", "users"]
        return [(None, {"fields": says}), (_("Uploaded"), {"fields": ["uploaded_by", "uploaded_at"]}), upload]

    def get_readonly_fields(self, request: HttpRequest, obj: Certificate | None = None) -> Any:
        """Keep name and kind of a stored certificate: connections use it."""
        if obj is None:
            return []
        return [
            *("name", "kind", "subject", "issuer", "serial_number", "fingerprint", "not_before", "not_after"),
            *("users", "uploaded_by", "uploaded_at"),
        ]

    @display(description=_("Validity"), label={"good": "success", "soon": "warning", "expired": "danger"})
    def validity(self, certificate: Certificate) -> tuple[str, Any]:
        left = (certificate.not_after - timezone.now()).days
        if left < 0:
            return "expired", _("Expired")
        state = "soon" if left <= certificates.TOLD_BEFORE_DAYS[0] else "good"
        return state, _("%(days)s days") % {"days": left}

    @display(description=_("Used by"))
    def users(self, certificate: Certificate) -> str:
        names = {each.name for each in (*certificate.trusted_by.all(), *certificate.shown_by.all())}
        return ", ".join(sorted(names)) or "–"

    def save_model(self, request: HttpRequest, obj: Certificate, form: Any, change: bool) -> None:
        saved = certificates.save_certificate(
            name=obj.name, kind=obj.kind, by=request.user, at=timezone.now(), **form.uploaded
        )
        obj.pk = saved.pk

    def has_delete_permission(self, request: HttpRequest, obj: Certificate | None = None) -> bool:
        """One that connections use stays."""
        if obj is not None and (obj.trusted_by.exists() or obj.shown_by.exists()):
            return False
        return bool(super().has_delete_permission(request, obj))

    def delete_model(self, request: HttpRequest, obj: Certificate) -> None:
        try:
            certificates.delete_certificate(certificate=obj, by=request.user)
        except certificates.CertificateInUse as error:
            self.message_user(request, str(error), messages.ERROR)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for certificate in queryset:
            self.delete_model(request, certificate)
