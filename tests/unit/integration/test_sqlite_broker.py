from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kombu
import pytest

from integration import sqlite_broker
from integration.message_file import MessageFile, this_process


@pytest.fixture
def messages(tmp_path: Path) -> Iterator[MessageFile]:
    opened = MessageFile(tmp_path / "broker.sqlite3")
    yield opened
    opened.close()


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[kombu.Connection]:
    with kombu.Connection("sqlq://", transport_options={"path": str(tmp_path / "broker.sqlite3")}) as opened:
        yield opened


def _rows(messages: MessageFile) -> list[tuple[Any, ...]]:
    with sqlite3.connect(messages.path) as direct:
        rows = direct.execute("SELECT tag, owner FROM message ORDER BY id").fetchall()
    direct.close()
    return rows


class TestTransport:
    """Through kombu's own interface, as Celery uses it."""

    def test_carries_a_message_from_producer_to_consumer(self, connection: kombu.Connection) -> None:
        with connection.SimpleQueue("work") as queue:
            queue.put({"id": 7})

            received = queue.get(timeout=2)

            assert received.payload == {"id": 7}
            received.ack()
            assert queue.qsize() == 0

    def test_forgets_an_acknowledged_message_even_from_another_thread(
        self, connection: kombu.Connection, messages: MessageFile
    ) -> None:
        with connection.SimpleQueue("work") as queue:
            queue.put({"id": 7})
            received = queue.get(timeout=2)

            acknowledging = threading.Thread(target=received.ack)
            acknowledging.start()
            acknowledging.join()

        assert _rows(messages) == []

    def test_gives_a_message_back_that_was_put_back(self, connection: kombu.Connection, messages: MessageFile) -> None:
        with connection.SimpleQueue("work") as queue:
            queue.put({"id": 7})
            queue.get(timeout=2).requeue()

            assert [owner for _, owner in _rows(messages)] == [None]
            assert queue.get(timeout=2).payload == {"id": 7}

    def test_forgets_a_message_that_was_refused(self, connection: kombu.Connection, messages: MessageFile) -> None:
        with connection.SimpleQueue("work") as queue:
            queue.put({"id": 7})
            queue.get(timeout=2).reject()

        assert _rows(messages) == []

    def test_gives_back_what_was_not_acknowledged_when_the_channel_closes(
        self, connection: kombu.Connection, messages: MessageFile
    ) -> None:
        channel = connection.channel()
        queue = kombu.Queue("work", channel=channel)
        queue.declare()
        kombu.Producer(channel).publish({"id": 7}, routing_key="work")
        assert queue.get() is not None
        assert [owner for _, owner in _rows(messages)] == [this_process()]

        channel.close()

        assert [owner for _, owner in _rows(messages)] == [None]

    def test_needs_no_acknowledgement_from_a_consumer_that_asked_for_none(
        self, connection: kombu.Connection, messages: MessageFile
    ) -> None:
        channel = connection.channel()
        received: list[Any] = []
        consumer = kombu.Consumer(
            channel, [kombu.Queue("work")], no_ack=True, callbacks=[lambda body, _message: received.append(body)]
        )
        kombu.Producer(channel).publish({"id": 7}, routing_key="work")
        with consumer:
            connection.drain_events(timeout=2)

        assert received == [{"id": 7}]
        assert _rows(messages) == []

    def test_delivers_a_message_to_every_queue_that_is_bound_and_acknowledges_each_alone(
        self, connection: kombu.Connection, messages: MessageFile
    ) -> None:
        exchange = kombu.Exchange("both", type="direct")
        channel = connection.channel()
        queues = [kombu.Queue(name, exchange, routing_key="both", channel=channel) for name in ("left", "right")]
        for queue in queues:
            queue.declare()
        kombu.Producer(channel, exchange).publish({"id": 7}, routing_key="both")

        left = queues[0].get()
        assert left is not None
        left.ack()

        assert len(_rows(messages)) == 1
        right = queues[1].get()
        assert right is not None
        assert right.payload == {"id": 7}

    def test_says_that_it_cannot_be_reached_when_the_file_cannot_be_made(self, tmp_path: Path) -> None:
        (tmp_path / "file").mkdir()
        unusable = kombu.Connection("sqlq://", transport_options={"path": str(tmp_path / "file")}, connect_timeout=1)

        with pytest.raises(kombu.exceptions.OperationalError):
            unusable.ensure_connection(max_retries=1, interval_start=0, interval_step=0, timeout=1)

    def test_is_known_to_kombu_by_its_name(self) -> None:
        assert kombu.Connection("sqlq://", transport_options={"path": "x"}).get_transport_cls() is (
            sqlite_broker.Transport
        )
