"""
The embedded broker: Celery's messages in one SQLite file, for an installation without a broker of its own.

Why it exists: none of the server-less transports that come with kombu survives a killed worker. `filesystem://`
removes a message when it is read, `sqla+` does the same and takes seconds, `memory://` keeps nothing. Here a
message is a row that is claimed by a process and deleted when the task is done; rows of processes that have
died are given back within a second. It serves one host, which is what embedded means; with REDIS_URL set none
of this is loaded. It goes the day kombu ships a transport that keeps this promise.

A message can be delivered twice, never lost: tasks are safe to run twice and the application's own database
is the truth (`docs/architecture.md`).

Registered as `sqlq://`; the file is `transport_options["path"]`. No fanout: remote control, gossip and mingle
are switched off. Priorities 0 to 9, the higher first.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, virtual

from integration.message_file import MessageFile, this_process


class QoS(virtual.QoS):
    """Acknowledgement deletes the row; a refusal deletes it or gives it back."""

    channel: Channel

    def ack(self, delivery_tag: str) -> None:
        self.channel.messages.remove(delivery_tag)
        super().ack(delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        if requeue:
            self.channel.give_back(delivery_tag)
        else:
            self.channel.messages.remove(delivery_tag)
        super().ack(delivery_tag)


class Channel(virtual.Channel):
    """A channel over the message file."""

    QoS = QoS
    supports_fanout = False

    def __init__(self, connection: Any, **kwargs: Any) -> None:
        super().__init__(connection, **kwargs)
        self.messages = MessageFile(Path(connection.client.transport_options["path"]))

    def give_back(self, delivery_tag: str) -> None:
        """Let any worker have the message again."""
        self.messages.release(tag=delivery_tag, owner=this_process())

    def basic_consume(
        self,
        queue: str,
        no_ack: bool = False,
        callback: Callable[..., Any] | None = None,
        consumer_tag: str | None = None,
        **kwargs: Any,
    ) -> str:
        if no_ack and callback is not None:
            callback = self._removing(callback)
        return super().basic_consume(queue, no_ack, callback, consumer_tag, **kwargs)

    def basic_get(self, queue: str, no_ack: bool = False, **kwargs: Any) -> Any:
        message = super().basic_get(queue, no_ack, **kwargs)
        if message is not None and message.delivery_tag is not None and no_ack:
            self.messages.remove(message.delivery_tag)
        return message

    def close(self) -> None:
        super().close()
        self.messages.close()

    def _removing(self, callback: Callable[..., Any]) -> Callable[[Any], Any]:
        def removing(message: Any) -> Any:
            self.messages.remove(message.delivery_tag)
            return callback(message)

        return removing

    def _put(self, queue: str, message: dict[str, Any], **_kwargs: Any) -> None:
        self.messages.put(queue=queue, priority=self._get_message_priority(message), payload=message)

    def _get(self, queue: str, timeout: float | None = None) -> dict[str, Any]:
        self.messages.release_of_dead_owners()
        payload = self.messages.claim(queue=queue, owner=this_process())
        if payload is None:
            raise Empty
        return payload

    def _restore(self, message: Any) -> None:
        self.give_back(message.delivery_tag)

    def _size(self, queue: str) -> int:
        return self.messages.size(queue)

    def _purge(self, queue: str) -> int:
        return self.messages.purge(queue)


class Transport(virtual.Transport):
    """Kombu's transport `sqlq://`."""

    Channel = Channel
    can_parse_url = False
    default_port = 0
    driver_type = "sqlite"
    driver_name = "sqlite3"
    polling_interval = 0.02
    connection_errors = (*virtual.Transport.connection_errors, sqlite3.OperationalError)

    # Exchanges and bindings are the same for every connection of a process.
    global_state = virtual.BrokerState()

    def __init__(self, client: Any, **kwargs: Any) -> None:
        super().__init__(client, **kwargs)
        self.state = self.global_state

    def create_channel(self, connection: Any) -> Any:
        channel: Any = super().create_channel(connection)
        # Opens the file, so that a place that cannot be written to is found out here.
        channel.messages.size("")
        return channel

    @property
    def default_connection_params(self) -> dict[str, Any]:
        # No host and no port: kombu would remark on an address without one.
        return {}

    def driver_version(self) -> str:
        return sqlite3.sqlite_version


TRANSPORT_ALIASES["sqlq"] = "integration.sqlite_broker:Transport"
