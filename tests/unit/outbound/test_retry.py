from __future__ import annotations

import datetime as dt
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outbound import retry
from outbound.retry import FaultType, RetryDecision, Verdict
from outbound.transports.base import (
    AnswerTooLarge,
    CircuitOpen,
    ConnectionBusy,
    ConnectionNotUsable,
    CredentialsRefused,
    MessageRefused,
    TargetBroke,
    TargetNotAllowed,
    TargetRedirected,
    TargetTimedOut,
    TargetUnreachable,
)


AT = dt.datetime(2024, 3, 10, 12, 0, tzinfo=dt.UTC)


class TestClassifyStatus:
    @pytest.mark.parametrize(
        ("status", "fault"),
        [
            (200, None),
            (202, None),
            (204, None),
            (299, None),
            (301, FaultType.TECHNICAL),
            (307, FaultType.TECHNICAL),
            (400, FaultType.BUSINESS),
            (404, FaultType.BUSINESS),
            (409, FaultType.BUSINESS),
            (422, FaultType.BUSINESS),
            (401, FaultType.REMOTE),
            (403, FaultType.REMOTE),
            (407, FaultType.REMOTE),
            (408, FaultType.REMOTE),
            (425, FaultType.REMOTE),
            (429, FaultType.REMOTE),
            (500, FaultType.REMOTE),
            (503, FaultType.REMOTE),
            (599, FaultType.REMOTE),
            (199, FaultType.REMOTE),
        ],
    )
    def test_gives_the_fault_class_of_the_specification(self, status: int, fault: FaultType | None) -> None:
        assert retry.classify_status(status) is fault


class TestCountsAgainstConnection:
    @pytest.mark.parametrize(
        ("status", "counts"),
        [(200, False), (400, False), (404, False), (401, False), (429, False), (408, True), (500, True), (503, True)],
    )
    def test_only_an_ill_target_counts(self, status: int, counts: bool) -> None:
        assert retry.counts_against_connection(status) is counts


class TestClassifyError:
    @pytest.mark.parametrize(
        ("error", "fault"),
        [
            (TargetUnreachable("x"), FaultType.REMOTE),
            (TargetTimedOut("x"), FaultType.REMOTE),
            (TargetBroke("x"), FaultType.REMOTE),
            (AnswerTooLarge("x"), FaultType.REMOTE),
            (CircuitOpen("x", retry_after=1), FaultType.REMOTE),
            (CredentialsRefused("x"), FaultType.REMOTE),
            (TargetRedirected("x"), FaultType.TECHNICAL),
            (TargetNotAllowed("x"), FaultType.TECHNICAL),
            (ConnectionNotUsable("x"), FaultType.TECHNICAL),
            (MessageRefused("x"), FaultType.BUSINESS),
        ],
    )
    def test_gives_the_fault_class(self, error: retry.Fault, fault: FaultType) -> None:
        assert retry.classify_error(error) is fault


class TestBackoff:
    @pytest.mark.parametrize(
        ("attempt", "ceiling"), [(1, 30.0), (2, 60.0), (3, 120.0), (5, 480.0), (6, 900.0), (7, 900.0), (5000, 900.0)]
    )
    def test_upper_bound_doubles_up_to_the_cap(self, attempt: int, ceiling: float) -> None:
        just_below_one = math.nextafter(1.0, 0.0)
        assert retry.backoff(attempt=attempt, base=30, cap=900, random=lambda: just_below_one) == pytest.approx(ceiling)
        assert retry.backoff(attempt=attempt, base=30, cap=900, random=lambda: 0.0) == 0.0

    @given(
        attempt=st.integers(1, 10_000),
        base=st.floats(0, 1e6),
        cap=st.floats(0, 1e6),
        drawn=st.floats(0, 1, exclude_max=True),
    )
    def test_never_leaves_its_bounds(self, attempt: int, base: float, cap: float, drawn: float) -> None:
        wait = retry.backoff(attempt=attempt, base=base, cap=cap, random=lambda: drawn)
        assert 0.0 <= wait <= cap
        assert wait <= base * 2.0 ** min(attempt - 1, 60)

    def test_a_thousand_simultaneous_failures_spread_evenly(self) -> None:
        chance = random.Random(4)
        waits = [retry.backoff(attempt=1, base=30, cap=900, random=chance.random) for _ in range(1000)]
        buckets = [sum(1 for wait in waits if int(wait) == second) for second in range(30)]
        assert sum(buckets) == 1000
        assert max(buckets) <= 3 * 1000 / 30

    @pytest.mark.parametrize(("attempt", "base", "cap"), [(0, 1, 1), (-1, 1, 1), (1, -1, 1), (1, 1, -1)])
    def test_refuses_what_makes_no_sense(self, attempt: int, base: float, cap: float) -> None:
        with pytest.raises(ValueError, match="must"):
            retry.backoff(attempt=attempt, base=base, cap=cap, random=lambda: 0.5)


