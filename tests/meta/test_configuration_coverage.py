"""Everything that can be set in the admin is in the configuration document, or is named as left out with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Model
from django.test import RequestFactory

from integration.configuration_sections import NOT_COVERED, SECTIONS


PAGE = Path(__file__).resolve().parents[2] / "docs/reference/configuration.md"


class _Superuser(User):
    """May do everything, without a database."""

    class Meta:
        proxy = True
        app_label = "auth"

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        return True


def _editable() -> dict[str, type[Model]]:
    request = RequestFactory().get("/admin/")
    request.user = _Superuser(username="admin", is_superuser=True, is_staff=True)  # type: ignore[assignment]
    found: dict[str, type[Model]] = {}
    for model, page in admin.site._registry.items():
        for place, of in _places(page, model):
            if of.has_add_permission(request, *([None] if of is not page else [])) or of.has_change_permission(request):
                found[place._meta.label] = place
    return found


def _places(page: Any, model: type[Model]) -> Iterator[tuple[type[Model], Any]]:
    yield model, page
    for inline in page.inlines:
        yield inline.model, inline(model, page.admin_site)


EDITABLE = _editable()
COVERED = {label: section.name for section in SECTIONS for label in section.covers}


@pytest.mark.parametrize("label", sorted(EDITABLE))
def test_every_model_that_can_be_edited_is_covered_or_left_out_with_a_reason(label: str) -> None:
    assert (label in COVERED) != (label in NOT_COVERED), (
        f"{label} can be edited in the admin: declare it in a foundation.configuration.Section, or name it with a "
        "reason in integration.configuration_sections.NOT_COVERED"
    )


def test_the_admin_was_walked() -> None:
    assert {"outbound.Connection", "vee.VeeRule", "lookups.Lookup", "integration.Flow", "auth.Group"} <= EDITABLE.keys()
    assert len(EDITABLE) > 25


def test_what_is_declared_exists_once_and_is_in_order() -> None:
    labels = [label for section in SECTIONS for label in section.covers]

    assert len(labels) == len(set(labels))
    assert all(apps.get_model(label) for label in [*labels, *NOT_COVERED])
    assert len({section.name for section in SECTIONS}) == len(SECTIONS)
    assert all(len(reason) > 10 for reason in NOT_COVERED.values())


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.name)
def test_every_section_has_its_place_on_the_page(section: Any) -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert f"| `{section.name}` |" in page
    assert f"\n{section.name}:" in page, "the page shows no example of the section"


def test_the_page_names_what_is_not_covered() -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert [label for label in NOT_COVERED if f"`{label}`" not in page] == []
