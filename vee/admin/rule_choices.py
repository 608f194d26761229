"""What the forms of rules offer: the registry's names, and what a rule's parameters mean."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from vee.engine import registry


def rule_choices() -> list[tuple[str, Any]]:
    """Give the rules that a form offers: name and title, those of later versions marked."""
    available = [(name, registry.describe(name).title) for name in sorted(registry.AVAILABLE)]
    later = [
        (name, _("%(name)s (not in this version)") % {"name": name})
        for name in sorted(set(registry.KNOWN) - set(registry.AVAILABLE))
    ]
    return [*available, *later]


def parameters_help(name: str) -> str:
    """Say what each parameter of a rule means, and its unit."""
    fields = registry.describe(name).parameters
    if not fields:
        return str(_("This rule has no parameters."))
    return " · ".join(f"{field.name}{f' ({field.unit})' if field.unit else ''}: {field.help}" for field in fields)
