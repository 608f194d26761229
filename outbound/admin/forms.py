"""The forms of connections and parameters: write-only secrets, options as fields of their own."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from foundation.words import in_words
from outbound import options
from outbound.models import Connection, Parameter
from outbound.operations.connections import misfits
from outbound.parameters import DECLARED, UnableToReadParameter


OPTION_FIELDS = {f"option_{name}": name for name in options.DECLARED}


def _option_field(option: options.Option) -> forms.Field:
    label = option.label
    if option.kind is bool:
        return forms.BooleanField(
            required=False, label=label, help_text=option.help, widget=UnfoldBooleanSwitchWidget()
        )
    if option.choices:
        return forms.ChoiceField(
            required=False,
            label=label,
            help_text=option.help,
            choices=[(choice, choice.replace("_", " ")) for choice in option.choices],
            widget=UnfoldAdminSelectWidget(),
        )
    return forms.CharField(
        required=False, label=label, help_text=option.help, widget=UnfoldAdminTextInputWidget(), max_length=500
    )


class ConnectionForm(forms.ModelForm):  # type: ignore[type-arg]
    """Everything of a connection; a secret is entered, never shown, and stays when its field is left empty."""

    new_password = forms.CharField(
        required=False,
        label=_("Password"),
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
    )
    new_private_key = forms.CharField(
        required=False,
        label=_("Private key"),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4, "spellcheck": "false"}),
    )

    class Meta:
        model = Connection
        fields = (
            "name",
            "description",
            "transport",
            "enabled",
            "target_release",
            "base_url",
            "host",
            "port",
            "directory",
            "namespace",
            "known_host_key",
            "username",
            "key_id",
            "connect_timeout",
            "read_timeout",
            "max_concurrency",
            "rate_limit_per_second",
            "ca_bundle",
            "trust_certificate",
            "identity_certificate",
            "zone",
        )
        widgets = {
            "ca_bundle": UnfoldAdminTextareaWidget(attrs={"rows": 4, "spellcheck": "false"}),
            "known_host_key": UnfoldAdminTextareaWidget(attrs={"rows": 2, "spellcheck": "false"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stored = self.instance.pk is not None
        for field, name in (("new_password", "password_set"), ("new_private_key", "private_key_set")):
            if field in self.fields:
                is_set = stored and getattr(self.instance, name, False)
                self.fields[field].help_text = (
                    _("Set. Leave empty to keep it.")
                    if is_set
                    else _("Not set. It is stored encrypted and never shown.")
                )
        for field, name in OPTION_FIELDS.items():
            if field in self.fields:
                self.fields[field].initial = options.value(self.instance.options, name)

    def secrets(self) -> dict[str, str]:
        """Give the secrets that were entered."""
        return {
            "password": self.cleaned_data.get("new_password", ""),
            "private_key": self.cleaned_data.get("new_private_key", ""),
        }

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        self.instance.options = self._options()
        if self.errors:
            return
        for error in misfits(self.instance):
            field = error["pointer"].lstrip("/").replace("options/", "option_")
            self.add_error(field if field in self.fields else None, error["message"])

    def _options(self) -> dict[str, Any]:
        chosen = {}
        for field, name in OPTION_FIELDS.items():
            value = self.cleaned_data.get(field)
            declared = options.DECLARED[name]
            if self.instance.transport in declared.transports and value not in (None, "", declared.default):
                chosen[name] = value
        return chosen


for _field, _name in OPTION_FIELDS.items():
    ConnectionForm.base_fields[_field] = ConnectionForm.declared_fields[_field] = _option_field(options.DECLARED[_name])


class ParameterForm(forms.ModelForm):  # type: ignore[type-arg]
    """A parameter's value, checked against its declaration."""

    class Meta:
        model = Parameter
        fields = ("value", "description")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        declared = DECLARED.get(self.instance.name)
        if declared is not None and "value" in self.fields:
            kind = _("a whole number") if declared.whole else _("seconds, which may be decimal")
            self.fields["value"].help_text = _(
                "%(help)s It is %(kind)s from %(minimum)s to %(maximum)s; shipped: %(default)s."
            ) % {
                "help": declared.help,
                "kind": kind,
                "minimum": declared.minimum,
                "maximum": declared.maximum,
                "default": declared.default,
            }

    def clean_value(self) -> str:
        """Read the value as its declaration says."""
        declared = DECLARED.get(self.instance.name)
        if declared is None:
            raise forms.ValidationError(_("This parameter is not used by this version."))
        try:
            return declared.write(self.cleaned_data["value"])
        except UnableToReadParameter as error:
            raise forms.ValidationError(in_words(error)) from error
