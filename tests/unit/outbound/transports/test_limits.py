from __future__ import annotations

import pytest

from outbound.transports.base import ConnectionBusy
from outbound.transports.limits import Limiter, TokenBucket


class Clock:
    """Seconds that pass only when something sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class TestTokenBucket:
    def test_lets_one_second_of_calls_through_at_once_and_then_the_rate(self) -> None:
        clock = Clock()
        bucket = TokenBucket(rate=2, clock=clock)
        waits = [bucket.reserve(at_most=10) for _ in range(5)]
        assert waits == [0.0, 0.0, 0.5, 1.0, 1.5]

    def test_a_slow_rate_still_lets_the_first_call_through(self) -> None:
        bucket = TokenBucket(rate=0.1, clock=Clock())
        assert bucket.reserve(at_most=60) == 0.0
        assert bucket.reserve(at_most=60) == pytest.approx(10.0)

    def test_gives_no_place_beyond_the_limit_and_takes_none(self) -> None:
        clock = Clock()
        bucket = TokenBucket(rate=1, clock=clock)
        assert bucket.reserve(at_most=0) == 0.0
        assert bucket.reserve(at_most=0.5) is None
        clock.now += 1.0
        assert bucket.reserve(at_most=0) == 0.0

    def test_an_idle_hour_saves_no_more_than_one_second(self) -> None:
        clock = Clock()
        bucket = TokenBucket(rate=3, clock=clock)
        clock.now += 3600
        assert [bucket.reserve(at_most=10) for _ in range(4)] == [0.0, 0.0, 0.0, pytest.approx(1 / 3)]

    def test_refuses_a_rate_of_nothing(self) -> None:
        with pytest.raises(ValueError, match="positive"):
            TokenBucket(rate=0, clock=Clock())


class TestLimiter:
    def test_a_hundred_calls_take_the_time_that_the_rate_says(self) -> None:
        clock = Clock()
        limiter = Limiter(max_concurrency=1, rate=10, clock=clock, sleep=clock.sleep)
        for _ in range(100):
            with limiter.place(timeout=60):
                pass
        assert clock.now - 100.0 == pytest.approx(9.0)

    def test_more_calls_than_places_are_refused_after_the_timeout(self) -> None:
        limiter = Limiter(max_concurrency=1, rate=None)
        with (
            limiter.place(timeout=1),
            pytest.raises(ConnectionBusy, match="All places") as caught,
            limiter.place(timeout=0.01),
        ):
            pass
        assert caught.value.sent is False

    def test_a_place_is_given_back_when_a_call_fails(self) -> None:
        limiter = Limiter(max_concurrency=1, rate=None)
        with pytest.raises(RuntimeError), limiter.place(timeout=0.01):
            raise RuntimeError
        with limiter.place(timeout=0.01):
            pass

    def test_a_call_that_the_rate_leaves_no_room_for_gives_its_place_back(self) -> None:
        clock = Clock()
        limiter = Limiter(max_concurrency=1, rate=0.001, clock=clock, sleep=clock.sleep)
        with limiter.place(timeout=1):
            pass
        with pytest.raises(ConnectionBusy, match="rate limit"), limiter.place(timeout=1):
            pass
        clock.now += 1000
        with limiter.place(timeout=1):
            pass
