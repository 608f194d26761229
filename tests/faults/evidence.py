"""The peers' records and the product's database, read for the checker; nothing here asks the product itself."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator

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


def paths(world: World, table: str, owner: str) -> dict[str, list[Move]]:
    """The moves of each record that a table of transitions has, in order."""
    found: dict[str, list[Move]] = {}
    for record, before, after in world.rows(f"SELECT {owner}::text, from_state, to_state FROM {table} ORDER BY id"):  # noqa: S608
        found.setdefault(record, []).append((before, after))
    return found


def states(world: World, table: str) -> dict[str, str]:
    """The state of each record now."""
    return dict(world.rows(f"SELECT id::text, state FROM {table}"))  # type: ignore[arg-type]  # noqa: S608
