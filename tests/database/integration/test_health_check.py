"""The health check of DACS (`integration.md` 3.12), over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from integration.flows import health_check
from outbound import queries
from outbound.transports import rest
from tests.database.integration.participation import Participation, serving
from tests.factories import integration as factory


pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def dacs() -> Iterator[Participation]:
    health_check.forget()
    with serving() as known:
        yield known


@pytest.fixture
def client(dacs: Participation) -> rest.RestClient:
    factory.prepare(base_url=dacs.base_url)
    return rest.client(queries.connection("DACS"))


@pytest.mark.parametrize(
    ("status", "accept", "healthy"),
    [(200, False, True), (203, False, False), (203, True, True), (500, True, False), (401, True, False)],
)
def test_only_200_is_well_unless_degraded_is_accepted(
    dacs: Participation, client: rest.RestClient, status: int, accept: bool, healthy: bool
) -> None:
    dacs.health = status

    verdict = health_check.check(client, accept)

    assert (verdict.healthy, verdict.status) == (healthy, status)
    assert str(status) in verdict.reason
    assert (verdict.fault is None) == healthy
    if verdict.fault is not None:
        assert verdict.fault.type == "REMOTE"


def test_a_positive_answer_holds_for_thirty_seconds_and_a_negative_one_not_at_all(
    dacs: Participation, client: rest.RestClient
) -> None:
    now = [100.0]

    def ask(accept: bool = True) -> health_check.HealthVerdict:
        return health_check.check(client, accept, monotonic=lambda: now[0])

    dacs.health = 500
    ask()
    dacs.health = 203
    assert [ask().cached, ask().cached, ask(accept=False).cached] == [False, True, False]
    assert len(dacs.requests) == 3
    now[0] += 30.1
    dacs.health = 200
    assert (ask().status, len(dacs.requests)) == (200, 4)


def test_nobody_there(nobody_listens: str) -> None:
    factory.prepare(base_url=nobody_listens)

    verdict = health_check.check(rest.client(queries.connection("DACS")), accept_degraded=True)

    assert (verdict.healthy, verdict.fault and verdict.fault.code) == (False, "target_unreachable")
