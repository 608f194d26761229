"""
Every role and every action: the page of the docs says who may do what, and the product does just that.

When a right changes on purpose, `TIELINE_WRITE_ACCESS=1 pytest …` writes the page anew; the diff shows what changed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from integration import roles
from integration.operations.flows import install_flows
from integration.operations.setup import install_roles
from tests.database.integration import access
from tests.factories.integration import AT


pytestmark = pytest.mark.django_db
PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "access.md"
INTRODUCTION = """\
# Who may do what

Each shipped role and each action, as the product answers: an address of the API with its method, a verb on a model in
the admin, an action on a list, a page. The page is written by the test that holds it true
(`tests/database/integration/test_access_matrix.py`); a change of a right shows here, or the test fails.

"""


def table(title: str, rows: Iterable[tuple[str, set[str]]]) -> str:
    columns = [*access.ROLES.values(), "–"]
    lines = [
        f"## {title}\n",
        f"| | {' | '.join(columns)} |",
        f"|---|{'---|' * len(columns)}",
    ]
    for name, allowed in rows:
        if "anybody" in allowed:
            allowed = set(columns)
        lines.append(f"| `{name}` | {' | '.join('✓' if column in allowed else '' for column in columns)} |")
    return "\n".join(lines) + "\n"


def test_the_matrix_is_as_declared() -> None:
    install_roles()
    install_flows(at=AT)
    people = access.accounts()
    api = list(access.api_rows(people))
    models = list(access.model_rows(people))
    key = ", ".join(f"{column} {role}" for role, column in access.ROLES.items())
    found = (
        INTRODUCTION
        + f"{key}; – an account without a role. A superuser may do everything.\n\n"
        + "\n".join(
            [
                table("API", api),
                table("Models in the admin", models),
                table("Actions on lists", access.action_rows(people)),
                table("Pages of the admin", access.page_rows(people)),
            ]
        )
    )
    if os.environ.get("TIELINE_WRITE_ACCESS"):
        PAGE.write_text(found, encoding="utf-8")

    assert len(api) > 80
    assert len(models) > 160
    declared = PAGE.read_text(encoding="utf-8").splitlines()
    assert found.splitlines() == declared


def test_without_an_account_nothing_opens_and_without_a_role_only_the_description() -> None:
    install_roles()
    install_flows(at=AT)
    people = {"–": access.accounts()["–"]}

    rows = dict(access.api_rows(people))
    assert {name for name, allowed in rows.items() if "anybody" in allowed} == set()
    assert {name for name, allowed in rows.items() if allowed} == {"GET /api/schema/", "GET /api/docs/"}
    assert {name for name, allowed in access.model_rows(people) if allowed} == set()


def test_an_auditor_changes_nothing() -> None:
    install_roles()
    install_flows(at=AT)
    people = {column: account for column, account in access.accounts().items() if column == "AU"}

    writes = {name for name, allowed in access.api_rows(people) if allowed and not name.startswith("GET ")}
    verbs = {name for name, allowed in access.model_rows(people) if allowed and not name.startswith("view ")}

    # Bulk actions look at each action's own right; a comparison of the configuration changes nothing.
    assert writes <= {"POST /api/v1/flow-runs/bulk/"}
    assert verbs == set()
    assert not [right for right in roles.SHIPPED[roles.AUDITOR] if ".view_" not in right and ".export_" not in right]
