"""The figures of `make fuzz`: noted by one process, printed and put into the page by another."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz import figures


PAGE = f"before\n{figures.BEGIN}\n\n{figures.END}\nafter\n"


def fail_after_noting() -> None:
    with figures.noted("Requests") as found:
        found.count("answered 200")
        found.wrong = 1
        raise ZeroDivisionError


def test_are_noted_also_when_the_test_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(figures.NOTED_IN, str(tmp_path / "figures"))

    with pytest.raises(ZeroDivisionError):
        fail_after_noting()

    (read,) = figures.read(tmp_path / "figures")
    assert (read.title, read.tried, read.outcomes, read.wrong) == ("Requests", 1, {"answered 200": 1}, 1)


def test_take_the_place_of_those_of_the_same_title(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE, encoding="utf-8")
    figures.write([figures.Figures("Files", tried=5), figures.Figures("Requests", tried=1)], page)

    figures.write([figures.Figures("Requests", tried=1_234, outcomes={"answered 404": 1_234})], page)

    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    rows = [line.split(" | ")[:3] for line in text.splitlines() if line.startswith("| ")]
    assert rows == [
        ["| what", "tried", "what came of it"],
        ["| Files", "5", ""],
        ["| Requests", "1,234", "1,234 answered 404"],
    ]
