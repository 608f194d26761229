from __future__ import annotations

from datetime import UTC, datetime
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.core.management.base import CommandError
from django_celery_beat.models import PeriodicTask

from integration import roles
from integration.operations import setup as operation
from integration.operations.sandbox_keys import known_host_key, signing_key_file
from integration.operations.schedules import SHIPPED, install_schedules
from lookups.models import Lookup, LookupVersion
from outbound.models import Connection, Parameter


pytestmark = pytest.mark.django_db

AT = datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
PORTS = {"dacs": 9101, "derms": 9102, "mail": 9125}


def _rights(group: str) -> set[str]:
    held = Permission.objects.filter(group__name=group).select_related("content_type")
    return {f"{permission.content_type.app_label}.{permission.codename}" for permission in held}


class TestInstallRoles:
    def test_makes_the_roles_with_exactly_their_rights(self) -> None:
        operation.install_roles()

        assert set(Group.objects.values_list("name", flat=True)) == {
            "Integration administrator",
            "Integration operator",
            "VEE analyst",
            "VEE supervisor",
            "Program operator",
            "Auditor",
            "Peer system",
        }
        assert {name: _rights(name) for name in roles.SHIPPED} == {
            name: set(rights) for name, rights in roles.SHIPPED.items()
        }

    def test_leaves_what_a_site_has_added_to_a_role(self) -> None:
        operation.install_roles()
        added = Permission.objects.get(codename="view_session")
        Group.objects.get(name="Auditor").permissions.add(added)

        operation.install_roles()

        assert _rights("Auditor") == {*roles.SHIPPED["Auditor"], "sessions.view_session"}

    def test_refuses_a_right_that_no_app_defines_and_changes_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(roles, "SHIPPED", {"Auditor": frozenset({"vee.view_todo", "vee.view_nothing"})})

        with pytest.raises(operation.UnknownPermission, match=r"no app defines: vee\.view_nothing"):
            operation.install_roles()

        assert not Group.objects.exists()


class TestShippedRoles:
    def test_let_an_auditor_read_and_nothing_else(self) -> None:
        # The export is a way to read.
        others = [right for right in roles.SHIPPED[roles.AUDITOR] if ".view_" not in right]
        assert others == ["integration.export_configuration"]

    def test_let_a_peer_system_call_flows_and_the_dacs_side_and_nothing_else(self) -> None:
        own = {"integration.call_flow", "integration.view_own_flowrun", "assets.use_service"}
        assert roles.SHIPPED[roles.PEER_SYSTEM] == own

    def test_give_an_administrator_all_that_an_operator_may(self) -> None:
        assert roles.SHIPPED[roles.INTEGRATION_OPERATOR] < roles.SHIPPED[roles.INTEGRATION_ADMINISTRATOR]

    def test_give_a_supervisor_all_that_an_analyst_may(self) -> None:
        assert roles.SHIPPED[roles.VEE_ANALYST] < roles.SHIPPED[roles.VEE_SUPERVISOR]


