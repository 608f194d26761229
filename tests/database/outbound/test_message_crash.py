"""A worker that is killed in the middle of a try: a process of its own, and SIGKILL (`reliability.md` Q1, Q11)."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection as database
from django.utils import timezone

from outbound.choices import AttemptOutcome, MessageStatus
from outbound.models import OutboundMessage
from outbound.operations import sweeping
from tests.database.outbound import servers
from tests.database.outbound.servers import Peer, answer
from tests.factories.messages import attempt, make_message
from tests.factories.outbound import make_connection


pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[3]
_WORK = """
import sys
import django
from django.conf import settings
settings.DATABASES["default"].update(eval(sys.argv[2]))
django.setup()
from outbound.tasks import deliver_message
deliver_message(message_pk=int(sys.argv[1]))
"""


def _kill_during(message: OutboundMessage, *, when: Callable[[], bool]) -> None:
    """Let a process deliver the message, and kill it when that is so."""
    place = {name: database.settings_dict[name] for name in ("NAME", "HOST", "PORT", "USER", "PASSWORD")}
    worker = subprocess.Popen(
        [sys.executable, "-c", _WORK, str(message.pk), repr(place)],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
    )
    try:
        ends = time.monotonic() + 60
        while not when():
            assert worker.poll() is None, "the worker ended by itself"
            assert time.monotonic() < ends, "the worker never came so far"
            time.sleep(0.02)
    finally:
        worker.kill()
        worker.wait()


def test_a_killed_worker_loses_nothing_and_uses_no_retry(peer: Peer) -> None:
    make_connection("DERMS", base_url=peer.url)
    peer.behave = servers.never
    message = make_message(message_id="A-1", at=timezone.now())

    _kill_during(message, when=lambda: len(peer.seen) == 1)

    message.refresh_from_db()
    assert (message.status, message.num_retries) == (MessageStatus.IN_PROGRESS, 0)
    assert message.lease_until is not None
    peer.behave = answer(200)
    later = message.lease_until + dt.timedelta(seconds=1)
    sweeping.sweep_messages(at=later)
    done = attempt(message, later)
    assert (done.status, done.num_retries, done.recoveries) == (MessageStatus.SUCCESS, 0, 0)
    assert [each.outcome for each in done.attempts.order_by("number")] == [AttemptOutcome.LOST, AttemptOutcome.SENT]
    assert [each.headers["Idempotency-Key"] for each in peer.seen] == ["A-1", "A-1"]


def test_the_third_killed_worker_makes_a_dead_letter(peer: Peer) -> None:
    make_connection("DERMS", base_url=peer.url)
    peer.behave = servers.never
    message = make_message(at=timezone.now())
    OutboundMessage.objects.update(recoveries=2)

    _kill_during(message, when=lambda: len(peer.seen) == 1)

    message.refresh_from_db()
    lease_until: Any = message.lease_until
    sweeping.sweep_messages(at=lease_until + dt.timedelta(seconds=1))
    message.refresh_from_db()
    assert (message.status, message.next_attempt_at, message.recoveries) == (MessageStatus.FAIL, None, 3)
    assert message.last_error.startswith("worker_crash")
    assert message.attempts.get().outcome == AttemptOutcome.LOST
