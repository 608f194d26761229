"""The tables that the demo prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from integration.demo.enrollments import EXPECTED_CODE, EnrollmentLabel
from integration.demo.events import LifeStep
from integration.demo.nem12 import Nem12File
from integration.demo.sending import EnrollmentResults, Sent
from integration.demo.tally import EXPECTED, Found


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that the tables show. `seconds` are from the first record sent to the last one done."""

    run: str
    sent: Sequence[Sent]
    found: Sequence[Found]
    states: Counter[str]
    todos: int
    file: Nem12File
    file_report: dict[str, Any]
    enrollments: EnrollmentResults | None
    life: Sequence[LifeStep]
    mails: int | None
    intervals: int
    seconds: float
    links: Sequence[tuple[str, str]]

    @property
    def all_as_expected(self) -> bool:
        """Whether every label was treated as it should be."""
        readings = all(found.missed == 0 for found in self.found)
        file = self.file_report["rows_rejected"] == len(self.file.bad_lines)
        enrollments = self.enrollments is None or self.enrollments.sent == self.enrollments.as_expected
        life = all(step.as_expected for step in self.life)
        return readings and file and enrollments and life


def print_report(report: Report, *, console: Console) -> None:
    """Print the tables and the links."""
    console.print(_sent_table(report.sent))
    console.print(_readings_table(report))
    if report.enrollments is not None:
        console.print(_enrollment_table(report.enrollments))
    if report.life:
        console.print(_life_table(report.life))
    console.print(_state_table(report))
    rate = report.intervals / report.seconds if report.seconds else 0.0
    console.print(
        f"{report.intervals:,} intervals from the first record sent to the last one done in {report.seconds:.1f} s: "
        f"{rate:,.0f} intervals a second."
    )
    if report.mails is not None:
        console.print(f"Mails in the sandbox's mailbox since the start of this demo: {report.mails}.")
        if report.mails == 0 and report.enrollments is not None:
            console.print("An incident of the same kind is open: its next mail is a digest.")
    console.print(f"\nLook at it (everything of this demo has {report.run} in its name):")
    for what, link in report.links:
        console.print(f"  {what}: {link}", soft_wrap=True, highlight=False)


def _sent_table(sent: Sequence[Sent]) -> Table:
    table = Table(title="Sent", title_justify="left")
    table.add_column("Door")
    table.add_column("What")
    for name in ("Records", "Seconds", "A second"):
        table.add_column(name, justify="right")
    for entry in sent:
        rate = f"{entry.count / entry.seconds:,.0f}" if entry.seconds else "–"
        table.add_row(entry.door, entry.what, f"{entry.count:,}", f"{entry.seconds:.1f}", rate)
    return table


def _readings_table(report: Report) -> Table:
    table = _label_table("Readings: what was wrong, and what VEE made of it")
    for found in report.found:
        _add_row(table, found.label.value, EXPECTED[found.label], found.labelled, found.caught)
    bad = len(report.file.bad_lines)
    named = {error["line"] for error in report.file_report["errors"]} & set(report.file.bad_lines)
    _add_row(table, "bad row in the NEM12 file", "reported with its line, the rest loaded", bad, len(named))
    return table


def _enrollment_table(results: EnrollmentResults) -> Table:
    table = _label_table("Enrollments: what was wrong, and what the caller was told")
    for label in EnrollmentLabel:
        if results.sent[label]:
            _add_row(table, label.value, EXPECTED_CODE[label], results.sent[label], results.as_expected[label])
    return table


def _life_table(life: Sequence[LifeStep]) -> Table:
    table = Table(title="An event's life: through Tieline, between the two peers", title_justify="left")
    for name in ("Step", "Way", "Expected", "Seen"):
        table.add_column(name)
    table.add_column("Seconds", justify="right")
    for step in life:
        seen = step.seen if step.as_expected else f"[red]{escape(step.seen)}[/red]"
        table.add_row(step.step, step.way, step.expected, seen, f"{step.seconds:.1f}")
    return table


def _state_table(report: Report) -> Table:
    table = Table(title="Where it all is now", title_justify="left")
    table.add_column("What")
    table.add_column("State")
    table.add_column("Number", justify="right")
    for state, number in sorted(report.states.items()):
        table.add_row("initial measurements", state, f"{number:,}")
    table.add_row("To Dos", "OPEN", f"{report.todos:,}")
    table.add_row(f"file {report.file.name}", report.file_report["status"], "1")
    if report.enrollments is not None:
        for code, number in sorted(report.enrollments.codes.items()):
            table.add_row("enrollments", code, f"{number:,}")
    return table


def _label_table(title: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("Label")
    table.add_column("Expected")
    for name in ("Labelled", "Caught", "Missed"):
        table.add_column(name, justify="right")
    return table


def _add_row(table: Table, label: str, expected: str, labelled: int, caught: int) -> None:
    missed = labelled - caught
    table.add_row(label, expected, f"{labelled:,}", f"{caught:,}", f"[red]{missed:,}[/red]" if missed else "0")