class TestParseRetryAfter:
    @pytest.mark.parametrize(
        ("value", "seconds"),
        [
            (None, None),
            ("120", 120.0),
            (" 0 ", 0.0),
            ("999999999", 86_400.0),
            ("9" * 5000, 86_400.0),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
            ("١٢٣", None),
            ("Sun, 10 Mar 2024 12:02:00 GMT", 120.0),
            ("Sun, 10 Mar 2024 11:00:00 GMT", 0.0),
            ("Sun, 10 Mar 2030 12:00:00 GMT", 86_400.0),
            ("Sun, 99 Mar 2024 12:00:00 GMT", None),
        ],
    )
    def test_honours_what_can_be_understood(self, value: str | None, seconds: float | None) -> None:
        assert retry.parse_retry_after(value, at=AT) == seconds

    @given(st.text())
    def test_never_fails_and_never_exceeds_a_day(self, value: str) -> None:
        seconds = retry.parse_retry_after(value, at=AT)
        assert seconds is None or 0.0 <= seconds <= 86_400.0


class TestDecide:
    def _decide(self, fault: retry.Fault, num_retries: int = 0) -> RetryDecision:
        return retry.decide(fault=fault, num_retries=num_retries, max_retries=3, base=30, cap=900, random=lambda: 0.5)

    def test_a_remote_fault_is_retried_max_retries_times(self) -> None:
        verdicts = [self._decide(TargetBroke("x"), used).verdict for used in range(5)]
        assert verdicts == [Verdict.RETRY, Verdict.RETRY, Verdict.RETRY, Verdict.GIVE_UP, Verdict.GIVE_UP]
        assert [self._decide(TargetBroke("x"), used).delay_seconds for used in range(3)] == [15.0, 30.0, 60.0]

    @pytest.mark.parametrize(
        "fault", [TargetNotAllowed("x"), TargetRedirected("x"), MessageRefused("x"), ConnectionNotUsable("x")]
    )
    def test_technical_and_business_faults_are_never_retried(self, fault: retry.Fault) -> None:
        assert self._decide(fault) == RetryDecision(verdict=Verdict.GIVE_UP)

    def test_an_open_breaker_holds_without_using_a_retry(self) -> None:
        decision = self._decide(CircuitOpen("x", retry_after=12.5), num_retries=3)
        assert decision == RetryDecision(verdict=Verdict.HOLD, delay_seconds=12.5)

    @pytest.mark.parametrize("fault", [CredentialsRefused("x"), ConnectionBusy("x")])
    def test_refused_credentials_and_a_busy_connection_use_no_retry(self, fault: retry.Fault) -> None:
        assert self._decide(fault, num_retries=3) == RetryDecision(verdict=Verdict.HOLD, delay_seconds=30.0)

    def test_a_target_is_never_called_earlier_than_it_asks(self) -> None:
        fault = TargetBroke("x")
        fault.retry_after = 600.0
        assert self._decide(fault) == RetryDecision(verdict=Verdict.RETRY, delay_seconds=600.0)

    def test_what_a_target_asks_is_capped_at_a_day(self) -> None:
        fault = TargetBroke("x")
        fault.retry_after = 1e9
        assert self._decide(fault) == RetryDecision(verdict=Verdict.RETRY, delay_seconds=86_400.0)
