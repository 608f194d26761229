from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from integration import processes


pytestmark = pytest.mark.enable_socket


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that something listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield int(listening.getsockname()[1])


@pytest.fixture
def free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _commands(*, sandbox: bool = False, broker_is_shared: bool = False) -> dict[str, str]:
    children = processes.product(port=8123, sandbox=sandbox, broker_is_shared=broker_is_shared)
    return {child.name: " ".join(child.command) for child in children}


class TestProduct:
    def test_is_web_worker_and_beat(self) -> None:
        assert list(_commands()) == ["web", "worker", "beat"]

    def test_has_the_simulated_peers_when_asked_for(self) -> None:
        commands = _commands(sandbox=True)

        assert list(commands) == ["web", "worker", "beat", "dacs", "derms", "mail", "drop", "objects"]
        assert commands["dacs"].endswith("-m sandbox dacs --port 9001")
        assert commands["derms"].endswith("-m sandbox derms --port 9002")
        assert commands["mail"].endswith("-m sandbox mail --port 9025")
        assert commands["drop"].endswith("-m sandbox drop --port 2222 --ftp-port 2121")
        assert commands["objects"].endswith("-m sandbox objects --port 9003")

    def test_stops_the_peers_after_those_who_talk_to_them(self) -> None:
        waves = {child.name: child.wave for child in processes.product(port=1, sandbox=True, broker_is_shared=False)}

        assert waves == {"web": 0, "worker": 0, "beat": 0, "dacs": 1, "derms": 1, "mail": 1, "drop": 1, "objects": 1}

    def test_listens_on_loopback_alone(self) -> None:
        assert "--bind 127.0.0.1:8123" in _commands()["web"]

    def test_uses_threads_on_the_embedded_broker_and_processes_on_redis(self) -> None:
        assert "celery -A integration -q worker --pool threads --concurrency 4" in _commands()["worker"]
        assert (
            "celery -A integration -q worker --pool prefork --concurrency 2"
            in _commands(broker_is_shared=True)["worker"]
        )


class TestRefuseTakenPorts:
    def test_says_which_port_is_taken_and_what_to_do(self, taken: int) -> None:
        with pytest.raises(processes.PortTaken) as refused:
            processes.refuse_taken_ports(port=taken, sandbox=False)

        assert str(refused.value) == (
            f"Port {taken} on 127.0.0.1 is taken. Stop what uses it, or choose another one: PORT={taken + 1} make run"
        )

    def test_names_the_peer_whose_port_is_taken(self, free: int, taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(processes, "SANDBOX_PORTS", {"derms": taken})

        with pytest.raises(processes.PortTaken, match="the simulated peer 'derms' needs it"):
            processes.refuse_taken_ports(port=free, sandbox=True)

    def test_does_not_mind_the_peers_ports_without_the_peers(
        self, free: int, taken: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(processes, "SANDBOX_PORTS", {"derms": taken})

        assert processes.refuse_taken_ports(port=free, sandbox=False) is None


class TestIsReady:
    def test_is_false_while_nothing_listens(self, free: int) -> None:
        assert processes.is_ready(free) is False

    def test_is_false_when_something_else_answers(self, taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(processes, "READY_TIMEOUT_SECONDS", 0.2)

        assert processes.is_ready(taken) is False
