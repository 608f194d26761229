from __future__ import annotations

import ftplib
import io
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest

from sandbox import keyfiles
from sandbox.drop import Drop
from sandbox.drop_ftp import FtpDoor
from sandbox.drop_sftp import SftpDoor
from sandbox.faults import FaultBook
from sandbox.service import UnableToChangeState


pytestmark = pytest.mark.enable_socket
HOST = "127.0.0.1"


@pytest.fixture
def drop(tmp_path: Path) -> Drop:
    return Drop(root=tmp_path / "files")


@pytest.fixture
def faults() -> FaultBook:
    return FaultBook()


@pytest.fixture
def sftp_door(drop: Drop, faults: FaultBook, tmp_path: Path) -> Iterator[SftpDoor]:
    key = keyfiles.host_key(tmp_path / "host_key")
    door = SftpDoor(drop=drop, faults=faults, host=HOST, port=0, host_key=key)
    door.start()
    yield door
    door.stop()


@pytest.fixture
def sftp(sftp_door: SftpDoor) -> Iterator[paramiko.SFTPClient]:
    transport = paramiko.Transport((HOST, sftp_door.port))
    transport.connect(username="anybody", password="anything")
    client = paramiko.SFTPClient.from_transport(transport)
    assert client is not None
    yield client
    transport.close()


@pytest.fixture
def ftp_door(drop: Drop, faults: FaultBook, tmp_path: Path) -> Iterator[FtpDoor]:
    made = keyfiles.certificate(tmp_path / "ftps.pem")
    door = FtpDoor(drop=drop, faults=faults, host=HOST, port=0, certificate=made)
    door.start()
    yield door
    door.stop()


class TestState:
    def test_files_are_put_and_deleted_by_hand_and_forgotten(self, drop: Drop) -> None:
        drop.change({"files": {"drop/a": "1", "drop/b": "22"}})
        drop.change({"files": {"drop/a": None}})
        assert drop.state()["files"] == {"drop/b": 2}
        drop.reset()
        assert (drop.state()["files"], (drop.root / "drop").is_dir()) == ({}, True)

    @pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x", "a\0"])
    def test_nothing_is_put_outside(self, drop: Drop, name: str) -> None:
        with pytest.raises(UnableToChangeState, match="leads out of the drop"):
            drop.change({"files": {name: "x"}})

    def test_another_document_is_refused(self, drop: Drop) -> None:
        with pytest.raises(UnableToChangeState):
            drop.change({"mails": {}})


class TestSftp:
    def test_serves_the_directory_and_nothing_above_it(self, drop: Drop, sftp: paramiko.SFTPClient) -> None:
        drop.change({"files": {"drop/a": "content"}})
        assert sftp.listdir("/drop") == ["a"]
        assert sftp.open("/drop/a").read() == b"content"
        assert sftp.listdir("/../..") == ["drop"]
        with pytest.raises(FileNotFoundError):
            sftp.open("/../../etc/passwd")

    def test_shows_the_host_key_of_its_file(self, sftp_door: SftpDoor, drop: Drop, sftp: paramiko.SFTPClient) -> None:
        channel = sftp.get_channel()
        assert channel is not None
        key = channel.get_transport().get_remote_server_key()
        assert sftp_door.host_key.startswith(f"ssh-ed25519 {key.get_base64()}")
        assert drop.state()["hostKey"] == sftp_door.host_key

    def test_faults_refuse_and_cut(self, drop: Drop, faults: FaultBook, sftp: paramiko.SFTPClient) -> None:
        drop.change({"files": {"drop/a": "content"}})
        faults.add({"match": {"method": "GET", "path": "/a$"}, "times": 1, "status": 403})
        with pytest.raises(PermissionError):
            sftp.open("/drop/a")
        faults.add({"match": {"method": "GET"}, "reset": True})
        with pytest.raises((EOFError, OSError, paramiko.SSHException)):
            sftp.open("/drop/a")
        assert drop.state()["operations"][:2] == ["GET a", "GET a"]

    def test_a_taken_port_is_said_at_the_start(self, drop: Drop, sftp_door: SftpDoor, tmp_path: Path) -> None:
        second = SftpDoor(
            drop=drop,
            faults=FaultBook(),
            host=HOST,
            port=sftp_door.port,
            host_key=keyfiles.host_key(tmp_path / "host_key"),
        )
        with pytest.raises(OSError, match="address already in use"):
            second.start()


class TestFtp:
    def test_serves_plain_and_secured_at_one_port(self, drop: Drop, ftp_door: FtpDoor) -> None:
        with ftplib.FTP() as plain:  # noqa: S321
            plain.connect(HOST, ftp_door.port, timeout=5)
            plain.login("anybody", "anything")
            plain.storbinary("STOR /drop/a", io.BytesIO(b"content"))
        with ftplib.FTP_TLS() as secured:  # noqa: S321
            secured.connect(HOST, ftp_door.port, timeout=5)
            secured.login("anybody", "anything")
            secured.prot_p()
            assert [name for name, _ in secured.mlsd("/drop") if name not in (".", "..")] == ["a"]
        assert drop.state()["files"] == {"drop/a": 7}

    def test_faults_refuse(self, faults: FaultBook, ftp_door: FtpDoor) -> None:
        faults.add({"match": {"method": "PUT"}, "status": 552})
        with ftplib.FTP() as client:  # noqa: S321
            client.connect(HOST, ftp_door.port, timeout=5)
            client.login("anybody", "anything")
            with pytest.raises(ftplib.error_perm, match="552 Told to refuse"):
                client.storbinary("STOR /drop/a", io.BytesIO(b"content"))


class TestKeyFiles:
    def test_are_made_once_and_for_the_owner_alone(self, tmp_path: Path) -> None:
        path = tmp_path / "sandbox" / "oci.pem"
        first = keyfiles.signing_key(path).public_numbers()
        assert keyfiles.signing_key(path).public_numbers() == first
        assert path.stat().st_mode & 0o777 == 0o600

    def test_a_file_that_is_no_key_is_said(self, tmp_path: Path) -> None:
        path = tmp_path / "oci.pem"
        path.write_text("nonsense")
        with pytest.raises(keyfiles.UnableToUseKeyFile, match="is no PEM key"):
            keyfiles.signing_key(path)
