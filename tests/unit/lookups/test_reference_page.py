from __future__ import annotations

from pathlib import Path

from lookups.names import SHIPPED
from lookups.properties import PROPERTIES


PAGE = (Path(__file__).resolve().parents[3] / "docs/reference/lookups.md").read_text(encoding="utf-8")


class TestReferencePage:
    def test_names_every_shipped_lookup(self) -> None:
        assert [name for name in SHIPPED if f"`{name}`" not in PAGE] == []

    def test_gives_every_property_with_its_other_names_and_default(self) -> None:
        rows = {row.split("`")[1]: row for row in PAGE.splitlines() if row.startswith("| `")}
        for known in PROPERTIES:
            row = rows[known.name]
            assert all(f"`{name}`" in row for name in known.names), row
            assert row.rstrip().endswith(f"`{known.default}` |" if known.default else "| |"), row
