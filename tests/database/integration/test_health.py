from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from celery import current_app
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone

from foundation.models import BeatLease
from integration import health
from integration.beat import LEASE_NAME, LEASE_SECONDS
from integration.operations import leases


pytestmark = pytest.mark.django_db


@pytest.fixture
def beating() -> None:
    leases.acquire(name=LEASE_NAME, owner="beat", at=timezone.now(), seconds=LEASE_SECONDS)


class TestLive:
    def test_answers_without_an_account(self, client: Client) -> None:
        response = client.get("/health/live")

        assert (response.status_code, response.json()) == (200, {"status": "ok"})

    def test_answers_with_a_slash_too(self, client: Client) -> None:
        assert client.get("/health/live/").status_code == 200

    def test_refuses_to_be_written_to(self, client: Client) -> None:
        assert client.post("/health/live").status_code == 405


class TestReady:
    def test_is_ready_when_database_broker_and_beat_are_well(self, client: Client, beating: None) -> None:
        response = client.get("/health/ready")

        assert response.status_code == 200
        answer = response.json()
        age = answer["dependencies"]["beat"].pop("age_seconds")
        assert answer == {
            "status": "ok",
            "dependencies": {
                "database": {"status": "ok"},
                "migrations": {"status": "ok"},
                "broker": {"status": "ok"},
                "beat": {"status": "ok"},
            },
        }
        assert 0 <= age < 5

    def test_is_not_ready_while_no_scheduler_has_started(self, client: Client) -> None:
        response = client.get("/health/ready")

        assert response.status_code == 503
        assert response.json() == {
            "status": "unavailable",
            "dependencies": {
                "database": {"status": "ok"},
                "migrations": {"status": "ok"},
                "broker": {"status": "ok"},
                "beat": {"status": "unavailable", "age_seconds": None},
            },
        }

    def test_is_not_ready_when_the_scheduler_has_been_silent_for_too_long(self, client: Client, beating: None) -> None:
        BeatLease.objects.update(renewed_at=timezone.now() - timedelta(seconds=LEASE_SECONDS + 1))

        response = client.get("/health/ready")

        assert response.status_code == 503
        assert response.json()["dependencies"]["beat"]["status"] == "unavailable"
        assert response.json()["dependencies"]["database"] == {"status": "ok"}

    def test_is_not_ready_when_the_broker_cannot_be_reached(
        self, client: Client, beating: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(current_app.conf, "broker_read_url", "redis://127.0.0.1:1/0")

        response = client.get("/health/ready")

        assert response.status_code == 503
        assert response.json()["dependencies"]["broker"] == {"status": "unavailable"}

    def test_is_not_ready_when_the_database_does_not_answer_and_says_no_more(
        self, client: Client, beating: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Away:
            def cursor(self) -> Any:
                raise OperationalError("connection to server at 10.0.0.5 failed")

        monkeypatch.setattr(health, "connection", Away())

        response = client.get("/health/ready")

        assert response.status_code == 503
        assert response.json()["dependencies"]["database"] == {"status": "unavailable"}
        assert "10.0.0.5" not in response.content.decode()

    def test_is_not_ready_while_the_database_is_of_an_earlier_release(
        self, client: Client, beating: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(health, "_migrated", threading.Event())
        latest = MigrationRecorder.Migration.objects.filter(app="integration").latest("pk")
        latest.delete()

        before = client.get("/health/ready")
        MigrationRecorder(connection).record_applied(latest.app, latest.name)
        after = client.get("/health/ready")

        assert before.status_code == 503
        assert before.json()["dependencies"]["migrations"] == {"status": "unavailable"}
        assert latest.name not in before.content.decode()
        assert after.status_code == 200

    def test_is_ready_when_the_database_is_of_a_later_release(
        self, client: Client, beating: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(health, "_migrated", threading.Event())
        MigrationRecorder(connection).record_applied("integration", "9999_of_the_next_release")

        assert client.get("/health/ready").status_code == 200

    def test_is_never_cached(self, client: Client, beating: None) -> None:
        assert "no-store" in client.get("/health/ready")["Cache-Control"]
