from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection as database

from outbound.breaker import Breaker, Permit
from outbound.choices import BreakerState
from outbound.events import breaker_changed
from outbound.models import Connection, ConnectionHealth
from outbound.operations.parameters import set_parameter
from outbound.transports import rest
from outbound.transports.base import CircuitOpen
from tests.database.outbound.servers import Peer, answer
from tests.factories.outbound import NOW, make_connection


SECOND = dt.timedelta(seconds=1)


@pytest.fixture
def dacs(db: None) -> Connection:
    set_parameter(name="BREAKER_FAILURES", value=3)
    set_parameter(name="BREAKER_RESET_SECONDS", value=30)
    return make_connection("DACS")


@pytest.fixture
def changes() -> Iterator[list[tuple[str, bool]]]:
    """What the breaker tells to whoever subscribes."""
    told: list[tuple[str, bool]] = []

    def listen(state: str, credentials: bool, **_facts: Any) -> None:
        told.append((state, credentials))

    breaker_changed.connect(listen)
    yield told
    breaker_changed.disconnect(listen)


def _breaker(connection: Connection) -> Breaker:
    return Breaker(connection_id=connection.pk, name=connection.name)


def _fail(breaker: Breaker, times: int, at: dt.datetime = NOW) -> None:
    for _ in range(times):
        breaker.failed(breaker.admit(at=at, hold_seconds=60), at=at, reason="HTTP 500")


class TestAdmit:
    def test_opens_after_so_many_failures_in_a_row(self, dacs: Connection, changes: list[Any]) -> None:
        breaker = _breaker(dacs)
        _fail(breaker, 2)
        assert breaker.admit(at=NOW, hold_seconds=60) == Permit()
        _fail(breaker, 1)
        with pytest.raises(CircuitOpen, match=r"DACS is held back.*HTTP 500.*in 30 s") as caught:
            breaker.admit(at=NOW, hold_seconds=60)
        assert (caught.value.retry_after, caught.value.sent, caught.value.held) == (30.0, False, True)
        assert changes == [(BreakerState.OPEN, False)]

    def test_a_success_starts_the_count_anew(self, dacs: Connection) -> None:
        breaker = _breaker(dacs)
        _fail(breaker, 2)
        breaker.succeeded(breaker.admit(at=NOW, hold_seconds=60), at=NOW)
        _fail(breaker, 2)
        health = ConnectionHealth.objects.get()
        assert (health.state, health.consecutive_failures) == (BreakerState.CLOSED, 2)

    def test_processes_share_one_count(self, dacs: Connection) -> None:
        here, there = _breaker(dacs), _breaker(dacs)
        _fail(here, 2)
        _fail(there, 1)
        with pytest.raises(CircuitOpen):
            here.admit(at=NOW, hold_seconds=60)

    def test_a_process_that_saw_it_closed_learns_of_an_opening_within_a_second(self, dacs: Connection) -> None:
        here, there = _breaker(dacs), _breaker(dacs)
        here.admit(at=NOW, hold_seconds=60)
        _fail(there, 3)
        assert here.admit(at=NOW + SECOND / 2, hold_seconds=60) == Permit()
        with pytest.raises(CircuitOpen):
            here.admit(at=NOW + SECOND, hold_seconds=60)

    def test_lets_one_probe_through_after_the_reset_time(self, dacs: Connection) -> None:
        here, there = _breaker(dacs), _breaker(dacs)
        _fail(here, 3)
        with pytest.raises(CircuitOpen) as early:
            here.admit(at=NOW + 29 * SECOND, hold_seconds=60)
        assert early.value.retry_after == 1.0
        assert here.admit(at=NOW + 30 * SECOND, hold_seconds=60).probe is not None
        with pytest.raises(CircuitOpen):
            there.admit(at=NOW + 30 * SECOND, hold_seconds=60)

    def test_a_probe_whose_worker_died_is_replaced_when_its_lease_ends(self, dacs: Connection) -> None:
        breaker = _breaker(dacs)
        _fail(breaker, 3)
        dead = breaker.admit(at=NOW + 30 * SECOND, hold_seconds=60)
        with pytest.raises(CircuitOpen):
            breaker.admit(at=NOW + 89 * SECOND, hold_seconds=60)
        living = breaker.admit(at=NOW + 90 * SECOND, hold_seconds=60)
        assert living.probe not in (None, dead.probe)
        breaker.succeeded(dead, at=NOW + 91 * SECOND)
        assert ConnectionHealth.objects.get().state == BreakerState.HALF_OPEN, "a late owner changes nothing"
        breaker.succeeded(living, at=NOW + 92 * SECOND)
        assert ConnectionHealth.objects.get().state == BreakerState.CLOSED

    def test_a_connection_that_is_not_stored_has_no_breaker(self, db: None) -> None:
        assert Breaker(connection_id=None, name="NEW").admit(at=NOW, hold_seconds=60) == Permit()


