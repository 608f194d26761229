from __future__ import annotations

import contextvars
import threading

import pytest

from integration.flows.sending import Sending


def nothing() -> None:
    pass


class TestSending:
    def test_gives_each_result_with_its_place(self) -> None:
        sending = Sending(items=[1, 2, 3, 4], send=lambda item: item * 10, max_concurrency=2, while_waiting=nothing)

        assert sorted(sending) == [(0, 10), (1, 20), (2, 30), (3, 40)]

    def test_sends_the_first_alone(self) -> None:
        started: list[int] = []
        started_with_the_first: list[list[int]] = []

        def send(item: int) -> int:
            started.append(item)
            return item

        for index, _ in Sending(items=[0, 1, 2, 3], send=send, max_concurrency=3, while_waiting=nothing):
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

        results = list(Sending(items=list(range(10)), send=send, max_concurrency=3, while_waiting=nothing))

        assert sorted(results) == [(n, n) for n in range(10)]
        assert most == 3

    def test_starts_nothing_after_stop_and_still_gives_what_is_on_its_way(self) -> None:
        sent: list[int] = []

        def send(item: int) -> int:
            sent.append(item)
            return item

        sending = Sending(items=list(range(50)), send=send, max_concurrency=4, while_waiting=nothing)
        given = []
        for index, _ in sending:
            given.append(index)
            if index == 0:
                sending.stop()

        assert given == [0]
        assert sent == [0]

    def test_sees_the_caller_s_context_variables(self) -> None:
        correlation = contextvars.ContextVar("correlation", default="none")
        correlation.set("corr-7")

        results = list(
            Sending(items=[1, 2], send=lambda _: correlation.get(), max_concurrency=2, while_waiting=nothing)
        )

        assert sorted(results) == [(0, "corr-7"), (1, "corr-7")]

    def test_speaks_while_it_waits(self) -> None:
        spoken = threading.Event()

        def send(item: int) -> bool:
            return spoken.wait(timeout=5)

        results = list(Sending(items=[1], send=send, max_concurrency=1, while_waiting=spoken.set, wait_seconds=0.01))

        assert results == [(0, True)]

    def test_raises_a_defect_of_send(self) -> None:
        def send(item: int) -> int:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            list(Sending(items=[1], send=send, max_concurrency=1, while_waiting=nothing))

    def test_refuses_no_concurrency_at_all(self) -> None:
        with pytest.raises(ValueError, match="max_concurrency"):
            Sending(items=[1], send=str, max_concurrency=0, while_waiting=nothing)
