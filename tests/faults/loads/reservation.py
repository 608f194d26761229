"""A reservation file that DERMS sends once, insisting until it is accepted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.faults.loads.messages import insist
from tests.faults.world import World
from tests.functional.harness.events import RESERVE, nic, reservation, reservation_file, send_with_file


DEVICE_PREFIX = "ECOBEE/"


@dataclass
class ReservationLoad:
    """One event with a file of `rows` devices."""

    world: World
    rows: int
    document: dict[str, Any] = field(default_factory=reservation)

    def __post_init__(self) -> None:
        self.devices = {f"{DEVICE_PREFIX}{nic(number)}" for number in range(1, self.rows + 1)}
        self.event = self.document["eventId"]
        self.run_id = ""

    def send(self) -> None:
        """Send it until it is accepted; the same message again is answered with the run that stands."""
        content = reservation_file(self.rows)
        client = self.world.product.client()
        answer = insist(lambda: send_with_file(client, RESERVE, self.document, content), accepted=(202,))
        self.run_id = answer.json()["instanceId"]

    def progress(self) -> float:
        """The share of segments that are done."""
        done, total = self.world.rows(
            "SELECT count(*) FILTER (WHERE state = 'DONE'), count(*) FROM integration_segment WHERE run_id = %s",
            self.run_id,
        )[0]
        return done / total if total else 0.0

    def is_over(self) -> bool:
        """Whether the run has ended and its acknowledgement has been taken."""
        return bool(
            self.world.value(
                "SELECT count(*) FROM integration_fileattempt a JOIN outbound_outboundmessage m"
                " ON m.message_id = a.ack_message_id WHERE a.run_id = %s AND m.status = 'SUCCESS'",
                self.run_id,
            )
        )

    def reserved(self) -> dict[str, int]:
        """How often each device was reserved at DACS, by `headEndSystem/nicId`."""
        prefix = f"{self.event}/"
        found = self.world.dacs.state()["reservations"]
        return {name.removeprefix(prefix): count for name, count in found.items() if name.startswith(prefix)}

    def ledger(self) -> dict[str, str]:
        """The state of each device in the product's ledger."""
        return dict(
            self.world.rows(
                "SELECT r.head_end_system || '/' || r.nic_id, r.state FROM integration_reservation r"
                " JOIN integration_event e ON e.id = r.event_id WHERE e.external_id = %s",
                self.event,
            )
        )  # type: ignore[arg-type]

    def attempts(self) -> dict[str, bool]:
        """The acknowledgement of each attempt at the file, and whether the attempt has ended."""
        rows = self.world.rows(
            "SELECT number, ack_message_id, ended_at IS NOT NULL FROM integration_fileattempt WHERE run_id = %s",
            self.run_id,
        )
        return {message_id or f"attempt {number}": ended for number, message_id, ended in rows}
