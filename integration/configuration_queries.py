"""The configuration as a document holds it, and what documents did. No function here writes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db.models import QuerySet

from foundation.configuration import Section
from foundation.crypto import UnableToDecrypt
from integration import configuration_yaml
from integration.configuration_sections import SECTIONS
from integration.models import AppliedConfiguration


HEADING = "The configuration of a Tieline installation. Secrets are not in it; what is stored stays when it is applied."


class UnableToExport(Exception):
    """Something stored cannot be read, and the text says what to do."""


class UnknownSection(LookupError):
    """There is no section of this name."""


class NotPermitted(Exception):
    """The account may not do this with these sections; `sections` are their names."""

    def __init__(self, message: str, *, sections: Sequence[str]) -> None:
        super().__init__(message)
        self.sections = list(sections)


def export(*, sections: Collection[str] = (), account: Any = None) -> dict[str, Any]:
    """
    Give the configuration as a document holds it, its sections in the order in which they depend on each other.

    :param sections: names of those that are wanted; all when none is named.
    :param account: give only what this account may see; None gives all.
    :raises UnknownSection: when there is none of that name.
    :raises NotPermitted: when the account may not see a section that is named.
    :raises UnableToExport: when something stored cannot be read.
    """
    unknown = sorted(set(sections) - {section.name for section in SECTIONS})
    if unknown:
        raise UnknownSection(f"There is no section {unknown[0]}; there are {', '.join(names())}.")
    wanted = [section for section in SECTIONS if not sections or section.name in sections]
    allowed = [section for section in wanted if account is None or account.has_perm(section.view_right)]
    if sections and len(allowed) < len(wanted):
        missing = [section.name for section in wanted if section not in allowed]
        raise NotPermitted(f"You may not see {', '.join(missing)}.", sections=missing)
    return {section.name: _document(section) for section in allowed}


def names() -> list[str]:
    """Give the names of all sections in their order."""
    return [section.name for section in SECTIONS]


def as_text(sections: Mapping[str, Any]) -> str:
    """Give exported sections as YAML; the same configuration is the same text."""
    return configuration_yaml.write(sections, heading=HEADING)


def visible(*, account: Any) -> list[Section]:
    """Give the sections that an account may see, in their order."""
    return [section for section in SECTIONS if account.has_perm(section.view_right)]


def applied() -> QuerySet[AppliedConfiguration]:
    """Give what documents did, the latest first."""
    return AppliedConfiguration.objects.order_by("-applied_at", "-pk")


def _document(section: Section) -> Any:
    try:
        return section.document()
    except UnableToDecrypt as error:
        raise UnableToExport(
            f"{section.name} cannot be exported: a stored value cannot be decrypted. {error}"
        ) from None
