"""SIGTERM under load: everything ends by itself within 30 seconds, and nothing that was accepted is lost or doubled."""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter

import psutil
import pytest
import requests

from tests.functional.harness.client import Client
from tests.functional.harness.peers import Peer
from tests.functional.harness.processes import wait_until
from tests.functional.harness.product import Product
from tests.functional.harness.records import name


MESSAGES = "/api/v1/outbound-messages/"
ACK_AT_DERMS = "event-reservation-ack"
STOPS_WITHIN_SECONDS = 30.0
MOST = 400


class Callers:
    """Queue messages until the door is closed; what was accepted is what counts."""

    def __init__(self, client: Client, prefix: str) -> None:
        self.accepted: list[str] = []
        self.odd: list[str] = []
        self._client, self._prefix = client, prefix
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._call, args=(number,), daemon=True) for number in range(3)]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive()

    def _call(self, caller: int) -> None:
        for number in range(MOST):
            if self._over.is_set():
                return
            message_id = f"{self._prefix}-{caller}-{number}"
            payload = {"messageId": message_id, "drmsInstanceId": "NMS1", "eventId": "EVT-1", "ackType": "SUCCESS"}
            body = {"message_type": "RESERVATION-ACK", "external_system": "DERMS", "message_id": message_id}
            try:
                answer = self._client.post(MESSAGES, json={**body, "payload": payload})
            except requests.RequestException:
                # Nobody listens any more: the message was never accepted.
                return
            if answer.status_code in (201, 202):
                self.accepted.append(message_id)
            else:
                self.odd.append(f"{answer.status_code} {answer.text[:200]}")


def arrivals(derms: Peer, prefix: str) -> Counter[str]:
    return Counter(
        entry["headers"]["idempotency-key"]
        for entry in derms.requests(ACK_AT_DERMS)
        if entry["headers"].get("idempotency-key", "").startswith(prefix)
    )


@pytest.mark.parametrize("stopped", ["supervisor", "each process"])
def test_a_stop_under_load_loses_and_doubles_nothing(
    client: Client, derms: Peer, product: Product, stopped: str
) -> None:
    prefix = name("STOP")
    derms.fault(match={"path": ACK_AT_DERMS}, delay_seconds=0.2, times=10_000)
    supervisor = product.supervisor
    assert supervisor is not None
    children = supervisor.children()
    callers = Callers(client, prefix)
    wait_until("calls that are out", lambda: len(arrivals(derms, prefix)) >= 5, seconds=60)
    log_before = len(product.log())

    began = time.monotonic()
    if stopped == "supervisor":
        assert product.terminate(seconds=STOPS_WITHIN_SECONDS) == 0
        _, alive = psutil.wait_procs(children, timeout=1)
    else:
        # As systemd does it, with a unit for each; here the supervisor starts them again at once.
        for child in children:
            child.send_signal(signal.SIGTERM)
        _, alive = psutil.wait_procs(children, timeout=STOPS_WITHIN_SECONDS)
    took = time.monotonic() - began
    callers.end()

    assert alive == [], f"Still there after {took:.1f} s: {alive}"
    assert took < STOPS_WITHIN_SECONDS
    assert "is killed" not in product.log()[log_before:]
    assert callers.odd == []
    assert len(callers.accepted) > 5
    left = len(callers.accepted) - len(arrivals(derms, prefix))
    derms.clear_faults()
    if stopped == "supervisor":
        product.supervise()
    product.wait_until_ready()
    wait_until(
        f"the {left} messages that were left over",
        lambda: set(arrivals(derms, prefix)) >= set(callers.accepted),
        seconds=120,
    )
    # What was being sent when the signal came was brought to its end: nothing goes a second time.
    assert {key: times for key, times in arrivals(derms, prefix).items() if times > 1} == {}
