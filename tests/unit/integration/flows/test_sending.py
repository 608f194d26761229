from __future__ import annotations

import contextvars
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from integration.flows.sending import Sending


def nothing() -> None:
    pass


def each(sending: Sending[Any, Any]) -> Iterator[tuple[int, Any]]:
    for ready in sending:
        yield from ready


class TestSending:
    def test_gives_each_result_with_its_place(self) -> None:
        sending = Sending(items=[1, 2, 3, 4], send=lambda item: item * 10, max_concurrency=2, while_waiting=nothing)

        assert sorted(each(sending)) == [(0, 10), (1, 20), (2, 30), (3, 40)]

    def test_sends_the_first_alone(self) -> None:
        started: list[int] = []
        started_with_the_first: list[list[int]] = []

        def send(item: int) -> int:
            started.append(item)
            return item

        for index, _ in each(Sending(items=[0, 1, 2, 3], send=send, max_concurrency=3, while_waiting=nothing)):
            if index == 0:
                started_with_the_first.append(list(started))

        assert started_with_the_first == [[0]]
        assert sorted(started) == [0, 1, 2, 3]

    def test_keeps_at_most_so_many_on_their_way(self) -> None:
        lock = threading.Lock()
        meeting = threading.Barrier(3, timeout=5)
        now, most = 0, 0

        def send(item: int) -> int:
            nonlocal now, most
            with lock:
                now += 1
                most = max(most, now)
            if item:
                # Three have to be on their way together for any of them to come back.
                meeting.wait()
            with lock:
                now -= 1
            return item

        results = list(each(Sending(items=list(range(10)), send=send, max_concurrency=3, while_waiting=nothing)))

        assert sorted(results) == [(n, n) for n in range(10)]
        assert most == 3

    def test_starts_nothing_after_stop_and_still_gives_what_is_on_its_way(self) -> None:
        sent: list[int] = []

        def send(item: int) -> int:
            sent.append(item)
            return item

        sending = Sending(items=list(range(50)), send=send, max_concurrency=4, while_waiting=nothing)
        given = []
        for index, _ in each(sending):
            given.append(index)
            if index == 0:
                sending.stop()

        assert given == [0]
        assert sent == [0]

    def test_sees_the_caller_s_context_variables(self) -> None:
        correlation = contextvars.ContextVar("correlation", default="none")
        correlation.set("corr-7")

        results = list(
            each(Sending(items=[1, 2], send=lambda _: correlation.get(), max_concurrency=2, while_waiting=nothing))
        )

        assert sorted(results) == [(0, "corr-7"), (1, "corr-7")]

    def test_speaks_while_it_waits(self) -> None:
        spoken = threading.Event()

        def send(item: int) -> bool:
            return spoken.wait(timeout=5)

        results = list(
            each(Sending(items=[1], send=send, max_concurrency=1, while_waiting=spoken.set, wait_seconds=0.01))
        )

        assert results == [(0, True)]

    def test_raises_a_defect_of_send(self) -> None:
        def send(item: int) -> int:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            list(Sending(items=[1], send=send, max_concurrency=1, while_waiting=nothing))

    def test_gives_together_what_became_ready_meanwhile(self) -> None:
        ended = [threading.Event() for _ in range(3)]

        def send(item: int) -> int:
            if item == 2:
                ended[1].wait(5)
            ended[item].set()
            return item

        batches = []
        for ready in Sending(items=[0, 1, 2], send=send, max_concurrency=2, while_waiting=nothing):
            batches.append([index for index, _ in ready])
            if batches == [[0]]:
                continue
            # Whoever writes this one leaves the other time to come back.
            assert ended[2].wait(5)

        assert [index for batch in batches for index in batch] == [0, 1, 2]

    def test_gives_what_was_ready_before_a_defect(self) -> None:
        ended = threading.Barrier(2, timeout=5)

        def send(item: int) -> int:
            if item == 0:
                return item
            ended.wait()
            if item == 2:
                raise ZeroDivisionError
            return item

        given: list[int] = []
        sending = Sending(items=[0, 1, 2], send=send, max_concurrency=2, while_waiting=nothing)
        with pytest.raises(ZeroDivisionError):
            given.extend(index for index, _ in each(sending))

        assert given[0] == 0
        assert 2 not in given

    def test_refuses_no_concurrency_at_all(self) -> None:
        with pytest.raises(ValueError, match="max_concurrency"):
            Sending(items=[1], send=str, max_concurrency=0, while_waiting=nothing)