class TestInstallSchedules:
    def test_makes_the_shipped_schedules(self) -> None:
        assert install_schedules() == [shipped.name for shipped in SHIPPED]

        every = {
            task.task: task.interval.every if task.interval else str(task.crontab.hour)
            for task in PeriodicTask.objects.filter(name__in=[shipped.name for shipped in SHIPPED])
        }
        assert every == {
            "outbound.tasks.sweep": 15,
            "integration.tasks.seal_audit": 60,
            "vee.tasks.sweep": 15,
            "vee.tasks.find_gaps": "4",
            "vee.tasks.count_days": 300,
            "vee.tasks.mark_stale": 900,
            "integration.tasks.review_setup": 300,
            "vee.tasks.summarise_completeness": 300,
            "vee.tasks.summarise_recent_days": "4",
            "integration.tasks.send_reports": 30,
            "vee.tasks.retry_imds": 300,
            "assets.tasks.sweep": 15,
            "vee.tasks.maintain_measurements": "3",
            "integration.tasks.sweep": 15,
            "integration.tasks.sweep_segments": 15,
            "integration.tasks.mark_overdue_checks": 60,
            "integration.tasks.send_digests": 30,
            "integration.tasks.fire_schedules": 5,
            "integration.tasks.ask_zones": 30,
            "assets.tasks.calculate_performance": 300,
            "assets.tasks.score_and_extract": "5",
            "integration.tasks.alert_expiring_certificates": "6",
            "assets.tasks.work_on_sync_requests": 60,
            "assets.tasks.compare_all_snapshots": "2",
            "integration.tasks.purge": "3",
            "integration.tasks.purge_payloads": "3",
        }

    def test_names_tasks_that_exist(self) -> None:
        for app in ("integration", "outbound", "vee", "assets"):
            import_module(f"{app}.tasks")

        assert [shipped.task for shipped in SHIPPED if shipped.task not in current_app.tasks] == []

    def test_leaves_what_a_person_has_changed(self) -> None:
        install_schedules()
        changed = PeriodicTask.objects.get(task="vee.tasks.sweep")
        changed.enabled = False
        changed.interval = PeriodicTask.objects.get(task="integration.tasks.send_digests").interval
        changed.save()

        assert install_schedules() == []

        changed.refresh_from_db()
        assert (changed.enabled, changed.interval.every) == (False, 30)

    def test_makes_one_again_that_was_deleted(self) -> None:
        install_schedules()
        PeriodicTask.objects.get(task="vee.tasks.sweep").delete()

        assert install_schedules() == ["Meter data: sweep"]


class TestEnsureSuperuser:
    def test_creates_the_account_that_is_named_and_gives_no_password_back(self) -> None:
        account = operation.ensure_superuser(username="operator", password="given by a person", email="o@example.org")

        assert account == operation.Account(username="operator", generated_password="")
        user = get_user_model().objects.get(username="operator")
        assert user.is_superuser
        assert user.check_password("given by a person")
        assert user.email == "o@example.org"

    def test_generates_a_password_when_none_is_given(self) -> None:
        account = operation.ensure_superuser(username="", password="", email="")

        assert account is not None
        assert account.username == "admin"
        assert len(account.generated_password) >= 20
        assert get_user_model().objects.get(username="admin").check_password(account.generated_password)

    def test_leaves_the_password_of_an_account_that_exists(self) -> None:
        operation.ensure_superuser(username="operator", password="the first password", email="")

        assert operation.ensure_superuser(username="operator", password="another one", email="") is None
        assert get_user_model().objects.get(username="operator").check_password("the first password")

    def test_makes_no_second_account_without_being_told_to(self) -> None:
        operation.ensure_superuser(username="operator", password="given by a person", email="")

        assert operation.ensure_superuser(username="", password="", email="") is None
        assert list(get_user_model().objects.values_list("username", flat=True)) == ["operator"]


