from __future__ import annotations

from pathlib import Path

from tests.faults import report
from tests.faults.checker import Verdict
from tests.faults.outcome import RECOVERY_SECONDS, Outcome


def outcome(*, wrong: dict[str, list[str]] | None = None, recoveries: list[float] | None = None) -> Outcome:
    return Outcome(
        title="Messages",
        seed=7,
        faults=3,
        kills=2,
        points=["sweep:after"],
        seconds=12.4,
        verdicts=[Verdict(wrong=wrong or {}, figures={"accepted": 10_000})],
        recoveries=recoveries or [1.0, 3.0, 8.0],
        drained_after=4.0,
        standstill=19.0,
    )


class TestOutcome:
    def test_holds_when_nothing_is_wrong_and_work_moved_in_time(self) -> None:
        assert outcome().holds
        assert outcome().wrong == ""

    def test_does_not_hold_when_something_is_wrong(self) -> None:
        lost = outcome(wrong={"lost": ["m-1"]})

        assert not lost.holds
        assert lost.wrong == "lost: 1, such as m-1"

    def test_does_not_hold_when_work_stood_still_too_long(self) -> None:
        assert outcome(recoveries=[RECOVERY_SECONDS]).holds
        assert not outcome(recoveries=[RECOVERY_SECONDS + 1]).holds


def test_figures_take_the_place_of_those_of_the_same_campaign(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{report.BEGIN}\n| Readings | of another day |\n{report.END}\nafter\n")

    report.write(outcome(wrong={"lost": ["m-1"]}), page)
    report.write(outcome(), page)

    written = page.read_text()
    assert written.startswith(f"before\n{report.BEGIN}\n")
    assert written.endswith(f"{report.END}\nafter\n")
    assert written.count("| campaign |") == 1
    assert written.count("| Messages |") == 1
    assert "| Messages | 3, 2, 1 | 10,000 accepted | nothing | 3.0 s, 8.0 s; 19.0 s | 4.0 s | 12 s |" in written
    assert "| Readings | of another day |" in written


def test_the_page_has_its_place_for_the_figures() -> None:
    page = report.PAGE.read_text(encoding="utf-8")

    assert page.index(report.BEGIN) < page.index(report.END)
