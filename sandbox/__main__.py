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
from sandbox.drop import Drop
from sandbox.keyfiles import UnableToUseKeyFile, certificate, host_key, signing_key
from sandbox.mail import Mailbox, smtp_controller
from sandbox.objects import Objects
from sandbox.server import HOST, PeerServer
from sandbox.service import Service


_DEFAULT_PORTS = {"dacs": 9001, "derms": 9002, "drop": 2222, "mail": 9025, "objects": 9003}
_DEFAULT_FTP_PORT = 2121
_HOME = Path(os.environ.get("TIELINE_VAR") or "var") / "sandbox"
"""Where files and keys of the peers are kept unless the command line says otherwise."""


def _arguments(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="A simulated peer on 127.0.0.1.")
    parser.add_argument("peer", choices=sorted(_DEFAULT_PORTS))
    parser.add_argument("--port", type=int, help=f"port; 0 picks one; unless told: {_told(_DEFAULT_PORTS)}")
    parser.add_argument("--control-port", type=int, help="mail and drop: port of the control page (port + 1)")
    parser.add_argument("--record", type=Path, metavar="FILE", help="write every request to FILE as JSON lines")
    parser.add_argument("--username", default="", help="ask for Basic credentials with this name")
    parser.add_argument("--password-env", default="", metavar="NAME", help="variable that holds the password")
    parser.add_argument("--ftp-port", type=int, help="drop only: port of FTP and FTPS (2121; 0 picks one)")
    parser.add_argument("--directory", type=Path, default=_HOME / "files", help="drop only: what it serves")
    parser.add_argument("--host-key", type=Path, default=_HOME / "host_key", help="drop only: made when missing")
    parser.add_argument("--certificate", type=Path, default=_HOME / "ftps.pem", help="drop only: made when missing")
    parser.add_argument("--authorized-key", type=Path, help="drop only: the one public key that may log in")
    parser.add_argument("--key", type=Path, default=_HOME / "oci.pem", help="objects only: RSA key, made when missing")
    parser.add_argument("--key-id", default="tenancy/user/fingerprint", help="objects only: who signs")
    parser.add_argument("--namespace", default="sandbox", help="objects only")
    return parser.parse_args(given)


def _told(ports: dict[str, int]) -> str:
    return ", ".join(f"{peer} {port}" for peer, port in sorted(ports.items()))


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
    control_port = options.control_port if options.control_port is not None else (port + 1 if port else 0)
    try:
        if options.peer == "mail":
            _run_mail(port=port, control_port=control_port, record=options.record)
        elif options.peer == "drop":
            _run_drop(options, port=port, control_port=control_port)
        else:
            service = _service(options)
            credentials = None if options.peer == "objects" else _credentials(options)
            server = _listen(service, port=port, record=options.record, credentials=credentials)
            print(f"{service.title} at {server.url}, control page {server.url}/_control/", flush=True)
            _run(server)
    except UnableToUseKeyFile as error:
        sys.exit(str(error))


def _service(options: argparse.Namespace) -> Service:
    if options.peer == "objects":
        key = signing_key(options.key)
        return Objects(key_id=options.key_id, public_key=key, namespace=options.namespace)
    return Dacs() if options.peer == "dacs" else Derms()


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


def _run_drop(options: argparse.Namespace, *, port: int, control_port: int) -> None:
    # Not needed by the other peers, and not light.
    from sandbox.drop_ftp import FtpDoor
    from sandbox.drop_sftp import SftpDoor

    drop = Drop(root=options.directory)
    server = _listen(drop, port=control_port, record=options.record)
    credentials = _credentials(options)
    authorized = options.authorized_key.read_text(encoding="utf-8") if options.authorized_key else ""
    key = host_key(options.host_key)
    ftp_port = _DEFAULT_FTP_PORT if options.ftp_port is None else options.ftp_port
    try:
        sftp = SftpDoor(
            drop=drop,
            faults=server.faults,
            host=HOST,
            port=port,
            host_key=key,
            credentials=credentials,
            authorized_key=authorized,
        )
        sftp.start()
        ftp = FtpDoor(
            drop=drop,
            faults=server.faults,
            host=HOST,
            port=ftp_port,
            certificate=certificate(options.certificate),
            credentials=credentials,
        )
    except OSError as error:
        sys.exit(
            f"{drop.title} cannot listen on {HOST}, port {port} (SFTP) or {ftp_port} (FTP): {error.strerror}. "
            "Name others with --port and --ftp-port."
        )
    ftp.start()
    print(f"{drop.title} with SFTP at {HOST}:{sftp.port}, host key {sftp.host_key}", flush=True)
    print(f"and FTP at {HOST}:{ftp.port}, files in {drop.root}, control page {server.url}/_control/", flush=True)
    try:
        _run(server)
    finally:
        ftp.stop()
        sftp.stop()


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
