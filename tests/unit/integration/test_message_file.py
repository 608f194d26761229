from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from integration.message_file import MessageFile, is_alive, this_process


PAYLOAD: dict[str, Any] = {"body": "e30=", "properties": {"delivery_info": {}}, "headers": {}}


@pytest.fixture
def messages(tmp_path: Path) -> Iterator[MessageFile]:
    opened = MessageFile(tmp_path / "broker.sqlite3")
    yield opened
    opened.close()


def _rows(messages: MessageFile) -> list[tuple[Any, ...]]:
    with sqlite3.connect(messages.path) as direct:
        rows = direct.execute("SELECT tag, owner FROM message ORDER BY id").fetchall()
    direct.close()
    return rows


def _ended_process() -> str:
    """An owner that has died: a process that ran and was waited for."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = f"{process.pid}:{psutil.Process(process.pid).create_time():.2f}"
    process.communicate(b"\n")
    return owner


class TestPut:
    def test_stores_the_message_under_a_tag_of_its_own(self, messages: MessageFile) -> None:
        first = messages.put(queue="celery", priority=0, payload=PAYLOAD)
        second = messages.put(queue="celery", priority=0, payload=PAYLOAD)

        assert first != second
        assert _rows(messages) == [(first, None), (second, None)]

    def test_leaves_the_callers_message_as_it_was(self, messages: MessageFile) -> None:
        messages.put(queue="celery", priority=0, payload=PAYLOAD)

        assert "delivery_tag" not in PAYLOAD["properties"]


class TestClaim:
    def test_gives_the_oldest_message_and_names_the_owner(self, messages: MessageFile) -> None:
        oldest = messages.put(queue="celery", priority=0, payload=PAYLOAD)
        newest = messages.put(queue="celery", priority=0, payload=PAYLOAD)

        claimed = messages.claim(queue="celery", owner="1:1.00")

        assert claimed is not None
        assert claimed["properties"]["delivery_tag"] == oldest
        assert "redelivered" not in claimed
        assert _rows(messages) == [(oldest, "1:1.00"), (newest, None)]

    def test_gives_a_higher_priority_first(self, messages: MessageFile) -> None:
        messages.put(queue="celery", priority=0, payload=PAYLOAD)
        urgent = messages.put(queue="celery", priority=9, payload=PAYLOAD)

        claimed = messages.claim(queue="celery", owner="1:1.00")

        assert claimed is not None
        assert claimed["properties"]["delivery_tag"] == urgent

    def test_gives_nothing_from_another_queue(self, messages: MessageFile) -> None:
        messages.put(queue="mail", priority=0, payload=PAYLOAD)

        assert messages.claim(queue="celery", owner="1:1.00") is None

    def test_gives_no_message_twice(self, messages: MessageFile) -> None:
        messages.put(queue="celery", priority=0, payload=PAYLOAD)
        messages.claim(queue="celery", owner="1:1.00")

        assert messages.claim(queue="celery", owner="2:2.00") is None

    def test_says_that_a_message_was_given_before(self, messages: MessageFile) -> None:
        tag = messages.put(queue="celery", priority=0, payload=PAYLOAD)
        messages.claim(queue="celery", owner="1:1.00")
        messages.release(tag=tag, owner="1:1.00")

        claimed = messages.claim(queue="celery", owner="2:2.00")

        assert claimed is not None
        assert claimed["redelivered"] is True
        assert claimed["properties"]["delivery_info"]["redelivered"] is True

    def test_gives_each_message_to_exactly_one_of_many_threads(self, messages: MessageFile) -> None:
        tags = {messages.put(queue="celery", priority=0, payload=PAYLOAD) for _ in range(60)}
        taken: list[str] = []

        def consume(owner: str) -> None:
            # A file of its own: as another process would open it.
            own = MessageFile(messages.path)
            while (claimed := own.claim(queue="celery", owner=owner)) is not None:
                taken.append(claimed["properties"]["delivery_tag"])
            own.close()

        threads = [threading.Thread(target=consume, args=(f"{number}:1.00",)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sorted(taken) == sorted(tags)


class TestRelease:
    def test_leaves_a_message_that_another_process_has_by_now(self, messages: MessageFile) -> None:
        tag = messages.put(queue="celery", priority=0, payload=PAYLOAD)
        messages.claim(queue="celery", owner="2:2.00")

        messages.release(tag=tag, owner="1:1.00")

        assert _rows(messages) == [(tag, "2:2.00")]


class TestReleaseOfDeadOwners:
    def test_gives_back_what_a_dead_process_held_and_leaves_what_a_living_one_holds(
        self, messages: MessageFile
    ) -> None:
        held_by_the_dead = messages.put(queue="celery", priority=0, payload=PAYLOAD)
        messages.claim(queue="celery", owner=_ended_process())
        held_by_this = messages.put(queue="celery", priority=0, payload=PAYLOAD)
        messages.claim(queue="celery", owner=this_process())

        messages.release_of_dead_owners()

        assert _rows(messages) == [(held_by_the_dead, None), (held_by_this, this_process())]

    def test_looks_at_most_once_a_second(self, messages: MessageFile) -> None:
        messages.release_of_dead_owners()
        tag = messages.put(queue="celery", priority=0, payload=PAYLOAD)
        dead = _ended_process()
        messages.claim(queue="celery", owner=dead)

        messages.release_of_dead_owners()

        assert _rows(messages) == [(tag, dead)]


class TestIsAlive:
    def test_knows_this_process(self) -> None:
        assert is_alive(this_process()) is True

    def test_does_not_take_another_process_of_the_same_id_for_the_owner(self) -> None:
        started = psutil.Process().create_time()

        assert is_alive(f"{os.getpid()}:{started - 60:.2f}") is False

    def test_knows_that_a_process_has_ended(self) -> None:
        assert is_alive(_ended_process()) is False

    def test_takes_a_process_that_nobody_has_waited_for_as_dead(self) -> None:
        zombie = subprocess.Popen([sys.executable, "-c", "pass"])
        owner = f"{zombie.pid}:{psutil.Process(zombie.pid).create_time():.2f}"
        os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)

        alive = is_alive(owner)

        zombie.wait()
        assert alive is False


class TestPurge:
    def test_removes_what_nobody_has_claimed(self, messages: MessageFile) -> None:
        claimed = messages.put(queue="celery", priority=0, payload=PAYLOAD)
        messages.claim(queue="celery", owner="1:1.00")
        messages.put(queue="celery", priority=0, payload=PAYLOAD)

        removed = messages.purge("celery")

        assert removed == 1
        assert _rows(messages) == [(claimed, "1:1.00")]
