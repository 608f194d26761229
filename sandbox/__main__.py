"""
Start one simulated peer: `python -m sandbox dacs --port 9001`.

It prints one line when it is ready and runs until it gets SIGTERM or Ctrl-C.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

from sandbox.dacs import Dacs
from sandbox.derms import Derms
from sandbox.mail import Mailbox, smtp_controller
from sandbox.server import HOST, PeerServer
from sandbox.service import Service


_DEFAULT_PORTS = {"dacs": 9001, "derms": 9002, "mail": 9025}


def _arguments(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="A simulated peer on 127.0.0.1.")
    parser.add_argument("peer", choices=sorted(_DEFAULT_PORTS))
    parser.add_argument("--port", type=int, help="port; dacs 9001, derms 9002, mail 9025 unless told; 0 picks one")
    parser.add_argument("--control-port", type=int, help="mail only: port of its control page (port + 1)")
    parser.add_argument("--record", type=Path, metavar="FILE", help="write every request to FILE as JSON lines")
    parser.add_argument("--username", default="", help="ask for Basic credentials with this name")
    parser.add_argument("--password-env", default="", metavar="NAME", help="variable that holds the password")
    return parser.parse_args(given)


def _credentials(options: argparse.Namespace) -> tuple[str, str] | None:
    if not options.username:
        return None
    password = os.environ.get(options.password_env, "")
    if not password:
        sys.exit("--username needs --password-env NAME, the name of a variable that holds the password.")
    return options.username, password


def main(given: list[str] | None = None) -> None:
    """Run the peer that the command line names until it is told to stop."""
    options = _arguments(given)
    port = _DEFAULT_PORTS[options.peer] if options.port is None else options.port
    if options.peer == "mail":
        control_port = options.control_port if options.control_port is not None else (port + 1 if port else 0)
        _run_mail(port=port, control_port=control_port, record=options.record)
    else:
        service: Service = Dacs() if options.peer == "dacs" else Derms()
        server = _listen(service, port=port, record=options.record, credentials=_credentials(options))
        print(f"{service.title} at {server.url}, control page {server.url}/_control/", flush=True)
        _run(server)


def _listen(
    service: Service, *, port: int, record: Path | None, credentials: tuple[str, str] | None = None
) -> PeerServer:
    try:
        return PeerServer(service=service, port=port, record=record, credentials=credentials)
    except OSError as error:
        sys.exit(f"{service.title} cannot listen on {HOST}:{port}: {error.strerror}. Name another one with --port.")


def _run_mail(*, port: int, control_port: int, record: Path | None) -> None:
    mailbox = Mailbox()
    server = _listen(mailbox, port=control_port, record=record)
    controller = smtp_controller(mailbox=mailbox, faults=server.faults, host=HOST, port=port)
    try:
        controller.start()
    except OSError as error:
        sys.exit(f"{mailbox.title} cannot listen on {HOST}:{port}: {error.strerror}. Name another one with --port.")
    print(f"{mailbox.title} takes mail at {HOST}:{controller.port}, control page {server.url}/_control/", flush=True)
    try:
        _run(server)
    finally:
        controller.stop()


def _run(server: PeerServer) -> None:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    thread = threading.Thread(target=server.serve_forever, name="peer", daemon=True)
    thread.start()
    stop.wait()
    server.shutdown()
    server.server_close()


if __name__ == "__main__":
    main()