class TestConnectSandbox:
    def test_makes_the_connections_that_are_missing(self) -> None:
        assert operation.connect_sandbox(ports=PORTS, at=AT) == ["DACS", "DERMS", "MAIL"]

        assert Connection.objects.get(name="DACS").base_url == "http://127.0.0.1:9101"
        assert Connection.objects.get(name="DERMS").base_url == "http://127.0.0.1:9102/nms-drms/rest/v1"

    def test_the_file_drop_and_the_object_storage_are_connected_with_their_keys(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(operation, "VAR_DIR", tmp_path)
        ports = {**PORTS, "drop": 9122, "objects": 9103}

        assert operation.connect_sandbox(ports=ports, at=AT) == ["DACS", "DACS_OS", "DACS_SFTP", "DERMS", "MAIL"]

        drop = Connection.objects.get(name="DACS_SFTP")
        storage = Connection.objects.get(name="DACS_OS")
        assert drop.known_host_key == known_host_key(tmp_path / "sandbox")
        assert drop.known_host_key.startswith("ssh-ed25519 AAAA")
        assert storage.private_key == signing_key_file(tmp_path / "sandbox").read_text(encoding="utf-8")
        assert signing_key_file(tmp_path / "sandbox").stat().st_mode & 0o777 == 0o600
        assert operation.connect_sandbox(ports=ports, at=AT) == []

    def test_leaves_a_connection_of_that_name(self) -> None:
        from outbound.operations.configuration import apply_connections

        apply_connections(section={"DACS": {"transport": "rest", "base_url": "https://dacs.example.org"}}, at=AT)

        assert operation.connect_sandbox(ports=PORTS, at=AT) == ["DERMS", "MAIL"]
        assert Connection.objects.get(name="DACS").base_url == "https://dacs.example.org"


class TestSetup:
    def test_leaves_everything_as_it_is_the_second_time(self) -> None:
        operation.setup(at=AT, sandbox_ports=PORTS)
        before = _state()

        report = operation.setup(at=AT, sandbox_ports=PORTS)

        assert _state() == before
        assert (report.account, report.schedules, report.connections) == (None, [], [])

    def test_installs_what_every_app_ships(self) -> None:
        operation.setup(at=AT)

        assert Lookup.objects.filter(name="OUTL-BRT-DACS_DRMS_ConfigProps").exists()
        assert Parameter.objects.filter(name="MAX_RETRIES").exists()
        # The way of the DACS side to the flows; peers are a site's own.
        assert list(Connection.objects.values_list("name", flat=True)) == ["HUB"]

    def test_applies_the_document_that_is_named(self, tmp_path: Path) -> None:
        document = tmp_path / "site.yaml"
        document.write_text("parameters: {MAX_RETRIES: 7}\n", encoding="utf-8")

        report = operation.setup(at=AT, config=document)

        assert len(report.configuration) == 1
        assert str(Parameter.objects.get(name="MAX_RETRIES").value) == "7"

    def test_lets_the_document_come_before_the_sandbox(self, tmp_path: Path) -> None:
        document = tmp_path / "site.yaml"
        document.write_text(
            'connections: {DACS: {transport: rest, base_url: "https://dacs.example.org"}}\n', encoding="utf-8"
        )

        report = operation.setup(at=AT, config=document, sandbox_ports=PORTS)

        assert report.connections == ["DERMS", "MAIL"]
        assert Connection.objects.get(name="DACS").base_url == "https://dacs.example.org"


class TestCommand:
    def test_prints_a_generated_password_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("DJANGO_SUPERUSER_PASSWORD", raising=False)

        first = _printed()
        second = _printed()

        assert "Created the superuser 'admin'." in first
        assert "Its password is " in first
        assert second == ""

    def test_never_prints_a_password_that_was_given(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setenv("DJANGO_SUPERUSER_USERNAME", "operator")
        monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "canary-4711")

        printed = _printed()

        assert printed == "Created the superuser 'operator'.\n"
        assert "canary-4711" not in caplog.text
        assert get_user_model().objects.get(username="operator").check_password("canary-4711")

    def test_says_where_the_document_was_refused(self, tmp_path: Path, settings: Any) -> None:
        document = tmp_path / "site.yaml"
        document.write_text("conections: {}\n", encoding="utf-8")
        settings.TIELINE_CONFIG = str(document)

        with pytest.raises(
            CommandError, match=r"TIELINE_CONFIG \(.*site\.yaml\) was refused\. line 1: /conections: There is no"
        ):
            _printed()


def _printed() -> str:
    output = StringIO()
    call_command("setup", stdout=output)
    return output.getvalue()


def _state() -> dict[str, Any]:
    return {
        "groups": {group.name: _rights(group.name) for group in Group.objects.all()},
        "schedules": sorted(PeriodicTask.objects.values_list("name", "interval", "crontab", "enabled")),
        "parameters": sorted(Parameter.objects.values_list("name", "value")),
        "connections": sorted(Connection.objects.values_list("name", "base_url")),
        "lookup versions": sorted(LookupVersion.objects.values_list("lookup", "number")),
        "users": sorted(get_user_model().objects.values_list("username", "password")),
    }
