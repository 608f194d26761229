"""The peers' records and the product's database, read for the checker; nothing here asks the product itself."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from typing import Any

import psycopg

from tests.faults.checker import Arrival, MessageRow, Move
from tests.faults.world import World
from tests.functional.harness.peers import Peer


def arrivals(peer: Peer, *, path: str, business_id: str = "messageId") -> list[Arrival]:
    """Give the requests to an address that a peer recorded; `business_id` is a field of their bodies."""
    found = []
    for entry in _recorded(peer):
        if re.search(path, entry["path"]):
            document = json.loads(entry["body"])
            found.append(
                Arrival(
                    key=entry["headers"].get("idempotency-key", ""),
                    business_id=str(document.get(business_id, "")),
                    at=dt.datetime.fromisoformat(entry["at"]),
                    effect=entry["effect"],
                )
            )
    return found


def _recorded(peer: Peer) -> Iterator[dict]:  # type: ignore[type-arg]
    assert peer.record is not None
    if peer.record.exists():
        with peer.record.open(encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)


def message_rows(world: World, prefix: str) -> dict[str, MessageRow]:
    """The messages of a load, by id."""
    rows = world.rows(
        "SELECT m.message_id, m.status, m.next_attempt_at IS NOT NULL, m.last_error,"
        " (SELECT count(*) FROM outbound_deliveryattempt a WHERE a.message_id = m.id)"
        " FROM outbound_outboundmessage m WHERE starts_with(m.message_id, %s)",
        prefix,
    )
    return {name: MessageRow(status, due, tries, reason) for name, status, due, reason, tries in rows}


def messages_on_the_way(world: World, prefix: str) -> int:
    """How many messages of a load have not come to an end."""
    return int(
        world.value(
            "SELECT count(*) FROM outbound_outboundmessage WHERE starts_with(message_id, %s)"
            " AND (next_attempt_at IS NOT NULL OR status NOT IN ('SUCCESS', 'FAIL', 'CANCELED'))",
            prefix,
        )
    )


def messages_delivered(world: World, prefix: str) -> int:
    """How many messages of a load are delivered, as the database has it."""
    return int(
        world.value(
            "SELECT count(*) FROM outbound_outboundmessage WHERE starts_with(message_id, %s) AND status = 'SUCCESS'",
            prefix,
        )
    )


def life_cycles(
    world: World, *, records: str, transitions: str, owner: str
) -> tuple[dict[str, list[Move]], dict[str, str]]:
    """Give the moves of each record in order, and the state of each, both as of one moment."""

    def read(connection: psycopg.Connection[Any]) -> tuple[dict[str, list[Move]], dict[str, str]]:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        moves = connection.execute(f"SELECT {owner}::text, from_state, to_state FROM {transitions} ORDER BY id")  # type: ignore[call-overload]  # noqa: S608
        paths: dict[str, list[Move]] = {}
        for record, before, after in moves:
            paths.setdefault(record, []).append((before, after))
        return paths, dict(connection.execute(f"SELECT id::text, state FROM {records}").fetchall())  # type: ignore[call-overload]  # noqa: S608

    return world.read(read)
