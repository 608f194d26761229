from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from tests.script_loading import load


bootstrap = load("bootstrap")


def _values(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


class TestWriteSecrets:
    def test_generates_what_is_missing_readable_by_the_owner_alone(self, tmp_path: Path) -> None:
        path = tmp_path / "var" / "secrets.env"

        names = bootstrap.write_secrets(path, {})

        assert names == ["SECRET_KEY", "FIELD_ENCRYPTION_KEYS", "TIELINE_EMBEDDED"]
        values = _values(path)
        assert list(values) == names
        assert len(values["SECRET_KEY"]) >= 50
        assert values["TIELINE_EMBEDDED"] == "1"
        Fernet(values["FIELD_ENCRYPTION_KEYS"])
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert [each.name for each in path.parent.iterdir()] == ["secrets.env"]

    def test_changes_nothing_the_second_time(self, tmp_path: Path) -> None:
        path = tmp_path / "secrets.env"
        bootstrap.write_secrets(path, {})
        before = path.read_bytes()

        names = bootstrap.write_secrets(path, {})

        assert names == []
        assert path.read_bytes() == before

    def test_leaves_out_what_the_environment_sets(self, tmp_path: Path) -> None:
        path = tmp_path / "secrets.env"

        names = bootstrap.write_secrets(path, {"SECRET_KEY": "given", "FIELD_ENCRYPTION_KEYS": "given"})

        assert names == ["TIELINE_EMBEDDED"]
        assert _values(path) == {"TIELINE_EMBEDDED": "1"}

    def test_adds_what_the_environment_no_longer_sets_and_keeps_the_rest(self, tmp_path: Path) -> None:
        path = tmp_path / "secrets.env"
        bootstrap.write_secrets(path, {"SECRET_KEY": "given"})
        key = _values(path)["FIELD_ENCRYPTION_KEYS"]

        names = bootstrap.write_secrets(path, {})

        assert names == ["SECRET_KEY"]
        assert _values(path)["FIELD_ENCRYPTION_KEYS"] == key

    def test_writes_no_file_when_the_environment_sets_everything(self, tmp_path: Path) -> None:
        path = tmp_path / "secrets.env"
        environment = {"SECRET_KEY": "a", "FIELD_ENCRYPTION_KEYS": "b", "TIELINE_EMBEDDED": "0"}

        assert bootstrap.write_secrets(path, environment) == []
        assert not path.exists()


class TestEnsureEnvironment:
    @pytest.fixture
    def calls(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        made: list[str] = []

        def make(place: Path) -> None:
            made.append("make")
            place.mkdir()

        monkeypatch.setattr(bootstrap, "make_environment", make)
        monkeypatch.setattr(bootstrap, "install", lambda _place, profile: made.append(f"install {profile}"))
        return made

    def test_makes_it_and_installs_when_there_is_none(self, tmp_path: Path, calls: list[str]) -> None:
        bootstrap.ensure_environment(tmp_path / "venv", "run")

        assert calls == ["make", "install run"]
        assert bootstrap.read_stamp(tmp_path / "venv") == {"run": bootstrap.fingerprints()["run"]}

    def test_does_nothing_when_these_pins_are_installed(
        self, tmp_path: Path, calls: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(bootstrap, "is_usable", lambda _place: True)
        bootstrap.write_stamp(tmp_path, {"run": bootstrap.fingerprints()["run"]})

        bootstrap.ensure_environment(tmp_path, "run")

        assert calls == []

    def test_has_what_run_needs_when_the_developers_packages_are_installed(
        self, tmp_path: Path, calls: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(bootstrap, "is_usable", lambda _place: True)
        bootstrap.write_stamp(tmp_path, {"dev": bootstrap.fingerprints()["dev"]})

        bootstrap.ensure_environment(tmp_path, "run")

        assert calls == []

    def test_installs_again_when_a_pin_has_changed(
        self, tmp_path: Path, calls: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(bootstrap, "is_usable", lambda _place: True)
        bootstrap.write_stamp(tmp_path, {"run": "another fingerprint"})

        bootstrap.ensure_environment(tmp_path, "run")

        assert calls == ["install run"]

    def test_makes_a_half_made_one_anew(self, tmp_path: Path, calls: list[str]) -> None:
        half_made = tmp_path / "venv"
        half_made.mkdir()
        (half_made / bootstrap.UNFINISHED).touch()
        (half_made / "left over").touch()

        bootstrap.ensure_environment(half_made, "run")

        assert calls == ["make", "install run"]
        assert not (half_made / "left over").exists()


class TestIsUsable:
    def test_takes_this_environment(self) -> None:
        if sys.prefix == sys.base_prefix:
            pytest.skip("the tests do not run in a virtualenv")

        assert bootstrap.is_usable(Path(sys.prefix)) is True

    def test_refuses_one_without_an_interpreter(self, tmp_path: Path) -> None:
        assert bootstrap.is_usable(tmp_path) is False

    def test_refuses_one_whose_interpreter_does_not_run(self, tmp_path: Path) -> None:
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin" / "python").write_text("#!/bin/sh\nexit 127\n")
        (tmp_path / "bin" / "python").chmod(0o755)

        assert bootstrap.is_usable(tmp_path) is False


class TestAptInstall:
    def test_names_the_one_command_when_it_may_not_install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bootstrap, "root_prefix", lambda: None)
        monkeypatch.setattr(bootstrap.shutil, "which", lambda name, path=None: f"/usr/bin/{name}")
        monkeypatch.setattr(bootstrap.subprocess, "Popen", lambda *_, **__: pytest.fail("It ran a command."))

        with pytest.raises(bootstrap.UnableToBootstrap) as refused:
            bootstrap.apt_install(["python3-venv"])

        assert str(refused.value) == (
            "Please type this once, then run the same command again:\n\n"
            "  sudo sh -c 'apt-get update && apt-get install -y --no-install-recommends python3-venv'"
        )

    def test_says_what_apt_said_when_it_fails(self, monkeypatch: pytest.MonkeyPatch) -> None:
        popen = subprocess.Popen
        monkeypatch.setattr(bootstrap, "root_prefix", list)
        monkeypatch.setattr(bootstrap.shutil, "which", lambda name, path=None: f"/usr/bin/{name}")
        monkeypatch.setattr(
            bootstrap.subprocess,
            "Popen",
            lambda _command, **options: popen(["sh", "-c", "echo no network; exit 100"], **options),
        )

        with pytest.raises(bootstrap.UnableToBootstrap, match="apt-get update failed:\nno network"):
            bootstrap.apt_install(["redis-server"])


class TestMissingPackages:
    def test_names_debians_packages_of_what_is_not_found(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bootstrap.shutil, "which", lambda name, path=None: None)
        monkeypatch.setattr(bootstrap.Path, "glob", lambda _self, _pattern: iter(()))

        assert bootstrap.missing_packages() == ["postgresql", "redis-server", "chromium"]


class TestMain:
    def test_says_what_to_do_and_fails_when_something_is_missing(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        def refuse(_place: Path, _profile: str) -> None:
            raise bootstrap.UnableToBootstrap("Please type: apt-get install python3-venv")

        monkeypatch.setattr(bootstrap, "ensure_environment", refuse)
        monkeypatch.setenv("TIELINE_VAR", str(tmp_path))

        assert bootstrap.main(["run"]) == 1
        assert capsys.readouterr().err == "\nPlease type: apt-get install python3-venv\n"
        assert list(tmp_path.iterdir()) == []

    def test_prints_names_and_never_a_value(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        monkeypatch.setattr(bootstrap, "ensure_environment", lambda _place, _profile: None)
        monkeypatch.setenv("TIELINE_VAR", str(tmp_path))
        for name in ("SECRET_KEY", "FIELD_ENCRYPTION_KEYS", "TIELINE_EMBEDDED"):
            monkeypatch.delenv(name, raising=False)

        assert bootstrap.main(["run"]) == 0

        printed = capsys.readouterr().out
        values = _values(tmp_path / "secrets.env")
        assert "Generated SECRET_KEY, FIELD_ENCRYPTION_KEYS, TIELINE_EMBEDDED" in printed
        assert values["SECRET_KEY"] not in printed
        assert values["FIELD_ENCRYPTION_KEYS"] not in printed
