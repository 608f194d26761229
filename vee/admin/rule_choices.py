"""What the forms of rules offer: the registry's names."""

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
