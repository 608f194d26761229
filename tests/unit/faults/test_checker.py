"""The checker finds what is wrong: every kind of it, planted."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tests.faults import checker
from tests.faults.checker import Arrival, MessageRow, Verdict


AT = dt.datetime(2024, 3, 10, 12, tzinfo=dt.UTC)


def arrival(business_id: str = "m", *, key: str = "", effect: bool = True) -> Arrival:
    return Arrival(key=key or business_id, business_id=business_id, at=AT, effect=effect)


def row(status: str = "SUCCESS", *, due: bool = False, tries: int = 1, reason: str = "") -> MessageRow:
    return MessageRow(status=status, due=due, tries=tries, reason=reason)


def wrong(verdict: Verdict) -> dict[str, list[str]]:
    return {kind: cases for kind, cases in verdict.wrong.items() if cases}


class TestMessages:
    CLEAN: dict[str, Any] = {
        "attempted": ["m"],
        "accepted": ["m"],
        "arrivals": [arrival()],
        "rows": {"m": row()},
    }

    def test_a_delivered_message_is_right(self) -> None:
        verdict = checker.messages(**self.CLEAN)

        assert verdict.holds
        assert verdict.figures["delivered"] == 1

    def test_a_message_that_failed_with_a_reason_is_right(self) -> None:
        verdict = checker.messages(**{**self.CLEAN, "arrivals": [], "rows": {"m": row("FAIL", reason="HTTP 500")}})

        assert verdict.holds
        assert verdict.figures["visibly failed"] == 1

    def test_repeated_calls_that_the_peer_absorbed_are_right(self) -> None:
        calls = [arrival(), arrival(effect=False)]

        verdict = checker.messages(**{**self.CLEAN, "arrivals": calls, "rows": {"m": row(tries=2)}})

        assert verdict.holds
        assert verdict.figures["repeated calls absorbed"] == 1

    @pytest.mark.parametrize(
        ("kind", "change"),
        [
            ("lost", {"arrivals": []}),
            ("lost", {"arrivals": [arrival(effect=False)]}),
            ("doubled", {"arrivals": [arrival(), arrival()], "rows": {"m": row(tries=2)}}),
            ("under two keys", {"arrivals": [arrival(), arrival(key="k", effect=False)], "rows": {"m": row(tries=2)}}),
            ("accepted and not in the database", {"rows": {}}),
            ("never asked for", {"attempted": []}),
            ("still on its way", {"rows": {"m": row("FAIL", due=True, reason="HTTP 500")}}),
            ("still on its way", {"rows": {"m": row("IN_PROGRESS")}}),
            ("failed without a reason", {"arrivals": [], "rows": {"m": row("FAIL")}}),
            (
                "called more often than attempts were noted",
                {"arrivals": [arrival(), arrival(effect=False)]},
            ),
        ],
    )
    def test_what_is_wrong_is_found(self, kind: str, change: dict[str, Any]) -> None:
        assert wrong(checker.messages(**{**self.CLEAN, **change})) == {kind: ["m"]}


class TestReservation:
    CLEAN: dict[str, Any] = {"rows": ["d"], "refused": [], "reserved": {"d": 1}, "ledger": {"d": "RESERVED"}}

    def test_a_row_that_is_reserved_once_is_right(self) -> None:
        assert checker.reservation(**self.CLEAN).holds

    @pytest.mark.parametrize(
        ("kinds", "change"),
        [
            ({"not reserved"}, {"reserved": {}, "ledger": {}}),
            ({"reserved twice"}, {"reserved": {"d": 2}}),
            ({"reserved and not asked for"}, {"refused": ["d"]}),
            ({"not reserved", "in the ledger and not at the peer"}, {"reserved": {}}),
            ({"at the peer and not in the ledger"}, {"ledger": {"d": "SENDING"}}),
        ],
    )
    def test_what_is_wrong_is_found(self, kinds: set[str], change: dict[str, Any]) -> None:
        assert set(wrong(checker.reservation(**{**self.CLEAN, **change}))) == kinds


class TestAcknowledgements:
    def test_one_for_each_attempt_is_right(self) -> None:
        arrivals = [arrival(key="a1"), arrival(key="a1", effect=False), arrival(key="a2")]

        assert checker.acknowledgements(attempts={"a1": True, "a2": True}, arrivals=arrivals).holds

    @pytest.mark.parametrize(
        ("kind", "attempts", "arrivals"),
        [
            ("attempt without an end", {"a": False}, []),
            ("not acknowledged", {"a": True}, []),
            ("acknowledged twice", {"a": True}, [arrival(key="a"), arrival(key="a")]),
            ("acknowledged without an attempt", {}, [arrival(key="a")]),
        ],
    )
    def test_what_is_wrong_is_found(self, kind: str, attempts: dict[str, bool], arrivals: list[Arrival]) -> None:
        assert wrong(checker.acknowledgements(attempts=attempts, arrivals=arrivals)) == {kind: ["a"]}


class TestReadings:
    @pytest.mark.parametrize(
        ("kind", "sent", "fates"),
        [
            ("without a fate", {"r"}, {"measurement": set()}),
            ("with two fates", {"r"}, {"measurement": {"r"}, "exception": {"r"}}),
            ("never sent", set(), {"measurement": {"r"}}),
        ],
    )
    def test_what_is_wrong_is_found(self, kind: str, sent: set[str], fates: dict[str, set[str]]) -> None:
        assert wrong(checker.readings(sent=sent, fates=fates)) == {kind: ["r"]}

    def test_one_fate_each_is_right(self) -> None:
        assert checker.readings(sent={"a", "b"}, fates={"measurement": {"a"}, "rejected": {"b"}}).holds


class TestSameMeasurements:
    @pytest.mark.parametrize(
        ("kind", "disturbed", "undisturbed"),
        [
            ("day missing", {}, {"d": "1"}),
            ("day too many", {"d": "1"}, {}),
            ("day that differs", {"d": "2"}, {"d": "1"}),
        ],
    )
    def test_what_is_wrong_is_found(self, kind: str, disturbed: dict[str, str], undisturbed: dict[str, str]) -> None:
        found = checker.same_measurements(disturbed=disturbed, undisturbed=undisturbed)

        assert wrong(found) == {kind: ["d"]}

    def test_the_same_is_right(self) -> None:
        assert checker.same_measurements(disturbed={"d": "1"}, undisturbed={"d": "1"}).holds


class TestTransitions:
    ALLOWED = {("NEW", "OLD")}

    def judged(self, path: list[tuple[str, str]], state: str) -> dict[str, list[str]]:
        return wrong(
            checker.transitions(
                allowed=self.ALLOWED, first={"NEW"}, paths={"r": path} if path else {}, states={"r": state}
            )
        )

    def test_along_the_table_is_right(self) -> None:
        assert self.judged([("", "NEW"), ("NEW", "OLD")], "OLD") == {}

    def test_what_is_wrong_is_found(self) -> None:
        assert self.judged([("", "NEW")], "OLD") == {"in a state that no move led to": ["r"]}
        assert self.judged([("", "OLD")], "OLD") == {"a move that is not in the table": ["r →OLD"]}
        assert self.judged([], "NEW") == {"without any move": ["r"]}
        assert self.judged([("", "NEW"), ("NEW", "OLD"), ("NEW", "OLD")], "OLD") == {
            "a move that does not begin where the last one ended": ["r"]
        }


def test_work_has_moved_when_every_kind_of_it_has() -> None:
    def after(*seconds: float) -> list[dt.datetime]:
        return [AT + dt.timedelta(seconds=each) for each in seconds]

    found = checker.recoveries(ended=after(0, 10, 30), moves=[after(5, 12, 31), after(-1, 8)])

    assert found == [8.0, 2.0, 1.0]


def test_a_fault_before_work_has_moved_begins_the_wait_anew_and_the_standstill_is_the_whole_of_it() -> None:
    ended = [AT + dt.timedelta(seconds=each) for each in (0, 40, 200)]
    moves = [[AT + dt.timedelta(seconds=each) for each in (70, 210)]]

    assert checker.recoveries(ended=ended, moves=moves) == [0.0, 30.0, 10.0]
    assert checker.standstill(ended=ended, moves=moves) == 70.0
