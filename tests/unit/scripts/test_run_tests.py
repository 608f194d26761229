from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.script_loading import load


ROOT = Path(__file__).resolve().parents[3]


run_tests = load("run_tests")


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Tier title to the status that it is to end with; those that ran are taken out."""
    statuses = {tier.title: 0 for tier in run_tests.TIERS}

    def run(tier: object, _arguments: Sequence[str]) -> int:
        return statuses.pop(tier.title)  # type: ignore[attr-defined]

    monkeypatch.setattr(run_tests, "run", run)
    monkeypatch.delenv("AFTER_CHECK", raising=False)
    return statuses


class TestMain:
    def test_runs_every_tier(self, called: dict[str, int]) -> None:
        assert run_tests.main([]) == 0
        assert called == {}

    def test_leaves_out_what_a_check_has_just_run(
        self, called: dict[str, int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AFTER_CHECK", "1")

        assert run_tests.main([]) == 0
        assert list(called) == ["unit and meta tests"]

    def test_ends_with_the_status_of_the_first_tier_that_fails(self, called: dict[str, int]) -> None:
        called["database tests on SQLite"] = 1

        assert run_tests.main([]) == 1
        assert "unit and meta tests" not in called
        assert "database tests on PostgreSQL" in called

    def test_takes_a_tier_without_tests_for_a_failure(self, called: dict[str, int]) -> None:
        called["database tests on SQLite"] = run_tests.NOTHING_COLLECTED

        assert run_tests.main([]) == run_tests.NOTHING_COLLECTED

    def test_goes_on_when_a_selection_is_empty_in_one_tier(self, called: dict[str, int]) -> None:
        called["database tests on SQLite"] = run_tests.NOTHING_COLLECTED

        assert run_tests.main(["-k", "lookup"]) == 0
        assert called == {}


class TestTiers:
    def test_run_the_database_tests_on_both_databases(self) -> None:
        database = [tier.database for tier in run_tests.TIERS if tier.paths == run_tests.DATABASE]

        assert database == [False, True]

    def test_give_the_functional_tests_redis_with_postgresql(self) -> None:
        functional = [
            (tier.database, tier.services)
            for tier in run_tests.TIERS
            if any(path.startswith("tests/functional") for path in tier.paths)
        ]

        assert functional == [(False, False), (True, True)]

    def test_name_only_files_that_are_there(self) -> None:
        assert [path for tier in run_tests.TIERS for path in tier.paths if not (ROOT / path).exists()] == []