class TestProbe:
    def test_its_success_closes_the_breaker(self, dacs: Connection, changes: list[Any]) -> None:
        breaker = _breaker(dacs)
        _fail(breaker, 3)
        later = NOW + 30 * SECOND
        breaker.succeeded(breaker.admit(at=later, hold_seconds=60), at=later)
        health = ConnectionHealth.objects.get()
        assert (health.state, health.consecutive_failures, health.opened_at) == (BreakerState.CLOSED, 0, None)
        assert health.last_success_at == later
        assert changes == [(BreakerState.OPEN, False), (BreakerState.CLOSED, False)]

    def test_its_failure_opens_the_breaker_for_another_round(self, dacs: Connection) -> None:
        breaker = _breaker(dacs)
        _fail(breaker, 3)
        later = NOW + 30 * SECOND
        _fail(breaker, 1, at=later)
        with pytest.raises(CircuitOpen) as caught:
            breaker.admit(at=later, hold_seconds=60)
        assert caught.value.retry_after == 30.0

    def test_given_back_unused_it_leaves_room_for_the_next(self, dacs: Connection) -> None:
        breaker = _breaker(dacs)
        _fail(breaker, 3)
        later = NOW + 30 * SECOND
        breaker.release(breaker.admit(at=later, hold_seconds=60))
        assert breaker.admit(at=later, hold_seconds=60).probe is not None

    def test_a_late_success_of_an_ordinary_call_does_not_close_an_open_breaker(self, dacs: Connection) -> None:
        slow, breaker = _breaker(dacs), _breaker(dacs)
        permit = slow.admit(at=NOW, hold_seconds=60)
        _fail(breaker, 3)
        slow.succeeded(permit, at=NOW + SECOND)
        assert ConnectionHealth.objects.get().state == BreakerState.OPEN


class TestRefusedCredentials:
    def test_pauses_at_once_and_tells_it_once(self, dacs: Connection, changes: list[Any]) -> None:
        here, there = _breaker(dacs), _breaker(dacs)
        permits = [each.admit(at=NOW, hold_seconds=60) for each in (here, there)]
        for each, permit in zip((here, there), permits, strict=True):
            each.refused_credentials(permit, at=NOW, reason="HTTP 401")
        assert changes == [(BreakerState.OPEN, True)]
        with pytest.raises(CircuitOpen, match="refused its credentials"):
            here.admit(at=NOW, hold_seconds=60)

    def test_a_person_s_good_test_ends_the_pause(self, dacs: Connection) -> None:
        breaker = _breaker(dacs)
        breaker.refused_credentials(breaker.admit(at=NOW, hold_seconds=60), at=NOW, reason="HTTP 401")
        breaker.succeeded(breaker.admit_by_hand(at=NOW), at=NOW)
        assert breaker.admit(at=NOW, hold_seconds=60) == Permit()
        assert ConnectionHealth.objects.get().credentials_refused is False

    def test_a_refusal_of_a_person_s_test_pauses_nothing(self, dacs: Connection) -> None:
        breaker = _breaker(dacs)
        breaker.refused_credentials(breaker.admit_by_hand(at=NOW), at=NOW, reason="HTTP 403")
        health = ConnectionHealth.objects.get()
        assert (health.state, health.credentials_refused) == (BreakerState.CLOSED, False)
        assert health.last_error == "The target refused the credentials (HTTP 403)."

    def test_a_probe_that_is_refused_opens_the_breaker_again(self, dacs: Connection) -> None:
        breaker = _breaker(dacs)
        _fail(breaker, 3)
        later = NOW + 30 * SECOND
        breaker.refused_credentials(breaker.admit(at=later, hold_seconds=60), at=later, reason="HTTP 401")
        health = ConnectionHealth.objects.get()
        assert (health.state, health.opened_at, health.credentials_refused) == (BreakerState.OPEN, later, True)

    def test_a_person_s_bad_test_does_not_count(self, dacs: Connection) -> None:
        breaker = _breaker(dacs)
        for _ in range(10):
            breaker.failed(breaker.admit_by_hand(at=NOW), at=NOW, reason="no")
        health = ConnectionHealth.objects.get()
        assert (health.state, health.consecutive_failures, health.last_error) == (BreakerState.CLOSED, 0, "no")


class TestManyThreads:
    @pytest.mark.django_db(transaction=True)
    def test_of_many_callers_at_once_exactly_one_probes(self, peer: Peer) -> None:
        set_parameter(name="BREAKER_FAILURES", value=2)
        set_parameter(name="BREAKER_RESET_SECONDS", value=0)
        connection = make_connection(base_url=peer.url, max_concurrency=8)
        ConnectionHealth.objects.update(state=BreakerState.OPEN, opened_at=NOW)
        peer.behave = answer(503)
        start = threading.Barrier(8)
        outcomes: list[str] = []

        def call() -> None:
            breaker = _breaker(connection)
            start.wait()
            try:
                permit = breaker.admit(at=NOW + SECOND, hold_seconds=60)
                outcomes.append("probe" if permit.probe else "through")
            except CircuitOpen:
                outcomes.append("held")
            finally:
                database.close()

        threads = [threading.Thread(target=call) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes) == ["held"] * 7 + ["probe"]

    @pytest.mark.django_db(transaction=True)
    def test_two_clients_open_and_close_it_together(self, peer: Peer) -> None:
        set_parameter(name="BREAKER_FAILURES", value=4)
        set_parameter(name="BREAKER_RESET_SECONDS", value="0.2")
        connection = make_connection(base_url=peer.url)
        peer.behave = answer(500)
        guard = rest.deployment_guard()
        clients = [rest.RestClient(connection, guard=guard) for _ in range(2)]
        held: list[str] = []

        def call(client: rest.RestClient, times: int) -> None:
            try:
                for _ in range(times):
                    client.request("GET", "x")
            except CircuitOpen as error:
                held.append(str(error))
            finally:
                database.close()

        threads = [threading.Thread(target=call, args=(client, 10)) for client in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(held) == 2
        assert 4 <= len(peer.seen) <= 5, "four failures open it; one call may have been under way"

        peer.behave = answer(200)
        threading.Event().wait(0.25)
        assert clients[0].request("GET", "x").status == 200
        assert ConnectionHealth.objects.get().state == BreakerState.CLOSED
        assert clients[1].request("GET", "x").status == 200
