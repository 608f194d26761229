from __future__ import annotations

import socket
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from integration.management.commands import supervise
from integration.supervisor import only_one


pytestmark = pytest.mark.enable_socket


@pytest.fixture(autouse=True)
def prepared(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """What the command did beyond looking; its directory is a scratch one."""
    done: list[str] = []
    monkeypatch.setattr(supervise, "VAR_DIR", tmp_path)
    monkeypatch.setattr(supervise.Command, "_prepare", lambda _self, **_: done.append("prepare"))
    monkeypatch.setattr(
        supervise.Command, "_supervise", lambda _self, *, port, sandbox: done.append(f"{port} {sandbox}")
    )
    return done


class TestSupervise:
    def test_takes_the_port_of_the_environment(self, prepared: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PORT", "48123")

        call_command("supervise", "--no-sandbox")

        assert prepared == ["prepare", "48123 False"]

    def test_takes_8000_when_none_is_named(self, prepared: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("PORT", raising=False)
        monkeypatch.setattr(supervise.processes, "refuse_taken_ports", lambda **_: None)

        call_command("supervise")

        assert prepared == ["prepare", "8000 True"]

    @pytest.mark.parametrize("given", ["http", "0", "65536", "-1"])
    def test_refuses_a_port_that_is_none(
        self, prepared: list[str], monkeypatch: pytest.MonkeyPatch, given: str
    ) -> None:
        monkeypatch.setenv("PORT", given)

        with pytest.raises(CommandError, match=f"^PORT is '{given}'; it must be a number from 1 to 65535.$"):
            call_command("supervise")

        assert prepared == []

    def test_touches_nothing_when_the_port_is_taken(self, prepared: list[str]) -> None:
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            listening.listen()
            port = listening.getsockname()[1]

            with pytest.raises(CommandError, match=f"^Port {port} on 127.0.0.1 is taken"):
                call_command("supervise", "--no-sandbox", "--port", str(port))

        assert prepared == []

    def test_refuses_a_second_one_on_the_same_directory(self, prepared: list[str], tmp_path: Path) -> None:
        with only_one(tmp_path / "supervise.lock"), pytest.raises(CommandError, match=r"^Tieline already runs on .*"):
            call_command("supervise")

        assert prepared == []
