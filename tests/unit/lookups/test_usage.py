from __future__ import annotations

import pytest

from lookups import usage


@pytest.fixture(autouse=True)
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage, "_uses", {})


class TestRegisterUse:
    def test_is_found_under_any_case_and_adds_columns(self) -> None:
        usage.register_use(table="T-1", used_by="Enrollment Request", columns=["A"])
        usage.register_use(table="t-1", used_by="Enrollment Request", columns=["B", "A"])
        (use,) = usage.uses(names=["T-1", "other"])
        assert (use.used_by, use.columns) == ("Enrollment Request", ("A", "B"))
        assert usage.columns_in_use(names=["T-1"]) == {"A", "B"}

    def test_other_tables_are_not_used(self) -> None:
        usage.register_use(table="T-1", used_by="Enrollment Request")
        assert usage.uses(names=["T-2"]) == []
