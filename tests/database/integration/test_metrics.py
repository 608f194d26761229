"""What Prometheus is told, and whom."""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from integration import metric_families
from integration.beat import LEASE_NAME
from integration.models import Flow, FlowRun, FlowStatistics
from integration.operations import leases
from outbound.choices import BreakerState, MessageStatus
from outbound.models import Connection, ConnectionHealth, OutboundMessage
from tests.factories import messages, rows
from vee import rate_queries
from vee.models import DirectLoad, ImdTransition, InitialMeasurement, ReadingFile


pytestmark = pytest.mark.django_db

TOKEN = "a-token-of-the-scraper"
LABELS = tuple[tuple[str, str], ...]


def read(client: Client, **headers: Any) -> dict[tuple[str, LABELS], float]:
    """Give what a scrape says: sample name and labels to value."""
    answer = client.get("/metrics", **headers)
    assert answer.status_code == 200, answer.content
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    }


def of(figures: Mapping[tuple[str, LABELS], float], name: str, **labels: str) -> float:
    return figures[name, tuple(sorted(labels.items()))]


class TestWhoMayRead:
    @pytest.fixture(autouse=True)
    def _a_production(self, settings: Any) -> None:
        settings.METRICS_NETWORKS = [ipaddress.ip_network("10.1.0.0/16")]
        settings.METRICS_TOKEN = TOKEN

    def test_whoever_asks_from_a_known_network(self, client: Client) -> None:
        assert client.get("/metrics", REMOTE_ADDR="10.1.2.3").status_code == 200
        assert client.get("/metrics", REMOTE_ADDR="::ffff:10.1.2.3").status_code == 200
        assert client.get("/metrics/", REMOTE_ADDR="10.1.2.3").status_code == 200

    def test_nobody_from_elsewhere_without_the_token(self, client: Client) -> None:
        for shown in ("", "Bearer ", "Bearer wrong", f"Token {TOKEN}", f"Bearer {TOKEN}x", "Bearer \xe9"):
            answer = client.get("/metrics", REMOTE_ADDR="10.2.0.1", secure=True, HTTP_AUTHORIZATION=shown)

            assert (answer.status_code, answer["Content-Type"]) == (403, "application/problem+json"), shown
            assert b"tieline_" not in answer.content

    def test_whoever_shows_the_token_over_https(self, client: Client) -> None:
        shown = {"REMOTE_ADDR": "10.2.0.1", "HTTP_AUTHORIZATION": f"Bearer {TOKEN}"}

        assert client.get("/metrics", secure=True, **shown).status_code == 200

    def test_the_token_is_not_taken_over_plain_http_from_another_machine(self, client: Client) -> None:
        shown = {"HTTP_AUTHORIZATION": f"Bearer {TOKEN}"}

        assert client.get("/metrics", REMOTE_ADDR="10.2.0.1", **shown).status_code == 403
        assert client.get("/metrics", REMOTE_ADDR="127.0.0.1", **shown).status_code == 200

    def test_what_a_caller_writes_about_its_address_does_not_count(self, client: Client) -> None:
        answer = client.get("/metrics", REMOTE_ADDR="10.2.0.1", HTTP_X_FORWARDED_FOR="10.1.2.3")

        assert answer.status_code == 403

    def test_without_token_and_networks_nobody(self, client: Client, settings: Any) -> None:
        settings.METRICS_NETWORKS, settings.METRICS_TOKEN = [], ""

        assert client.get("/metrics", REMOTE_ADDR="127.0.0.1", HTTP_AUTHORIZATION="Bearer ").status_code == 403

    def test_an_account_is_no_key(self, admin_client: Client) -> None:
        assert admin_client.get("/metrics", REMOTE_ADDR="10.2.0.1", secure=True).status_code == 403


