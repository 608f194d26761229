"""The document by command, in the admin and over the API: who may do what, what is said, and what never leaves."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from integration import configuration_queries
from integration.models import AppliedConfiguration, Flow
from integration.operations import configuration
from outbound.models import Connection, MessageSender
from outbound.operations.message_setup import save_sender
from tests.factories import certificates
from tests.factories import integration as factory
from tests.factories.configuration import AT, apply


pytestmark = pytest.mark.django_db
CANARY = "canary-8f2b"
DOCUMENT = "holidays:\n  US:\n    - {date: 2024-07-04, name: Independence Day}\n"
ADDRESS = "/api/v1/configuration/"
RIGHTS = ("integration.export_configuration", "integration.apply_configuration")
HOLIDAYS = ("vee.view_holiday", "vee.add_holiday", "vee.change_holiday")


@pytest.fixture
def stored_secrets() -> None:
    Connection.objects.create(
        name="A", base_url="http://127.0.0.1:9", username="u", password=CANARY, private_key=CANARY, transport="rest"
    )
    sender = MessageSender(name="S")
    context = [("HTTP_HEADER", f"X-Token: {CANARY}"), ("HTTP_LOGIN_USER", "hub"), ("HTTP_LOGIN_PASSWORD", CANARY)]
    save_sender(sender=sender, context=context)


def caller(*rights: str) -> APIClient:
    client = APIClient()
    client.force_authenticate(factory.user("caller", rights=rights))
    return client


def post(client: APIClient, text: str, query: str = "") -> Any:
    return client.post(f"{ADDRESS}{query}", text, content_type="application/yaml")


def command(*arguments: str) -> str:
    out = io.StringIO()
    call_command("config", *arguments, stdout=out, no_color=True)
    return out.getvalue()


class TestSecrets:
    @pytest.mark.usefixtures("stored_secrets")
    def test_are_not_exported_and_stay_when_the_export_is_applied(self) -> None:
        text = configuration_queries.as_text(configuration_queries.export())

        done = apply(text)

        assert CANARY not in text
        assert done.differences == ()
        assert Connection.objects.get(name="A").password == CANARY
        assert sorted(MessageSender.objects.get().context.values_list("context_type", "value")) == [
            ("HTTP_HEADER", f"X-Token: {CANARY}"),
            ("HTTP_LOGIN_PASSWORD", CANARY),
            ("HTTP_LOGIN_USER", "hub"),
        ]

    @pytest.mark.usefixtures("stored_secrets")
    def test_a_new_secret_is_a_change_that_shows_no_value(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NEW", "canary-new")

        done = apply("connections: {A: {password_env: NEW}}")

        assert [str(change) for change in done.differences] == ["connections A: changed; password set"]
        assert "canary-new" not in json.dumps(AppliedConfiguration.objects.get().changes)
        assert Connection.objects.get(name="A").password == "canary-new"

    def test_what_is_missing_is_said(self) -> None:
        done = apply("connections: {A: {transport: rest, base_url: 'http://127.0.0.1:9', username: u}}")

        assert "no password is stored" in done.changes[0].note

    @pytest.mark.parametrize(
        "text",
        [
            "connections: {A: {base_url: 'http://127.0.0.1:9', password_env: SECRET_KEY}}",
            "connections: {A: {base_url: 'http://127.0.0.1:9', private_key_file: /etc/hostname}}",
            "message_senders: {S: {headers_env: {X: SECRET_KEY}}}",
            "certificates: {C: {chain_file: /etc/hostname}}",
        ],
    )
    def test_variables_and_files_of_the_machine_are_not_named_over_the_network(self, text: str) -> None:
        client = APIClient()
        client.force_authenticate(factory.user("admin", is_superuser=True))

        answer = post(client, text)

        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "not_permitted")
        assert not Connection.objects.exists()

    def test_an_identity_is_exported_by_name_and_has_to_be_there(self, tmp_path: Path) -> None:
        mine = certificates.issued(certificates.authority(), "CN=tieline")
        (tmp_path / "cert.pem").write_bytes(certificates.pem(mine))
        (tmp_path / "key.pem").write_bytes(certificates.key_pem(mine))
        with pytest.raises(configuration.UnableToApplyConfiguration, match="There is no identity ME here"):
            apply("certificates: {ME: {kind: IDENTITY}}")

        files = {"chain_file": f"{tmp_path}/cert.pem", "private_key_file": f"{tmp_path}/key.pem"}
        apply({"certificates": {"ME": {"kind": "IDENTITY", **files}}})

        exported = configuration_queries.export(sections=["certificates"])
        assert exported == {"certificates": {"ME": {"kind": "IDENTITY"}}}
        assert apply(configuration_queries.as_text(exported)).differences == ()


class TestCommand:
    def test_exports_the_sections_that_are_asked_for(self, tmp_path: Path) -> None:
        apply(DOCUMENT)

        printed = command("export", "--section", "holidays")
        command("export", "--section", "holidays", "--output", str(tmp_path / "out.yaml"))

        assert printed.endswith("holidays:\n  US:\n    - {date: 2024-07-04, name: Independence Day}\n")
        assert (tmp_path / "out.yaml").read_text() == printed
        with pytest.raises(CommandError, match="There is no section holliday; there are roles"):
            command("export", "--section", "holliday")

    def test_diff_tells_each_field_and_ends_as_diff_does(self, tmp_path: Path) -> None:
        apply("holidays: {US: [{date: 2024-07-04, name: Fourth}], CA: [{date: 2024-07-01}]}")
        path = tmp_path / "document.yaml"
        path.write_text(DOCUMENT)
        out = io.StringIO()

        with pytest.raises(SystemExit) as ended:
            call_command("config", "diff", str(path), stdout=out, no_color=True)

        assert ended.value.code == 1
        assert out.getvalue() == (
            "holidays US: changed\n"
            "- 2024-07-04/name: Fourth\n"
            "+ 2024-07-04/name: Independence Day\n"
            "# only here, not in the document: holidays CA\n"
        )
        apply(DOCUMENT)
        assert command("diff", str(path)) == "# only here, not in the document: holidays CA\n"

    def test_diff_as_json_names_what_differs(self, tmp_path: Path) -> None:
        path = tmp_path / "document.yaml"
        path.write_text(DOCUMENT)
        out = io.StringIO()

        with pytest.raises(SystemExit):
            call_command("config", "diff", str(path), "--json", stdout=out)

        assert json.loads(out.getvalue()) == {
            "changes": [
                {
                    "section": "holidays",
                    "name": "US",
                    "outcome": "created",
                    "fields": [
                        {"path": "2024-07-04/date", "new": "2024-07-04"},
                        {"path": "2024-07-04/name", "new": "Independence Day"},
                    ],
                    "notes": [],
                }
            ],
            "only_here": {},
        }

    def test_a_refused_document_ends_with_2_and_its_line(self, tmp_path: Path) -> None:
        path = tmp_path / "document.yaml"
        path.write_text("parameters:\n  MAX_RETRIES: 3\n  MAX_RETRIE: 3\n")

        with pytest.raises(CommandError, match="line 3: /parameters/MAX_RETRIE: ") as refused:
            command("diff", str(path))

        assert refused.value.returncode == 2


class TestApi:
    def test_gives_what_the_account_may_see_as_json_and_yaml(self) -> None:
        apply(DOCUMENT)
        client = caller("integration.export_configuration", "vee.view_holiday")

        as_json, as_yaml = client.get(ADDRESS), client.get(ADDRESS, headers={"Accept": "application/yaml"})

        assert as_json.json() == {"holidays": {"US": [{"date": "2024-07-04", "name": "Independence Day"}]}}
        assert list(yaml.safe_load(as_yaml.content)) == ["holidays"]
        assert as_yaml["Content-Type"].startswith("application/yaml")
        assert client.get(ADDRESS, {"section": "roles"}).status_code == 403
        assert client.get(ADDRESS, {"section": "nonsense"}).status_code == 404
        assert caller_without().get(ADDRESS).status_code == 403

    def test_applies_a_document_and_keeps_who_did_it(self) -> None:
        client = caller(*RIGHTS, *HOLIDAYS)

        dry = post(client, DOCUMENT, "?dry_run=true")
        assert AppliedConfiguration.objects.count() == 0
        done = post(client, DOCUMENT)

        assert (dry.status_code, dry.json()["dry_run"], done.json()["dry_run"]) == (200, True, False)
        assert dry.json()["changes"] == done.json()["changes"]
        kept = AppliedConfiguration.objects.get()
        assert (kept.applied_by, kept.source, kept.count) == ("caller", "API", 1)
        assert kept.changes == done.json()["changes"]

    def test_takes_json_as_well(self) -> None:
        client = caller(*RIGHTS, *HOLIDAYS)

        done = client.post(ADDRESS, {"holidays": {"US": [{"date": "2024-07-04", "name": "Day"}]}}, format="json")

        assert (done.status_code, done.json()["changes"][0]["outcome"]) == (200, "created")

    def test_asks_for_the_rights_of_each_section(self) -> None:
        client = caller(*RIGHTS, *HOLIDAYS)

        answer = post(client, DOCUMENT + "roles: {caller: {rights: [auth.change_user]}}\n")

        assert answer.status_code == 403
        assert "roles" in answer.json()["detail"]
        assert AppliedConfiguration.objects.count() == 0

    def test_refuses_with_pointer_and_line(self) -> None:
        answer = post(caller(*RIGHTS, *HOLIDAYS), "holidays:\n  US:\n    - {date: soon}\n")

        assert answer.status_code == 400
        [error] = answer.json()["errors"]
        assert (error["pointer"], error["line"]) == ("/holidays/US/0/date", 3)
        assert post(caller_again(), "a: [").json()["errors"][0]["line"] == 2


def caller_without() -> APIClient:
    client = APIClient()
    client.force_authenticate(factory.user("nobody"))
    return client


def caller_again() -> APIClient:
    client = APIClient()
    client.force_authenticate(factory.user("again", rights=[*RIGHTS, *HOLIDAYS]))
    return client


class TestPages:
    @pytest.fixture
    def person(self, client: Client) -> Client:
        rights = [*RIGHTS, *HOLIDAYS, "integration.view_appliedconfiguration"]
        client.force_login(factory.user("ann", rights=rights, is_staff=True))
        return client

    def upload(self, person: Client, text: str) -> Any:
        file = SimpleUploadedFile("document.yaml", text.encode())
        return person.post(reverse("admin:integration_configuration_preview"), {"document": file})

    def confirm(self, page: Any) -> dict[str, str]:
        return dict(re.findall(r'type="hidden" name="(document|expected)" value="([^"]*)"', page.content.decode()))

    def test_download_upload_preview_and_apply(self, person: Client) -> None:
        overview = person.get(reverse("admin:integration_configuration")).content.decode()
        page = self.upload(person, DOCUMENT)
        assert AppliedConfiguration.objects.count() == 0

        done = person.post(reverse("admin:integration_configuration_apply"), self.confirm(page), follow=True)

        assert "<code>holidays</code>" in overview
        assert "<code>roles</code>" not in overview
        assert "Independence Day" in page.content.decode()
        assert "1 record changed." in done.content.decode()
        kept = AppliedConfiguration.objects.get()
        assert (kept.applied_by, kept.source) == ("ann", "PAGE")
        shown = person.get(reverse("admin:integration_appliedconfiguration_change", args=[kept.pk])).content.decode()
        assert "+ 2024-07-04/name: Independence Day" in shown
        download = person.get(reverse("admin:integration_configuration_export"))
        assert download.content.decode().endswith(DOCUMENT)

    def test_what_changed_meanwhile_is_shown_before_anything_is_applied(self, person: Client) -> None:
        page = self.upload(person, DOCUMENT)
        apply("holidays: {US: [{date: 2024-01-01, name: New Year}]}")

        again = person.post(reverse("admin:integration_configuration_apply"), self.confirm(page))

        assert "changed meanwhile" in again.content.decode()
        assert "New Year" in again.content.decode()
        assert AppliedConfiguration.objects.filter(source="PAGE").count() == 0

    def test_a_refusal_names_line_and_place(self, person: Client) -> None:
        page = self.upload(person, "holidays:\n  US:\n    - {date: soon}\n")

        assert page.status_code == 400
        assert "/holidays/US/0/date" in page.content.decode()
        assert re.search(r'class="number">3<', page.content.decode())

    def test_whoever_may_not_is_refused(self, client: Client) -> None:
        client.force_login(factory.user("bob", is_staff=True))

        assert client.get(reverse("admin:integration_configuration")).status_code == 403
        assert client.get(reverse("admin:integration_configuration_export")).status_code == 403
        assert self.upload(client, DOCUMENT).status_code == 403


class TestSections:
    def test_a_flow_is_switched_off_and_names_who_did_it(self) -> None:
        admin = factory.user("admin", is_superuser=True)
        configuration.apply_document(document={"flows": {"event_outcome": {}}}, by=None, at=AT)

        done = configuration.apply_document(
            document={"flows": {"event_outcome": {"active": False, "tracing_level": "DEBUG"}}}, by=admin, at=AT
        )

        flow = Flow.objects.get(name="event_outcome")
        assert (flow.active, flow.tracing_level) == (False, "DEBUG")
        assert [each.path for each in done.differences[0].fields] == ["active", "tracing_level"]
        assert {row.history_change_reason for row in flow.history.all()[:2]} == {
            "deactivated by admin: configuration document",
            "configuration document",
        }

    @pytest.mark.parametrize(
        ("text", "pointer"),
        [
            ("flows: {no_such_flow: {active: true}}", "/flows/no_such_flow"),
            ("flow_schedules: {device_score: {cron: '61 * * * *'}}", "/flow_schedules/device_score"),
            ("flow_schedules: {event_outcome: {every_seconds: 60}}", "/flow_schedules/event_outcome"),
            ("background_tasks: {X: {task: a.b, every: sometimes}}", "/background_tasks/X/every"),
            ("background_tasks: {X: {task: a.b, cron: '0 4 * *'}}", "/background_tasks/X/cron"),
            ("background_tasks: {X: {every: 15 seconds}}", "/background_tasks/X/task"),
            ("roles: {R: {rights: [vee.view_todo, no.right]}}", "/roles/R/rights/1"),
            ("todo_types: {W: {role: Nobody}}", "/todo_types/W/role"),
            (
                "connections: {A: {base_url: 'http://127.0.0.1', trust_certificate: X}}",
                "/connections/A/trust_certificate",
            ),
            ("certificates: {C: {chain: nonsense}}", "/certificates/C/chain"),
            ("lookups: {L: {columns: [A, {name: B, folding: SOFT}]}}", "/lookups/L/columns/1/folding"),
            ("parameters: {MAX_RETRIES: {value: 3, unit: s}}", "/parameters/MAX_RETRIES/unit"),
            ("holidays: {'a/b': [{date: x}]}", "/holidays/a/b/0/date"),
            ('todo_types: {"A\\0": {}}', "/todo_types"),
        ],
    )
    def test_refuses_at_the_place(self, text: str, pointer: str) -> None:
        with pytest.raises(configuration.UnableToApplyConfiguration) as refused:
            apply(text)

        assert refused.value.errors[0]["pointer"].replace("~1", "/") == pointer
        assert refused.value.errors[0]["line"] == 1

    def test_a_shipped_role_keeps_its_rights(self) -> None:
        done = apply("roles: {Peer system: {rights: [vee.view_todo]}}")

        assert done.differences[0].outcome == "created"
        assert configuration_queries.export(sections=["roles"]) == {
            "roles": {"Peer system": {"rights": ["vee.view_todo"]}}
        }
        apply("roles: {Peer system: {rights: []}}")
        assert configuration_queries.export(sections=["roles"]) == {"roles": {"Peer system": {"rights": []}}}
