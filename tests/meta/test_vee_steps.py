"""The page of the process's steps names every step, and code and tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest


ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs/reference/vee-steps.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (\d\.\d) \|(.*)\|$", TEXT, flags=re.MULTILINE)
CODES = (
    "D1-INIT-VEE", "D1-MNOV-VEE", "D1-ESTM-VEE", "D1-TRN-EXCP", "D1-CRE-IMDTD", "D1-COMP-TD", "D1-AUTO-NORM",
    "D1-REP-RLIMD", "D1-TRAN-UT", "D1-IMD-RETRY",
)  # fmt: skip


def _missing(reference: str) -> str:
    path, _, name = reference.partition("::") if "::" in reference else reference.partition(":")
    file = ROOT / path
    if not file.is_file():
        return f"{path} does not exist"
    if name and not re.search(rf"^\s*(def|class) {name}\b|^{name}\b", file.read_text(encoding="utf-8"), re.MULTILINE):
        return f"{path} has no {name}"
    return ""


class TestThePageOfTheSteps:
    def test_has_every_step_once_and_in_order(self) -> None:
        expected = [f"{number // 10}.{number % 10}" for number in range(10, 53)]

        assert [step for step, _ in ROWS] == expected

    @pytest.mark.parametrize("code", CODES)
    def test_names_the_algorithm(self, code: str) -> None:
        assert re.search(rf"^\| \d\.\d \|.*\b{code}\b", TEXT, re.MULTILINE)

    @pytest.mark.parametrize(("step", "row"), ROWS)
    def test_names_code_and_tests_that_exist(self, step: str, row: str) -> None:
        *_, code, tests = row.rstrip("|").split("|")
        named = {"code": re.findall(r"`([^`]+)`", code), "tests": re.findall(r"`([^`]+)`", tests)}

        assert all(named.values()), f"step {step} names no code or no test"
        assert all(reference.startswith("tests/") for reference in named["tests"])
        assert [found for each in named.values() for reference in each if (found := _missing(reference))] == []