class TestFigures:
    def test_queue_by_system_with_the_age_of_the_longest_due(self, client: Client) -> None:
        now = timezone.now()
        waiting = [
            messages.make_message(at=now - dt.timedelta(minutes=minutes), message_id=f"M-{minutes}")
            for minutes in (2, 10, 60)
        ]
        dead, held, taken = (messages.make_message(at=now, message_id=name) for name in ("DEAD", "HELD", "TAKEN"))
        messages.make_system("OUAI")
        later = messages.make_message(at=now, external_system="DACS", message_id="LATER")
        table = OutboundMessage.objects
        table.filter(pk__in=[each.pk for each in waiting]).update(next_attempt_at=now - dt.timedelta(minutes=10))
        table.filter(pk=dead.pk).update(status=MessageStatus.FAIL, next_attempt_at=None)
        table.filter(pk=held.pk).update(hold_reason="The breaker is open.", next_attempt_at=now)
        table.filter(pk=taken.pk).update(status=MessageStatus.IN_PROGRESS, next_attempt_at=None)
        table.filter(pk=later.pk).update(status=MessageStatus.FAIL, next_attempt_at=now + dt.timedelta(hours=1))

        figures = read(client)

        depth = {
            (system, state): of(figures, "tieline_outbound_messages", system=system, state=state)
            for system in ("DERMS", "DACS", "OUAI")
            for state in ("waiting", "held", "in_progress")
        }
        assert depth == {
            ("DERMS", "waiting"): 3, ("DERMS", "held"): 1, ("DERMS", "in_progress"): 1,
            ("DACS", "waiting"): 1, ("DACS", "held"): 0, ("DACS", "in_progress"): 0,
            ("OUAI", "waiting"): 0, ("OUAI", "held"): 0, ("OUAI", "in_progress"): 0,
        }  # fmt: skip
        assert of(figures, "tieline_dead_letters", system="DERMS") == 1
        assert of(figures, "tieline_dead_letters", system="DACS") == 0
        assert of(figures, "tieline_oldest_due_message_age_seconds", system="DERMS") == pytest.approx(600, abs=5)
        assert of(figures, "tieline_oldest_due_message_age_seconds", system="DACS") == 0

    def test_breakers_one_state_each(self, client: Client) -> None:
        for name in ("DACS", "DERMS", "OFF"):
            Connection.objects.create(name=name, base_url="https://peer.example.org", enabled=name != "OFF")
        ConnectionHealth.objects.create(connection=Connection.objects.get(name="DACS"), state=BreakerState.OPEN)

        figures = read(client)

        states = {
            (dict(labels)["connection"], dict(labels)["tieline_breaker_state"])
            for (name, labels), value in figures.items()
            if name == "tieline_breaker_state" and value == 1
        }
        assert states == {("DACS", "open"), ("DERMS", "closed")}

    def test_runs_by_flow_and_state_and_what_ended_since_ever(self, client: Client) -> None:
        flow = Flow.objects.create(name="event_outcome", display_name="Event outcome")
        for state in ("RECEIVED", "FAILED", "FAILED", "SUCCEEDED"):
            FlowRun.objects.create(flow=flow, state=state, correlation_id="c", started_at=timezone.now())
        days = (dt.date(2026, 3, 1), dt.date(2026, 3, 2))
        for day in days:
            FlowStatistics.objects.create(
                flow=flow,
                version="1",
                day=day,
                received=5,
                succeeded=3,
                failed=1,
                aborted=1,
                measured=5,
                duration_sum=2.5,
            )

        figures = read(client)

        assert of(figures, "tieline_runs", flow="event_outcome", state="failed") == 2
        assert of(figures, "tieline_runs", flow="event_outcome", state="received") == 1
        assert of(figures, "tieline_runs", flow="event_outcome", state="in_progress") == 0
        assert of(figures, "tieline_runs_received_total", flow="event_outcome") == 10
        assert of(figures, "tieline_runs_ended_total", flow="event_outcome", outcome="succeeded") == 6
        assert of(figures, "tieline_run_seconds_count", flow="event_outcome") == 10
        assert of(figures, "tieline_run_seconds_sum", flow="event_outcome") == 5.0

    def test_imds_that_are_open_and_how_fast_vee_goes(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        now = timezone.now()
        imd = InitialMeasurement.objects.create(
            component_identifier="MC", start=now, end=now, state="EXCEPTION", created_at=now, state_changed_at=now
        )
        for minutes, state in ((60, "COMPLETE"), (3, "COMPLETE"), (2, "COMPLETE"), (1, "EXCEPTION")):
            at = now - dt.timedelta(minutes=minutes)
            ImdTransition.objects.create(imd=imd, to_state=state, at=at)

        figures = read(client)

        assert of(figures, "tieline_imds", state="exception") == 1
        assert of(figures, "tieline_imds", state="pending") == 0
        assert of(figures, "tieline_imd_transitions_per_second", to_state="complete") == pytest.approx(2 / 300)
        assert of(figures, "tieline_imd_transitions_per_second", to_state="exception") == pytest.approx(1 / 300)
        assert of(figures, "tieline_imd_rate_window_seconds") == 300

        # More happened than the sample holds: the rate is that of the time that the sample covers.
        monkeypatch.setattr(rate_queries, "SAMPLE_ROWS", 2)
        figures = read(client)

        assert of(figures, "tieline_imd_rate_window_seconds") == pytest.approx(120, abs=5)
        assert of(figures, "tieline_imd_transitions_per_second", to_state="complete") == pytest.approx(
            1 / 120, rel=0.05
        )

    def test_how_fast_direct_processing_goes(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        assert of(read(client), "tieline_direct_readings_per_second") == 0

        now = timezone.now()
        file = ReadingFile.objects.create(name="a", format="nem12", size=1, sha256="0", created_at=now)
        for minutes, readings in ((60, 9), (3, 4), (1, 2)):
            numbers = np.arange(readings, dtype=np.int64)
            DirectLoad.objects.create(
                file=file, first_imd_id=1, last_imd_id=readings, imd_ids=numbers, lines=numbers, details={},
                at=now - dt.timedelta(minutes=minutes),
            )  # fmt: skip

        assert of(read(client), "tieline_direct_readings_per_second") == pytest.approx(6 / 300)

        monkeypatch.setattr(rate_queries, "SAMPLE_LOADS", 1)

        assert of(read(client), "tieline_direct_readings_per_second") == pytest.approx(2 / 60, rel=0.05)

    def test_the_age_of_beats_heartbeat(self, client: Client) -> None:
        assert of(read(client), "tieline_beat_heartbeat_age_seconds") == float("inf")

        at = timezone.now() - dt.timedelta(seconds=40)
        leases.acquire(name=LEASE_NAME, owner="beat", at=at, seconds=30)

        assert of(read(client), "tieline_beat_heartbeat_age_seconds") == pytest.approx(40, abs=5)


def test_every_figure_is_on_the_page_and_the_page_names_no_other(client: Client) -> None:
    page = (Path(__file__).resolve().parents[3] / "docs/operations/watch.md").read_text(encoding="utf-8")
    told = {family.name for family in text_string_to_metric_families(client.get("/metrics").content.decode())}
    described = set(re.findall(r"^\| `(tieline_\w+)` \|", page, re.MULTILINE))
    used = {name for name in re.findall(r"tieline_[a-z_]+", page) if name not in described}

    assert {name.removesuffix("_total") for name in described} == told
    assert used == set()


class TestCosts:
    def test_as_many_queries_for_thirty_rows_of_each_model_as_for_three(self, client: Client) -> None:
        needed = []
        for start, count in ((rows.FIRST, 3), (rows.FIRST + 3, 27)):
            for model in rows.all_models():
                rows.fill(model, count, start=start)
            with CaptureQueriesContext(connection) as asked:
                read(client)
            needed.append(len(asked))

        assert needed == [15, 15]

    def test_no_table_of_evidence_is_counted_whole(self, client: Client) -> None:
        with CaptureQueriesContext(connection) as asked:
            read(client)

        for query in asked:
            for table in ("vee_initialmeasurement", "outbound_outboundmessage", "integration_flowrun"):
                assert f'FROM "{table}"' not in query["sql"] or " WHERE " in query["sql"], query["sql"]


def test_without_a_database_it_is_503_and_says_no_more(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(**kwargs: Any) -> None:
        raise OperationalError("connection to server at 10.0.0.5 failed")

    monkeypatch.setattr(metric_families.message_queries, "queues_by_system", away)

    answer = client.get("/metrics")

    assert answer.status_code == 503
    assert b"10.0.0.5" not in answer.content
