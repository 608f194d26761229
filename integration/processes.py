"""Which processes make up the product on one machine, and how to see that they are ready."""

from __future__ import annotations

import http.client
import os
import socket
import sys

from integration.supervisor import ChildSpec


HOST = "127.0.0.1"

SANDBOX_PORTS = {"dacs": 9001, "derms": 9002, "mail": 9025, "drop": 2222, "objects": 9003}
"""Where the simulated peers listen; `mail` and `drop` have their control page one port further."""

SANDBOX_FTP_PORT = 2121
"""Where the file drop takes FTP, beside SFTP at its own port."""

READY_TIMEOUT_SECONDS = 3.0
"""How long the web process may take to say whether it is ready."""

_CELERY_ROOT_WARNING = "ignore::UserWarning:celery.platforms"


class PortTaken(Exception):
    """Something else listens on a port that is needed."""


def product(*, port: int, sandbox: bool, broker_is_shared: bool) -> list[ChildSpec]:
    """
    Name the processes: web, worker, beat and, when asked for, the simulated peers.

    With a broker of its own (Redis) the worker uses processes; the embedded broker is used from threads.
    """
    pool = (
        ["--pool", "prefork", "--concurrency", "2"] if broker_is_shared else ["--pool", "threads", "--concurrency", "4"]
    )
    celery = [sys.executable, "-m", "celery", "-A", "integration", "-q"]
    # Celery warns root at length because of pickle, which is not accepted here; `supervise` says it in one line.
    quiet = {"PYTHONWARNINGS": _CELERY_ROOT_WARNING} if os.geteuid() == 0 else {}
    children = [
        ChildSpec(
            name="web",
            command=[
                *(sys.executable, "-m", "gunicorn", "integration.wsgi:application"),
                *("--bind", f"{HOST}:{port}"),
                *("--worker-class", "gthread", "--workers", "2", "--threads", "4", "--preload"),
                # Longer than a pooled client or a proxy keeps a connection idle: none is closed under its hands.
                *("--keep-alive", "75", "--graceful-timeout", "15", "--no-control-socket", "--log-level", "warning"),
            ],
        ),
        ChildSpec(
            name="worker",
            command=[
                *(*celery, "worker", *pool),
                *("--loglevel", "INFO", "--without-gossip", "--without-mingle", "--without-heartbeat"),
            ],
            environment=quiet,
        ),
        ChildSpec(name="beat", command=[*celery, "beat", "--loglevel", "WARNING"], environment=quiet),
    ]
    if sandbox:
        children += [
            ChildSpec(
                name=peer,
                command=[
                    *(sys.executable, "-m", "sandbox", peer, "--port", str(peer_port)),
                    *(("--ftp-port", str(SANDBOX_FTP_PORT)) if peer == "drop" else ()),
                ],
                wave=1,
            )
            for peer, peer_port in SANDBOX_PORTS.items()
        ]
    return children


def refuse_taken_ports(*, port: int, sandbox: bool) -> None:
    """
    See that every port is free before anything is started.

    :raises PortTaken: naming the port and what to do.
    """
    if not _is_free(port):
        raise PortTaken(
            f"Port {port} on {HOST} is taken. Stop what uses it, or choose another one: PORT={port + 1} make run"
        )
    if not sandbox:
        return
    taken = [*SANDBOX_PORTS.items(), *((peer, SANDBOX_FTP_PORT) for peer in SANDBOX_PORTS if peer == "drop")]
    for peer, peer_port in taken:
        if not _is_free(peer_port):
            raise PortTaken(
                f"Port {peer_port} on {HOST} is taken, and the simulated peer '{peer}' needs it. "
                "Stop what uses it, or start without the peers: make run ARGS=--no-sandbox"
            )


def is_ready(port: int) -> bool:
    """Ask the web process whether database, broker and beat are well."""
    connection = http.client.HTTPConnection(HOST, port, timeout=READY_TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
