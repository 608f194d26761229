from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from integration.operations import configuration
from lookups import operations as lookup_operations
from lookups.queries import lookup_value
from outbound.models import Connection, Parameter
from vee.models import MeasuringComponentType, VeeGroup


AT = dt.datetime(2026, 1, 5, 12, tzinfo=dt.UTC)
DOCUMENT = """
connections:
  DACS: {transport: rest, base_url: "http://127.0.0.1:9001", username: OICUSER, password_env: DACS_PASSWORD,
         connect_timeout: 3, read_timeout: 60, target_release: "23A"}
  DACS_SFTP: {transport: sftp, host: 127.0.0.1, port: 2222, username: dacs, private_key_file: KEYFILE,
              known_host_key: "ssh-ed25519 AAAA", directory: /drop}
parameters: {MAX_RETRIES: 4, RETRY_BASE_SECONDS: 0.5}
lookups:
  OUTL-BRT-DACS_DRMS_ConfigProps: {enrollmentSyncAckDelay: "7"}
  OUTL-BRT-DACS_DRMS_Routing:
    - {DRMS_Instance: NMS1, DRMS_Site_Connection: NMS1_SITE_A, DACS_Division: CA}
vee_groups:
  - code: RES-INTERVAL
    description: Residential interval meters
    rules:
      - {sequence: 10, rule: uom_check, severity: TERMINATE, exception_type: UOM-MISMATCH}
      - {sequence: 20, rule: interval_spike_check, severity: ISSUE, exception_type: SPIKE,
         start_date: 2024-01-01, end_date: null, parameters: {tolerance: 1.8, mode: PER_24H}}
      - {sequence: 30, rule: RULE, severity: INFO, exception_type: HILO}
measuring_component_types:
  - {id: RES-15MIN, component_kind: INTERVAL, seconds_per_interval: 900, uom: KWH,
     allow_negative: false, vee_groups: {INITIAL_LOAD: RES-INTERVAL}}
"""


@pytest.fixture
def document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rule_not_available: str) -> Path:
    monkeypatch.setenv("DACS_PASSWORD", "s3cret-of-dacs")
    key = tmp_path / "key"
    key.write_text("-----BEGIN KEY-----\nabc\n-----END KEY-----\n")
    path = tmp_path / "tieline.yaml"
    path.write_text(DOCUMENT.replace("KEYFILE", str(key)).replace("RULE", rule_not_available))
    return path


@pytest.mark.django_db
class TestApplyFile:
    def test_it_applies_every_section_of_the_contract(self, document: Path, rule_not_available: str) -> None:
        lookup_operations.install_defaults(at=AT)

        changes = configuration.apply_file(path=document, by=None, at=AT)

        assert Connection.objects.get(name="DACS").password == "s3cret-of-dacs"
        assert str(Parameter.objects.get(name="MAX_RETRIES").value) == "4"
        assert VeeGroup.objects.get(code="RES-INTERVAL").rules.count() == 3
        assert MeasuringComponentType.objects.get(identifier="RES-15MIN").initial_load_group.code == "RES-INTERVAL"
        routed = lookup_value(
            table="OUTL-BRT-DACS_DRMS_Routing",
            source="DACS_Division",
            value="CA",
            target="DRMS_Site_Connection",
        )
        assert routed.result == "NMS1_SITE_A"
        notes = {change.name: change.note for change in changes}
        assert notes["DACS_SFTP"] == "private key set"
        assert rule_not_available in notes["RES-INTERVAL"]

    def test_a_second_time_nothing_changes(self, document: Path) -> None:
        lookup_operations.install_defaults(at=AT)
        configuration.apply_file(path=document, by=None, at=AT)

        again = configuration.apply_file(path=document, by=None, at=AT)

        assert {change.outcome for change in again} == {"unchanged"}

    def test_a_dry_run_changes_nothing(self, document: Path) -> None:
        lookup_operations.install_defaults(at=AT)

        changes = configuration.apply_file(path=document, by=None, at=AT, dry_run=True)

        assert any(change.outcome == "created" for change in changes)
        assert not Connection.objects.filter(name="DACS").exists()
        assert not VeeGroup.objects.filter(code="RES-INTERVAL").exists()

    @pytest.mark.parametrize(
        ("text", "pointer"),
        [
            ("conections: {}", "/conections"),
            ("connections: {DACS: {transport: rest, base_ulr: 'http://127.0.0.1'}}", "/connections/DACS/base_ulr"),
            ("parameters: {MAX_RETRIE: 3}", "/parameters/MAX_RETRIE"),
            ("vee_groups: [{code: A, rules: [{sequence: 1, rule: no_such_rule}]}]", "/vee_groups/0/rules/0/rule"),
            ("vee_groups: [{code: A, colour: red}]", "/vee_groups/0/colour"),
        ],
    )
    def test_an_unknown_key_is_refused_by_name_and_nothing_is_applied(
        self, tmp_path: Path, text: str, pointer: str
    ) -> None:
        path = tmp_path / "bad.yaml"
        path.write_text("measuring_component_types: [{id: NEW-TYPE, component_kind: SCALAR, uom: KWH}]\n" + text)

        with pytest.raises(configuration.UnableToApplyConfiguration) as caught:
            configuration.apply_file(path=path, by=None, at=AT)

        assert caught.value.errors[0]["pointer"] == pointer
        assert not MeasuringComponentType.objects.filter(identifier="NEW-TYPE").exists()

    def test_a_key_that_stands_twice_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "bad.yaml"
        path.write_text("parameters: {MAX_RETRIES: 3, MAX_RETRIES: 4}")

        with pytest.raises(configuration.UnableToApplyConfiguration, match="stands twice"):
            configuration.apply_file(path=path, by=None, at=AT)

    @pytest.mark.parametrize("text", ["- a", "a: [", "\x00"])
    def test_what_is_no_document_is_refused(self, tmp_path: Path, text: str) -> None:
        path = tmp_path / "bad.yaml"
        path.write_text(text)

        with pytest.raises(configuration.UnableToApplyConfiguration):
            configuration.apply_file(path=path, by=None, at=AT)


@pytest.mark.django_db
class TestConfigCommand:
    def test_it_says_what_it_did(self, document: Path, capsys: pytest.CaptureFixture[str]) -> None:
        lookup_operations.install_defaults(at=AT)

        call_command("config", "apply", str(document))

        assert "connections DACS: created" in capsys.readouterr().out

    def test_it_never_prints_a_secret(self, document: Path, capsys: pytest.CaptureFixture[str]) -> None:
        lookup_operations.install_defaults(at=AT)

        call_command("config", "apply", str(document))

        printed = capsys.readouterr()
        assert "s3cret-of-dacs" not in printed.out + printed.err

    def test_a_missing_file_is_an_error_that_names_it(self, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match=r"nowhere\.yaml"):
            call_command("config", "apply", str(tmp_path / "nowhere.yaml"))
