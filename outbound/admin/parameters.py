"""Parameters in the admin: the declared ones, each with its help and limits."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from simple_history.admin import SimpleHistoryAdmin
from unfold.decorators import display

from foundation.admin import ModelAdmin
from outbound.admin.forms import ParameterForm
from outbound.models import Parameter
from outbound.operations import parameters
from outbound.parameters import DECLARED


@admin.register(Parameter)
class ParameterAdmin(SimpleHistoryAdmin, ModelAdmin):
    """The set of parameters is the product's; their values are the site's."""

    form = ParameterForm
    list_display = ["name", "value", "shipped", "meaning"]
    search_fields = ["name", "description"]
    ordering = ["name"]
    fields = ["name", "value", "description"]
    readonly_fields = ["name"]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Parameter, form: Any, change: bool) -> None:
        parameters.set_parameter(
            name=obj.name, value=obj.value, description=form.cleaned_data["description"], by=request.user
        )

    @display(description="shipped")
    def shipped(self, parameter: Parameter) -> str:
        return DECLARED[parameter.name].default if parameter.name in DECLARED else "–"

    @display(description="meaning")
    def meaning(self, parameter: Parameter) -> str:
        declared = DECLARED.get(parameter.name)
        return parameter.description or (declared.help if declared else "")
